"""Slack: asked through its Web API, listened to through signed webhooks, spoken to in blocks."""

from services.integrations.slack.client import RateLimited, Slack

__all__ = ["RateLimited", "Slack"]
