"""What runs and no form made: the nearest form, filled in from the manifests in the repository.

Row 34: manifests are plain YAML, and a folder that is not ours is read, changed and tracked all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from services.accounts.models import User
from services.catalog.models import Entity
from services.clusters.models import Environment

from ..models import Request
from .deployed import deployed
from .forms import blueprints, context_for

if TYPE_CHECKING:
    from services.onboarding.blueprints.adopting import Adoption, Found

MOST_KEPT = 200


def adoption(entity: Entity, user: User) -> Adoption | None:
    """None when the repository has nothing of it, or no form comes near.

    Raises `integrations.errors` while the git host is silent.
    """
    from services.onboarding.blueprints.adopting import adoption_of

    found = [each for place in Environment.objects.all() for each in _objects(entity, place)]
    if not found:
        return None
    context = context_for(user, Request(created_by=user, entity_ref=entity.ref))
    return adoption_of(blueprints().values(), found, _known(entity), context)


def as_kept(found: Adoption) -> dict[str, Any]:
    """As a request keeps it."""
    from services.onboarding.blueprints.adopted import as_json

    kept = [[each.file, each.object, each.path, each.value[:200]] for each in found.kept[:MOST_KEPT]]
    return {**as_json(found.adopted), "kept": kept, "more": max(0, len(found.kept) - MOST_KEPT)}


def _objects(entity: Entity, environment: Environment) -> Iterator[Found]:
    from services.onboarding.blueprints.adopting import Found
    from services.onboarding.blueprints.previous import documents_of

    for path, text in sorted(deployed(entity, environment).files.items()):
        for index, data in enumerate(documents_of(text)):
            about = data.get("metadata") or {}
            is_object = isinstance(about, dict) and about.get("name") and data.get("kind")
            if is_object and about.get("namespace", environment.namespace) == environment.namespace:
                yield Found(environment.name, path, index, data)


def _known(entity: Entity) -> dict[str, Any]:
    return {
        "ref": entity.ref,
        "name": entity.name,
        "owner": entity.owner_ref.rpartition("/")[2],
        "system": entity.system_ref.rpartition("/")[2] or None,
        "description": entity.description or None,
        "depends_on": _needs(entity) or None,
        "descriptor": {
            "apiVersion": entity.api_version, "kind": entity.kind, "metadata": entity.metadata,
            "spec": entity.spec,
        },
    }  # fmt: skip


def _needs(entity: Entity) -> list[str]:
    """What its descriptor says it depends on, as far as it is there and a form can be asked for it."""
    said = entity.spec.get("dependsOn")
    refs = [_whole(str(each).lower()) for each in said] if isinstance(said, list) else []
    there = Entity.objects.filter(ref__in=refs, kind__in=("Component", "Resource")).values_list(
        "ref", flat=True
    )
    known = set(there)
    return [ref for ref in dict.fromkeys(refs) if ref in known]


def _whole(ref: str) -> str:
    """`resource:cart-db` and `cart` as the catalog calls them."""
    kind, _, name = ref.rpartition(":")
    return f"{kind or 'component'}:{name if '/' in name else f'default/{name}'}"
