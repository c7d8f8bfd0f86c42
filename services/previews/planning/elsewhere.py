"""A set of services copied to another environment, or moved to another cluster (rows 44 and 90)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.catalog.models import Entity
from services.clusters.models import Environment
from services.manifests import emit
from services.manifests.check import Finding, check
from services.manifests.copying import Copied, Target, copy
from services.manifests.parity import Difference, differences
from services.onboarding.models import Request

from ..errors import Impossible
from .gathering import Gathered, gather
from .plans import REQUEST, Choice, Wish, closure_of, space


@dataclass(frozen=True)
class Elsewhere:
    """`added`: those that are not in the target yet; `there`: those that are, and stay as they are."""

    wish: Wish
    target: Environment
    choices: list[Choice]
    gathered: Gathered
    there: Gathered
    copied: Copied
    findings: list[Finding]
    needs: list[dict[str, Any]]

    @property
    def added(self) -> list[Choice]:
        return [each for each in self.choices if each.chosen]

    @property
    def blocked(self) -> bool:
        return any(each.severity == "block" for each in self.findings)

    @cached_property
    def files(self) -> dict[str, str]:
        """Where the originals are, in the folder of the target; what a file held stays together."""
        found: dict[str, list[dict[str, Any]]] = {}
        for item in self.copied.items:
            folder = self.gathered.folders[item.part].rpartition("/")[0]
            path = f"{folder}/{self.target.name}/{item.path.rpartition('/')[2]}"
            found.setdefault(path, []).append(item.data)
        return {path: emit.dump(datas) for path, datas in sorted(found.items())}


def elsewhere(wish: Wish, target: Environment, request: Request | None = None) -> Elsewhere:
    """What would be added there, nothing done. Refuses (Impossible) the base itself, and previews."""
    if target.pk == wish.base.pk or target.is_preview:
        raise Impossible("Choose another environment, one that stays.")
    closure = closure_of(wish)
    known = [entity for _, entity in closure.values() if entity is not None]
    gathered, there = gather(known, wish.base.name), gather(known, target.name)
    choices = [_choice(wish, ref, step, entity, gathered, there) for ref, (step, entity) in closure.items()]
    items = [item for each in choices if each.chosen for item in gathered.items[each.ref]]
    copied = copy(items, _target(wish.base, target, request), source=wish.base.namespace, there=_names(there))
    settings = {**target.settings, "is_production": target.is_production}
    findings = check([each.data for each in copied.items], environment=target.name, settings=settings)
    chosen = [each.entity for each in choices if each.chosen and each.entity]
    needs = list(_needs(chosen, target, wish.team.slug))
    return Elsewhere(wish, target, choices, gathered, there, copied, findings, needs)


def _choice(
    wish: Wish, ref: str, step: int, entity: Entity | None, gathered: Gathered, there: Gathered
) -> Choice:
    files = len(gathered.items.get(ref, ()))
    why = "is there already" if ref in there.items else "" if files else f"no manifests for {wish.base}"
    return Choice(ref, entity, step, not why and ref not in wish.left_out, files, why)


def _target(base: Environment, target: Environment, request: Request | None) -> Target:
    """Hosts and the place of secrets follow the settings of the two environments."""
    pairs = [(base.settings.get(key), target.settings.get(key)) for key in ("public_domain", "domain")]
    stores = [(each.settings.get("secret_store") or {}).get("path") for each in (base, target)]
    return Target(
        namespace=target.namespace,
        domains={str(old): str(new) for old, new in pairs if old and new},
        swaps={str(stores[0]): str(stores[1])} if all(stores) else {},
        annotations={REQUEST: space.mark(request)},
        storage_class=str(target.settings.get("storage_class") or ""),
    )


def _names(there: Gathered) -> set[tuple[str, str]]:
    items = [item for some in there.items.values() for item in some]
    return {
        (str(each.data.get("kind")), str((each.data.get("metadata") or {}).get("name"))) for each in items
    }


def _needs(entities: Sequence[Entity], target: Environment, own: str) -> list[dict[str, Any]]:
    """What belongs to others takes a yes of theirs; production one of a lead in any case."""
    owners = {(each.holder_ref or each.owner_ref).rpartition("/")[2] for each in entities}
    asked = sorted(owners - {own, ""}) + ([own] if target.is_production else [])
    return [
        {
            "key": f"copy-{slug}"[:63], "who": ["lead", "platform"], "team": slug, "count": 1,
            "reason": f"Its services go to {target}" if slug != own else f"It goes to {target}",
        }
        for slug in asked
    ]  # fmt: skip


def parity(
    refs: Sequence[str], entities: Sequence[Entity], base: str, target: str
) -> dict[str, list[Difference]]:
    """By name of each service, what is not alike in the repository now; empty lists for those that are.

    Raises `integrations.errors` while the git host is silent.
    """
    left, right = gather(entities, base), gather(entities, target)

    def datas(found: Gathered, ref: str) -> list[Any]:
        return [item.data for item in found.items.get(ref, [])]

    return {ref: differences(datas(left, ref), datas(right, ref)) for ref in refs}
