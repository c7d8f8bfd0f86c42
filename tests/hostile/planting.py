"""The same text in every field of every row that people or clusters may have written."""

from typing import Any

from django.apps import apps
from django.db import connection, models

# Rows the database refuses to change: what is in them came through the others.
FINAL = {"audit.Event", "helpdesk.TicketEvent"}
# What the portal itself writes by rule: names that are checked, states, keys.
KEYS = {
    "username",
    "slug",
    "ref",
    "name",
    "kind",
    "namespace",
    "state",
    "token",
    "digest",
    "tree_hash",
    "provider",
    "repo",
    "base_sha",
    "head_sha",
    "to_ref",
    "word",
    "merge_sha",
    "blueprint",
    "server",
    "ca",
    "token_sealed",
    "key",
    "action",
    "api_version",
    "uid",
    "owner_uid",
    "health",
    "environment",
    "origin",
    "type",
    "submission",
    "external_id",
    "email",
    "timezone",
    "password",
    "icon",
    "revision",
    "cause",
    "entity_ref",
    "owner_ref",
    "system_ref",
    "target_ref",
    "converted_to",
    "onboarded_request",
    "branch",
    "default_branch",
}
SAID = {
    "title",
    "message",
    "advice",
    "reason",
    "summary",
    "description",
    "label",
    "value",
    "text",
    "suggestion",
    "file",
    "image",
    "note",
    "definition",
    "url",
    "displayName",
    "links",
    "tags",
    "annotations",
    "evidence",
}


def plant(text: str) -> int:
    """Write `text` everywhere; returns into how many columns."""
    planted = 0
    for model in apps.get_models():
        if not model.__module__.startswith("services.") or model._meta.label in FINAL:
            continue
        for field in model._meta.concrete_fields:
            planted += _plant(model, field, text)
    return planted


def _plant(model: type[models.Model], field: Any, text: str) -> bool:
    rows = model._base_manager.all()
    if isinstance(field, models.JSONField):
        for row in rows:
            spoiled = _spoiled(getattr(row, field.name), "", text)
            model._base_manager.filter(pk=row.pk).update(**{field.name: spoiled})
        return True
    if type(field) not in (models.CharField, models.TextField) or field.choices or field.name in KEYS:
        return False
    with connection.cursor():
        rows.update(**{field.name: text[: field.max_length] if field.max_length else text})
    return True


def _spoiled(value: Any, key: str, text: str) -> Any:
    if isinstance(value, dict):
        return {k: _spoiled(v, k if k in SAID or key not in SAID else key, text) for k, v in value.items()}
    if isinstance(value, list):
        return [_spoiled(item, key, text) for item in value]
    return text if isinstance(value, str) and key in SAID else value
