"""The picture of requests on hosts of others, for the same checker that judges those on the built-in one."""

from collections import Counter

from services.audit.models import Event
from services.effects.models import Effect
from services.notices.models import Notice
from services.onboarding.models import Request
from tests.fakes.forge.state import Forge
from tests.faults.abroad import Abroad
from tests.faults.checker import Picture, Violation, check
from tests.faults.seeing import _ours as commits_of_ours

MERGED = ("merged", "rolling_out")  # as far as it goes where no cluster is


def judged(run: Abroad) -> list[Violation]:
    """What is lost, doubled, stuck or falsely told, on the hosts and in the portal."""
    found = [each for each in check(picture(run)) if not _is_far_enough(each)]
    for trip in run.trips:
        forge = run.forges[trip.provider].forge
        row = Request.objects.get(token=trip.name)
        said = [note.body for pull in forge.pulls.values() for note in pull.notes]
        if sum(f"Good: {trip.name}\n" in f"{body}\n" for body in said) != 1:
            found.append(Violation("lost", row.ref, "its comment is not on the host once"))
        votes = forge.pulls[row.pull_number or 0].reviews
        notes = [body for body in said if "approve" in body.lower() and row.head_sha[:7] in body]
        if len(votes) > 1 or len(notes) > 1:
            found.append(Violation("doubled", row.ref, f"{len(votes) + len(notes)} approvals of one person"))
        if row.state in MERGED and forge.tip("main") and not _is_in(forge, row):
            found.append(Violation("false", row.ref, "says merged, and its files are not there"))
        labels = forge.pulls[row.pull_number or 0].labels
        if len(labels) != len(set(labels)):
            found.append(Violation("doubled", row.ref, f"labels {labels}"))
    return found


def _is_far_enough(found: Violation) -> bool:
    return found.kind == "stuck" and found.text in MERGED


def _is_in(forge: Forge, row: Request) -> bool:
    tree = forge.git[forge.tip("main")].peel(type(forge.git.head.peel().tree))
    return all(path in tree for path in row.files)


def picture(run: Abroad) -> Picture:
    rows = list(Request.objects.order_by("number"))
    forges = {name: served.forge for name, served in run.forges.items()}
    branches = {
        name: commits_of_ours(forge.git, name)
        for forge in forges.values()
        for name in forge.git.branches.local
        if name.startswith("slipway/r-")
    }
    return Picture(
        asked={trip.name for trip in run.trips},
        accepted={row.token: row.ref for row in rows},
        requests=[
            {
                "pk": str(row.pk), "ref": row.ref, "token": row.token, "state": row.state, "broken": False,
                "branch": row.branch, "pull_number": row.pull_number, "merge_sha": row.merge_sha,
                "entity_ref": row.entity_ref,
            }
            for row in rows
        ],
        effects=[
            {"kind": e.kind, "key": e.key, "state": e.state, "request": e.object_id}
            for e in Effect.objects.all()
        ],
        pulls=[
            {"branch": pull.branch, "number": pull.number, "state": pull.state}
            for forge in forges.values()
            for pull in forge.pulls.values()
        ],
        comments=[
            (f"{name} {pull.number}", note.body)
            for name, forge in forges.items()
            for pull in forge.pulls.values()
            for note in pull.notes
        ],
        branches=branches,
        merges=[merge for forge in forges.values() for merge in _merges(forge)],
        entities=[(row.entity_ref, row.ref) for row in rows if _is_known(row)],
        events=[
            {
                "request": event.object_id, "action": event.action, "from": event.details.get("from", ""),
                "to": event.details.get("to", ""),
            }
            for event in Event.objects.filter(object_type="onboarding.request").order_by("pk")
        ],
        notices=list(Notice.objects.values_list("person__username", "key")),
    )  # fmt: skip


def _is_known(row: Request) -> bool:
    from services.catalog.models import Entity

    return Entity.objects.filter(ref=row.entity_ref, onboarded_request=row.ref).exists()


def _merges(forge: Forge) -> list[tuple[str, str]]:
    """(R-1001, sha) of each commit on the base's own line that takes in the branch of a request."""
    heads = {pull.head: pull.branch for pull in forge.pulls.values()}
    found, at = [], forge.git.branches["main"].peel()
    while at.parents:
        if len(at.parents) == 2 and (branch := heads.get(str(at.parent_ids[1]))):
            found.append((branch.removeprefix("slipway/").upper(), str(at.id)))
        at = at.parents[0]
    return found


def told(run: Abroad, violations: list[Violation]) -> dict[str, object]:
    """As a round of `tests.faults` tells it."""
    kinds = Counter(each.kind for each in violations)
    return {
        **{kind: kinds[kind] for kind in ("lost", "doubled", "false")},
        "stuck": kinds["stuck"] + len(run.stuck),
        "faults": len(run.happened),
        "requests": len(run.trips),
        "recoveries": [each.recovered - each.at for each in run.happened if each.recovered is not None],
        "points": [], "known": 0, "spared": [], "unmet": [], "seed": run.seed,
        "counts": {f"on a host of others: {what}": count for what, count in run.counts.items()},
        "violations": [*map(str, violations), *(f"stuck: {each}" for each in run.stuck)],
    }  # fmt: skip
