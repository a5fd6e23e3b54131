"""The tables, as Django describes them."""

import uuid

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone


class Owasp(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19456
    parallelism = 1

    def must_update(self, _encoded):
        """Leave the hash alone: Django finds its salt too short, would hash a second time and store its own kind."""
        return False


class PhcString(models.CharField):
    """A hash as others store it; Django puts the name of the family in front."""

    def from_db_value(self, value, _expression, _connection):
        return f"argon2{value}"


class Json(models.JSONField):
    """A json column, which psycopg2 reads by itself; Django expects jsonb, of which it has psycopg2 give the text."""

    def from_db_value(self, value, _expression, _connection):
        return value


class User(AbstractBaseUser):
    id = models.UUIDField(primary_key=True)
    email = models.TextField(unique=True, db_column="email_key")
    name = models.CharField(max_length=100)
    password = PhcString(max_length=200, db_column="password_hash")
    timezone = models.CharField(max_length=64)
    theme = models.CharField(max_length=6)
    created_at = models.DateTimeField()
    last_login = None
    is_active = True
    USERNAME_FIELD = "email"
    objects = BaseUserManager()

    class Meta:
        db_table = "users"
        managed = False


class BlockedToken(models.Model):
    jti = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "blocked_tokens"
        managed = False


class Task(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    title = models.CharField(max_length=500)
    title_sort = models.CharField(max_length=100)
    notes = models.TextField(default="", blank=True)
    priority = models.SmallIntegerField(default=0)
    due_date = models.DateField(null=True)
    due_time = models.TimeField(null=True)
    due_sort = models.CharField(max_length=16, default="9999-12-31T99:99")
    tags = Json(default=list)
    completed_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    rev = models.BigIntegerField(default=1)

    class Meta:
        db_table = "tasks"
        managed = False

    @property
    def completed(self):
        return self.completed_at is not None

    @property
    def due_at(self):
        return timezone.datetime.combine(self.due_date, self.due_time, timezone.utc) if self.due_time else None
