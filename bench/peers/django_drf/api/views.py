"""The API, in DRF's own classes."""

from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from api.models import Task, User


class TaskSerializer(serializers.ModelSerializer):
    completed = serializers.BooleanField(read_only=True)
    due_at = serializers.DateTimeField(read_only=True)

    class Meta:
        model = Task
        exclude = ("user", "title_sort", "due_sort")
        read_only_fields = ("id", "completed_at", "deleted_at", "created_at", "updated_at", "rev")


class Tasks(APIView):
    def get(self, request, user_id):
        limit = min(int(request.query_params.get("limit", 50)), 200)
        mine = Task.objects.filter(user_id=user_id, deleted_at=None, completed_at=None).order_by("due_sort", "id")
        return Response({"items": TaskSerializer(mine[:limit], many=True).data})

    def post(self, request, user_id):
        task = TaskSerializer(data=request.data)
        task.is_valid(raise_exception=True)
        task.save(user_id=user_id, title_sort=task.validated_data["title"].casefold()[:100])
        return Response(task.data, status=201)


class OneTask(generics.RetrieveAPIView):
    serializer_class = TaskSerializer
    lookup_url_kwarg = "task_id"

    def get_queryset(self):
        return Task.objects.filter(user_id=self.kwargs["user_id"])


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "email", "name", "timezone", "theme", "created_at")


class Me(APIView):
    def get(self, request):
        return Response(UserSerializer(User.objects.get(id=request.user.id)).data)


class Login(TokenObtainPairView):
    permission_classes = (AllowAny,)


class Refresh(TokenRefreshView):
    permission_classes = (AllowAny,)
