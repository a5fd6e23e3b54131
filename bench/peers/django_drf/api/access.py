"""Who may pass."""

from rest_framework.permissions import BasePermission
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken

from api.models import BlockedToken


class Unblocked(JWTStatelessUserAuthentication):
    """SimpleJWT never asks whether an access token was revoked; this does, and does without the user row."""

    def get_user(self, validated_token):
        if BlockedToken.objects.filter(jti=validated_token["jti"]).exists():
            raise InvalidToken("revoked")
        return super().get_user(validated_token)


class IsOwner(BasePermission):
    def has_permission(self, request, view):
        owner = view.kwargs.get("user_id")
        return bool(request.user) and (owner is None or str(request.user.id) == str(owner))
