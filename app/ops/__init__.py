"""What operators and their machines ask, and what describes the API."""

from app.ops import docs, health

blueprints = (health.bp, docs.bp)
