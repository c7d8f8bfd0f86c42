"""`manage.py check --database default` says when the application's role could rewrite the audit."""

from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register

from services.audit import queries

HINT = "Give it a role of its own, and migrate as the owner: see the database roles in docs/operations.md."


@register(Tags.database)
def check_role(app_configs: Any, **options: Any) -> list[CheckMessage]:
    if not options.get("databases") or not queries.can_be_rewritten():
        return []
    return [Warning("The application's database role could rewrite the audit.", HINT, id="slipway.W010")]
