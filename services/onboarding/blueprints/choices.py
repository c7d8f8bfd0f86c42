"""What there is to choose from, and what a cluster would have to serve before one could."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.onboarding.blueprints.model import Choice, Context, EnvironmentInfo, Field
from services.onboarding.blueprints.validation import MOST


def options_of(field: Field, value: Any, context: Context) -> tuple[Choice, ...]:
    """What there is to choose from, given what was chosen."""
    if field.source == "teams":
        return tuple(Choice(team.slug, team.name) for team in context.user.teams)
    if field.source == "environments":
        return tuple(
            Choice(each.name, each.title, f"Namespace {each.namespace}") for each in context.environments
        )
    if not field.source:
        return field.options
    known = getattr(context, field.source)
    chosen = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
    return tuple(known([each for each in chosen[:MOST] if each.isprintable()]) if callable(known) else known)


def judged(
    field: Field,
    options: Sequence[Choice],
    needs: Mapping[str, str],
    chosen: Sequence[EnvironmentInfo],
    context: Context,
) -> tuple[Choice, ...]:
    """The options, each saying what it lacks: an environment what the blueprint needs (row 82)."""
    if field.source == "environments":
        by_name = {each.name: each for each in context.environments}
        return tuple(replace(each, missing=lacking([by_name[each.value]], needs)) for each in options)
    return tuple(
        replace(each, missing=lacking(chosen, each.requires)) if each.requires else each for each in options
    )


def lacking(environments: Sequence[EnvironmentInfo], needs: Mapping[str, str]) -> str:
    """`Strimzi is not installed in Staging and Production`; empty where nothing is missing."""
    if not needs:
        return ""
    places: dict[str, list[str]] = {}
    for environment in environments:
        for name in environment.lacks(needs):
            places.setdefault(name, []).append(environment.title)
    return "; ".join(f"{name} is not installed in {_and(titles)}" for name, titles in places.items())


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def possible(field: Field, default: Any, options: Sequence[Choice]) -> Any:
    """A default without what cannot be had: the first that can, or of a list those that can."""
    out = {each.value for each in options if each.missing}
    if isinstance(default, list):
        return [each for each in default if not isinstance(each, str) or each not in out]
    if not out or not isinstance(default, str) or default not in out:
        return default
    return next((each.value for each in options if not each.missing), None)
