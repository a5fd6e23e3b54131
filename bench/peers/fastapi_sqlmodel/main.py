"""FastAPI + SQLModel + PyJWT over psycopg2: endpoints are functions that FastAPI runs in its threads."""

import datetime as dt
import os
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from security import claims_of, matches, token_pair
from sqlmodel import Session, create_engine, select
from tables import BlockedToken, Credentials, NewTask, Profile, RefreshToken, ShownTask, Task, Tasks, User

engine = create_engine(os.environ["DATABASE_URL"], pool_size=16, max_overflow=0)
app = FastAPI()


def get_session() -> Any:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def get_claims(sent: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())], session: SessionDep) -> Any:
    claims = claims_of(sent.credentials, "access")
    if session.get(BlockedToken, claims["jti"]) is not None:
        raise HTTPException(401, "revoked token")
    return claims


Claims = Annotated[dict[str, Any], Depends(get_claims)]


def get_owner(user_id: UUID, claims: Claims) -> UUID:
    if claims["sub"] != str(user_id):
        raise HTTPException(403, "not yours")
    return user_id


Owner = Annotated[UUID, Depends(get_owner)]


@app.post("/api/auth/login")
def login(body: Credentials, session: SessionDep) -> dict[str, str]:
    user = session.exec(select(User).where(User.email_key == body.email.casefold())).first()
    if not matches(user and user.password_hash, body.password):
        raise HTTPException(401, "wrong address or password")
    return token_pair(user.id)


@app.post("/api/auth/refresh")
def refresh(body: RefreshToken, session: SessionDep) -> dict[str, str]:
    claims = claims_of(body.refresh_token, "refresh")
    if session.get(BlockedToken, claims["jti"]) is not None:
        raise HTTPException(401, "revoked token")
    session.add(BlockedToken(jti=claims["jti"], expires_at=dt.datetime.fromtimestamp(claims["exp"], dt.UTC)))
    session.commit()
    return token_pair(UUID(claims["sub"]))


@app.get("/api/me", response_model=Profile)
def me(claims: Claims, session: SessionDep) -> Any:
    return session.get(User, UUID(claims["sub"]))


@app.get("/api/users/{user_id}/tasks", response_model=Tasks)
def tasks(user_id: Owner, session: SessionDep, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Any:
    mine = select(Task).where(Task.user_id == user_id, Task.deleted_at.is_(None), Task.completed_at.is_(None))
    return {"items": session.exec(mine.order_by(Task.due_sort, Task.id).limit(limit)).all()}


@app.post("/api/users/{user_id}/tasks", response_model=ShownTask, status_code=201)
def create(user_id: Owner, body: NewTask, session: SessionDep) -> Any:
    task = Task(**body.model_dump(), user_id=user_id, title_sort=body.title.casefold()[:100])
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.get("/api/users/{user_id}/tasks/{task_id}", response_model=ShownTask)
def show(user_id: Owner, task_id: UUID, session: SessionDep) -> Any:
    task = session.exec(select(Task).where(Task.id == task_id, Task.user_id == user_id)).first()
    if task is None:
        raise HTTPException(404)
    return task
