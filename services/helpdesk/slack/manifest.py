"""The manifest of the app in Slack, to be pasted when it is made: https://api.slack.com/apps?new_app=1."""

from typing import Any

import yaml
from django.conf import settings

SCOPES = (
    "app_mentions:read", "channels:history", "chat:write", "commands", "groups:history", "groups:read",
    "im:history", "im:write", "reactions:read", "reactions:write", "usergroups:read", "usergroups:write",
    "users:read", "users:read.email",
)  # fmt: skip
EVENTS = (
    "app_home_opened", "app_mention", "app_uninstalled", "message.channels", "message.groups", "message.im",
    "reaction_added", "reaction_removed", "tokens_revoked",
)  # fmt: skip
HOOKS = {
    "events": "hooks/slack/events/",
    "commands": "hooks/slack/commands/",
    "actions": "hooks/slack/actions/",
}


def manifest() -> dict[str, Any]:
    """As Slack reads it, with the addresses of this portal."""
    base = settings.BASE_URL.rstrip("/")
    url = {name: f"{base}/{path}" for name, path in HOOKS.items()}
    about = "Asks for help and follows it"
    command = {
        "command": settings.SLACK_COMMAND, "url": url["commands"], "description": about,
        "usage_hint": "[what it is about] | mine | status T-1001 | help", "should_escape": False,
    }  # fmt: skip
    shortcuts = [
        {"name": "Make it a ticket", "type": "message", "callback_id": "make", "description": about},
        {"name": "Ask for help", "type": "global", "callback_id": "ask", "description": about},
    ]
    return {
        "display_information": {"name": "Slipway", "description": "The help desk of the platform team"},
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True,
                         "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": "slipway", "always_online": True},
            "shortcuts": shortcuts,
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"request_url": url["events"], "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, "request_url": url["actions"]},
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }  # fmt: skip


def as_yaml() -> str:
    return str(yaml.safe_dump(manifest(), sort_keys=False, width=120))
