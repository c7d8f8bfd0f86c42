"""Which owners can answer: groups with somebody in them, people who are still here."""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Q

from services.accounts.models import Team, User
from services.catalog.models import Entity, Lifeless, Relation

LEFT = "has left"
EMPTY = "has nobody in it any more"
GONE = "is no longer in its source"


def lifeless_groups(
    groups: Iterable[str], staffed: set[str], children: Iterable[tuple[str, str]]
) -> set[str]:
    """Groups in which nobody lives, neither in themselves nor in a group below; pairs are (parent, child)."""
    above: dict[str, set[str]] = {}
    for parent, child in children:
        above.setdefault(child, set()).add(parent)
    living, way = set(staffed), list(staffed)
    while way:
        for parent in above.get(way.pop(), set()) - living:
            living.add(parent)
            way.append(parent)
    return set(groups) - living


def dead_owners() -> dict[str, str]:
    """Reference -> why, of every owner in the catalog that cannot answer; six queries, however many."""
    gone = Entity.State.ORPHAN
    orphaned = Entity.objects.filter(kind__in=["Group", "User"], state=gone).values_list("ref", flat=True)
    left = [f"user:default/{name.lower()}" for name in _inactive()]
    people = Entity.objects.filter(kind="User", ref__any_of=left).values_list("ref", flat=True)
    why = dict.fromkeys(orphaned, GONE) | dict.fromkeys(people, LEFT)
    groups = Entity.objects.filter(kind="Group").values_list("ref", flat=True)
    empty = lifeless_groups(groups, _staffed(left), _children())
    return dict.fromkeys(empty, EMPTY) | why


def _inactive() -> Iterable[str]:
    return User.objects.filter(is_active=False).values_list("username", flat=True)


def _staffed(left: list[str]) -> set[str]:
    """Groups with a living person of their own, told by either side's descriptor or by the accounts."""
    orphan = Entity.State.ORPHAN
    told = Relation.objects.filter(type="hasMember").exclude(target__state=orphan)
    said = Relation.objects.filter(type="memberOf").exclude(source__state=orphan)
    found = set(
        told.filter(target__isnull=False).exclude(target_ref__in=left).values_list("source__ref").distinct()
    )
    found |= set(said.exclude(source__ref__in=left).values_list("target_ref").distinct())
    teams = Team.objects.filter(members__is_active=True).values_list("slug", flat=True).distinct()
    return {ref for (ref,) in found} | {f"group:default/{slug}" for slug in teams}


def _children() -> list[tuple[str, str]]:
    rows = Relation.objects.filter(type__in=["childOf", "parentOf"])
    named = rows.values_list("type", "source__ref", "target_ref")
    return [(ref, other) if kind == "parentOf" else (other, ref) for kind, ref, other in named]


@transaction.atomic
def refresh() -> int:
    """Write down who cannot answer now; who could not before keeps their date. Safe to run twice."""
    found = dead_owners()
    Lifeless.objects.exclude(ref__any_of=found).delete()
    rows = [Lifeless(ref=ref, why=why) for ref, why in sorted(found.items())]
    Lifeless.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["ref"], update_fields=["why"], batch_size=1000
    )
    return len(rows)


def reasons(refs: Iterable[str]) -> Mapping[str, str]:
    """Why those of `refs` that cannot answer cannot; one query, none for nobody."""
    wanted = {ref for ref in refs if ref}
    if not wanted:
        return {}
    return dict(Lifeless.objects.filter(Q(ref__any_of=wanted)).values_list("ref", "why"))
