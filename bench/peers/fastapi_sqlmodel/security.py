"""Tokens by PyJWT and passwords by argon2-cffi, as FastAPI's tutorial puts them together."""

import os
import time
from typing import Any
from uuid import UUID, uuid4

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import HTTPException

SECRET = os.environ["JWT_SECRET"]
LIFETIMES = {"access": 900, "refresh": 30 * 86400}
hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
DUMMY_HASH = hasher.hash("nobody's")


def token_pair(user_id: UUID) -> dict[str, str]:
    return {f"{kind}_token": _token(user_id, kind) for kind in LIFETIMES} | {"token_type": "bearer"}


def _token(user_id: UUID, kind: str) -> str:
    now = int(time.time())
    claims = {"sub": str(user_id), "jti": str(uuid4()), "type": kind, "iat": now, "exp": now + LIFETIMES[kind]}
    return jwt.encode(claims, SECRET, "HS256")


def claims_of(token: str, kind: str) -> dict[str, Any]:
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub", "jti"]})
    except jwt.PyJWTError as error:
        raise HTTPException(401, "invalid token") from error
    if claims.get("type") != kind:
        raise HTTPException(401, "invalid token")
    return claims


def matches(stored: str | None, password: str) -> bool:
    try:
        hasher.verify(stored or DUMMY_HASH, password)
    except VerifyMismatchError:
        return False
    return stored is not None
