"""Accounts and tokens over HTTP: JSON API, OAuth 2 endpoints, pages."""

from app.auth import account, api, metadata, oauth, pages, session, users_api

blueprints = (api.bp, users_api.bp, oauth.bp, metadata.bp, pages.bp, account.bp, session.bp)
