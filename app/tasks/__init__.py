"""Tasks over HTTP: JSON API and pages."""

from app.tasks import api, pages

blueprints = (api.bp, pages.bp)
