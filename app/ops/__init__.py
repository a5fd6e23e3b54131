"""What operators and their machines ask, and what describes the API."""

from app.ops import docs, health, metrics

blueprints = (health.bp, metrics.bp, docs.bp)
