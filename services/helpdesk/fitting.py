"""Which forms fit what somebody says, by the words they share."""

from typing import Any

from services.onboarding.queries import forms

_COMMON = (
    "the and for with this that from not can are was has have new how what when where why does please need "
    "want would like get our your its into"
)
COMMON = frozenset(_COMMON.split())


def words(text: str) -> set[str]:
    """Words worth comparing, without their plural."""
    letters = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return {word.rstrip("s") if len(word) > 3 else word for word in letters if len(word) > 2} - COMMON


def blueprints(text: str, *, limit: int | None = 2) -> list[Any]:
    """Forms whose title, tags or description share words with the text, best first.

    With a limit only those that do; without one all of them, those that fit first.
    """
    wanted = words(text)
    found = [(_fit(form, wanted), form) for form in _all()]
    ranked = [
        form
        for fit, form in sorted(found, key=lambda pair: (-pair[0], pair[1].order))
        if fit or limit is None
    ]
    return ranked[:limit]


def _all() -> list[Any]:
    return list(forms.library().blueprints.values())


def _fit(form: Any, wanted: set[str]) -> int:
    strong = words(f"{form.title} {' '.join(form.tags)} {form.name}")
    return 3 * len(wanted & strong) + len(wanted & words(form.description))
