"""Wiring and shell of the portal; it owns no domain."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
