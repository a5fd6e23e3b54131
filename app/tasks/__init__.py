"""Tasks over HTTP: JSON API and pages."""

from app.tasks import actions, api, data_pages, feeds, formats, pages, transfer

blueprints = (api.bp, formats.bp, transfer.bp, feeds.api, feeds.bp, pages.bp, actions.bp, data_pages.bp)
