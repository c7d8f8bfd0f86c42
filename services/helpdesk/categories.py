"""The categories a new installation starts with. They are rows: platform engineers rename, add and retire
them.
"""

from typing import Any

FIRST_CATEGORIES = [
    ("broken", "Something is broken", "It worked before, or it never started", "alert-triangle"),
    ("deploy", "Release or rollout", "A change does not arrive, or should go back", "rocket"),
    ("data", "Database, cache, storage", "A new one, more room, a restore", "database"),
    ("network", "Addresses and network", "Hostnames, certificates, who may call whom", "world"),
    ("access", "Access and secrets", "To look, to change, a credential", "key"),
    ("pipeline", "Builds and tests", "A pipeline is red, slow or missing something", "git-merge"),
    ("howto", "How do I …?", "You know what you want, not where", "book-2"),
    ("other", "Something else", "We sort it for you", "message-circle"),
]


def plant(*, using: str, **kwargs: Any) -> None:
    """Once, into an empty table: what somebody deleted does not come back."""
    from services.helpdesk.models import Category

    if Category.objects.using(using).exists():
        return
    Category.objects.using(using).bulk_create(
        Category(slug=slug, title=title, hint=hint, icon=icon, position=position)
        for position, (slug, title, hint, icon) in enumerate(FIRST_CATEGORIES, start=1)
    )
