"""What operators and their machines ask."""

from app.ops import health

blueprints = (health.bp,)
