"""What must hold after everything: the driver's journal joined with the database, repository, cluster, audit.

`check` is a function of a `Picture`, so that tests can hand it a false one and see that it notices.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

LEGAL = {
    "draft", "submitted", "awaiting_approval", "proposing", "in_review", "merged", "rolling_out", "live",
    "rejected", "withdrawn", "closed", "needs_attention",
}  # fmt: skip
ENDED = {"live", "rejected", "withdrawn", "closed", "needs_attention"}
SETTLED = {"done", "cancelled", "needs_attention"}
MERGED = {"merged", "rolling_out", "live"}
# Events that can happen to a request once only, however often it was tried.
ONCE = ("submitted", "proposed", "merged", "live")
# Events of which whoever asked is told.
TOLD = ("proposed", "merged", "live")


@dataclass(frozen=True)
class Violation:
    kind: Literal["lost", "doubled", "false", "stuck"]
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}: {self.text}"


@dataclass
class Picture:
    """Everything, as plain values. Requests by token; what belongs to a request by its reference (R-1001)."""

    asked: set[str] = field(default_factory=set)
    accepted: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)
    branches: dict[str, int] = field(default_factory=dict)
    merges: list[tuple[str, str]] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    expected: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    entities: list[tuple[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    broken_links: list[str] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    mails: list[tuple[str, str]] = field(default_factory=list)
    sent: dict[str, str] = field(default_factory=dict)
    pushed: dict[str, list[str]] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)


def check(picture: Picture) -> list[Violation]:
    parts = (_lost, _stuck, _doubled_outside, _doubled_objects, _false, _audit, _told, _read)
    return [found for part in parts for found in part(picture)]


def _lost(picture: Picture) -> Iterator[Violation]:
    """Every request that was accepted is there, under the name it was told, in a state that exists."""
    by_token = {row["token"]: row for row in picture.requests}
    for token, ref in picture.accepted.items():
        row = by_token.get(token)
        if row is None:
            yield Violation("lost", token, f"accepted as {ref}, and not in the database")
        elif row["ref"] != ref:
            yield Violation("lost", token, f"accepted as {ref}, and it is {row['ref']} now")
        elif row["state"] == "draft":
            yield Violation("lost", token, "accepted, and a draft again")
    for row in picture.requests:
        if row["state"] not in LEGAL:
            yield Violation("lost", row["ref"], f"in no legal state: {row['state']}")
        if row["state"] in MERGED and ("entity", row["ref"]) not in _registered(picture, row):
            yield Violation("lost", row["ref"], "merged, and not in the catalog")


def _registered(picture: Picture, row: dict[str, Any]) -> set[tuple[str, str]]:
    """The entity, or the row that says why a person has to look."""
    waits = any(
        e["kind"] == "onboarding.register" and e["request"] == row["pk"] and e["state"] != "done"
        for e in picture.effects
    )
    there = (row["entity_ref"], row["ref"]) in picture.entities
    return {("entity", row["ref"])} if waits or there else set()


def _stuck(picture: Picture) -> Iterator[Violation]:
    """Nothing goes on for ever: each row has ended or is with a person."""
    for effect in picture.effects:
        if effect["state"] not in SETTLED:
            yield Violation("stuck", f"effect {effect['kind']} {effect['key']}", effect["state"])
    for row in picture.requests:
        if row["state"] not in ENDED:
            yield Violation("stuck", row["ref"], row["state"])


def _doubled_outside(picture: Picture) -> Iterator[Violation]:
    """One request a token; one pull request, one commit and one merge a branch; each comment once."""
    counted = {
        "request": Counter(row["token"] for row in picture.requests),
        "pull request": Counter(pull["branch"] for pull in picture.pulls),
        "merge": Counter(ref for ref, _ in picture.merges),
        "comment": Counter(picture.comments),
        "entity": Counter(ref for ref, _ in picture.entities),
        "effect": Counter((effect["kind"], effect["key"]) for effect in picture.effects),
    }
    for what, counts in counted.items():
        for name, count in counts.items():
            if count > 1:
                yield Violation("doubled", str(name), f"{count} of {what}")
    for row in picture.requests:
        if row["token"] not in picture.asked:
            yield Violation("doubled", row["ref"], "a request nobody asked for")
    known = {pull["branch"] for pull in picture.pulls}
    for branch, commits in picture.branches.items():
        if commits > 1:
            yield Violation("doubled", branch, f"{commits} commits of ours")
        if branch not in known:
            yield Violation("doubled", branch, "a branch without its pull request")


def _doubled_objects(picture: Picture) -> Iterator[Violation]:
    """In the cluster is what the repository says, once each, written once: a second apply changes nothing."""
    seen = Counter((_ref(obj), *_identity(obj)) for obj in picture.objects)
    for row in picture.requests:
        mine = {key[1:]: count for key, count in seen.items() if key[0] == row["ref"]}
        expected = picture.expected.get(row["ref"], set())
        for identity, count in mine.items():
            if count > 1:
                yield Violation("doubled", row["ref"], f"{count} of {identity}")
            if identity not in expected:
                yield Violation("doubled", row["ref"], f"nobody asked for {identity}")
        if row["state"] == "live":
            for identity in expected - mine.keys():
                yield Violation("lost", row["ref"], f"live without {identity}")
    for obj in picture.objects:
        if obj["kind"] == "Deployment" and obj["metadata"]["generation"] > 1:
            yield Violation("doubled", _ref(obj), f"{_identity(obj)} was changed after it was made")


def _ref(obj: dict[str, Any]) -> str:
    return str(obj["metadata"]["annotations"]["slipway.dev/request"])


def _identity(obj: dict[str, Any]) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _false(picture: Picture) -> Iterator[Violation]:
    """What the portal says is so: merged in the repository, healthy in the cluster."""
    merges = dict(picture.merges)
    pulls = {(pull["branch"], pull["number"]): pull for pull in picture.pulls}
    for row in picture.requests:
        pull = pulls.get((row["branch"], row["pull_number"]))
        if row["pull_number"] and pull is None:
            yield Violation("false", row["ref"], f"names a pull request #{row['pull_number']} that is not")
        if row["merge_sha"] and merges.get(row["ref"]) != row["merge_sha"]:
            yield Violation("false", row["ref"], "says merged, and the base branch does not")
        if row["state"] == "live" and not _healthy(picture, row["ref"]):
            yield Violation("false", row["ref"], "says live, and the cluster does not")
        if row["state"] == "live" and row["broken"]:
            yield Violation("false", row["ref"], "says live with an image that does not exist")
        if row["state"] == "withdrawn" and pull and pull["state"] != "closed":
            yield Violation("false", row["ref"], f"withdrawn, and its pull request is {pull['state']}")


def _healthy(picture: Picture, ref: str) -> bool:
    deployments = [obj for obj in picture.objects if obj["kind"] == "Deployment" and _ref(obj) == ref]
    return bool(deployments) and all(
        obj.get("status", {}).get("availableReplicas", 0) >= obj["spec"].get("replicas", 1)
        for obj in deployments
    )


def _audit(picture: Picture) -> Iterator[Violation]:
    """Each request's changes of state are one chain from draft to where it stands, each step written once."""
    yield from (Violation("lost", "the audit's chain", link) for link in picture.broken_links)
    for row in picture.requests:
        mine = [event for event in picture.events if event["request"] == row["pk"]]
        steps = [event for event in mine if event["to"]]
        state = "draft"
        for event in steps:
            if event["from"] != state:
                yield Violation("lost", row["ref"], f"audit: from {state} to {event['from']} is not told")
            state = event["to"]
        if state != row["state"]:
            yield Violation("lost", row["ref"], f"audit ends in {state}, the request is {row['state']}")
        counts = Counter(event["action"] for event in mine)
        for action in ONCE:
            if counts[f"request.{action}"] > 1:
                yield Violation("doubled", row["ref"], f"{action} {counts[f'request.{action}']} times")


def _told(picture: Picture) -> Iterator[Violation]:
    """Who asked was told of each step once; each mail that was said to be sent is there, under one name."""
    for (person, key), count in Counter(picture.notices).items():
        if count > 1:
            yield Violation("doubled", key, f"{person} was told {count} times")
    waiting = {e["key"] for e in picture.effects if e["kind"] == "onboarding.tell" and e["state"] != "done"}
    heard = Counter(key.rsplit("/", 2)[0] for person, key in picture.notices if key.endswith("/asker"))
    for row in picture.requests:
        counts = Counter(event["action"] for event in picture.events if event["request"] == row["pk"])
        for event in TOLD:
            about, times = f"{row['ref']}/{event}", counts[f"request.{event}"]
            left = sum(key.startswith(f"{about}/") for key in waiting)
            if heard[about] + left < times:
                yield Violation("lost", about, f"told {heard[about]} times of {times}")
            if heard[about] > times:
                yield Violation("doubled", about, f"told {heard[about]} times of {times}")
        if heard[f"{row['ref']}/approved"] > 1:
            yield Violation("doubled", row["ref"], "told twice that it was approved")
    yield from _mailed(picture)


def _mailed(picture: Picture) -> Iterator[Violation]:
    """`sent` says of each Message-ID what its effect says; a mailbox shows the same Message-ID once."""
    arrived = {name for name, _ in picture.mails}
    for name, state in picture.sent.items():
        if state == "done" and name not in arrived:
            yield Violation("false", name, "said to be sent, and nobody got it")
    for name in arrived - picture.sent.keys():
        yield Violation("doubled", name, "a mail that nobody asked for")


def _read(picture: Picture) -> Iterator[Violation]:
    """Each commit of a source that was read to its end made one run; there is one entity, with its docs."""
    found = {source["token"]: source for source in picture.sources}
    for token, heads in picture.pushed.items():
        source = found.get(token)
        if source is None:
            yield Violation("lost", token, "pushed and asked for, and no source")
            continue
        if source["head"] != heads[-1]:
            yield Violation("false", token, "its last commit was not read")
        if source["runs"] > len(heads):
            yield Violation("doubled", token, f"{source['runs']} runs of {len(heads)} commits")
        if source["runs"] < len(heads) or not source["entities"] or not source["docs"]:
            yield Violation("lost", token, f"{source['runs']} runs of {len(heads)} commits, {source}")
