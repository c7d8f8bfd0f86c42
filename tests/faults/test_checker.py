"""The checker can fail: each lie it is told, it finds."""

import copy
from collections.abc import Callable

import pytest

from tests.faults.checker import Picture, check

SHA, BRANCH, REF = "a" * 40, "slipway/r-1001", "R-1001"
NAMES = {"slipway.dev/request": REF}


def deployment(**changes) -> dict:
    metadata = {"name": "one", "namespace": "shop", "generation": 1, "annotations": NAMES}
    status = {"availableReplicas": 2}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2}, "status": status} | changes


def truth() -> Picture:
    """One request that went the whole way, told alike everywhere, and one that was withdrawn."""
    live = {
        "pk": "1", "ref": REF, "token": "one", "state": "live", "branch": BRANCH, "pull_number": 1,
        "merge_sha": SHA, "entity_ref": "component:default/one", "broken": False,
    }  # fmt: skip
    withdrawn = live | {
        "pk": "2", "ref": "R-1002", "token": "two", "state": "withdrawn", "branch": "slipway/r-1002",
        "pull_number": 2, "merge_sha": "", "entity_ref": "component:default/two",
    }  # fmt: skip
    steps = ["draft", "submitted", "proposing", "in_review", "merged", "rolling_out", "live"]
    said = ["submitted", "proposing", "proposed", "merged", "applied", "live"]
    events = [
        {"request": "1", "action": f"request.{action}", "from": a, "to": b}
        for action, a, b in zip(said, steps, steps[1:], strict=False)
    ]
    events += [
        {"request": "2", "action": "request.submitted", "from": "draft", "to": "submitted"},
        {"request": "2", "action": "request.approved", "from": "", "to": ""},
        {"request": "2", "action": "request.withdrawn", "from": "submitted", "to": "withdrawn"},
    ]
    return Picture(
        asked={"one", "two"},
        accepted={"one": REF, "two": "R-1002"},
        requests=[live, withdrawn],
        effects=[{"kind": "onboarding.propose", "key": "R-1001/1", "state": "done", "request": "1"}],
        pulls=[
            {"number": 1, "branch": BRANCH, "state": "merged"},
            {"number": 2, "branch": "slipway/r-1002", "state": "closed"},
        ],
        comments=[("1", "R-1001/hello")],
        branches={BRANCH: 1, "slipway/r-1002": 1},
        merges=[(REF, SHA)],
        objects=[deployment()],
        expected={REF: {("Deployment", "shop", "one")}, "R-1002": set()},
        entities=[("component:default/one", REF)],
        events=events,
        notices=[
            ("mira", f"{REF}/{event}/{n}/asker") for n, event in enumerate(("proposed", "merged", "live"))
        ],
        mails=[("<notice-1>", "sam@example.com"), ("<notice-1>", "sam@example.com")],
        sent={"<notice-1>": "done"},
        pushed={"src": ["c1", "c2"]},
        sources=[{"token": "src", "head": "c2", "runs": 2, "entities": 1, "docs": 1}],
    )


def test_the_truth_passes():
    assert check(truth()) == []


def request(picture: Picture, **changes) -> None:
    picture.requests[0].update(changes)


LIES: list[tuple[str, str, Callable[[Picture], object]]] = [
    ("lost", "an accepted request is gone", lambda p: p.requests.pop(0)),
    ("lost", "it has another name now", lambda p: p.accepted.update(one="R-1009")),
    ("lost", "it is a draft again", lambda p: request(p, state="draft")),
    ("lost", "it is in no state there is", lambda p: request(p, state="limbo")),
    ("lost", "it is not in the catalog", lambda p: p.entities.clear()),
    ("lost", "an object is not in the cluster", lambda p: p.expected[REF].add(("Service", "shop", "one"))),
    ("lost", "a change of state is not in the audit", lambda p: p.events.pop(2)),
    ("lost", "the last change of state is not in the audit", lambda p: p.events.pop(5)),
    ("lost", "the audit was changed", lambda p: p.broken_links.append("7 was changed")),
    ("doubled", "two requests from one form", lambda p: p.requests.append(copy.deepcopy(p.requests[1]))),
    ("doubled", "a request nobody asked for", lambda p: p.asked.discard("two")),
    ("doubled", "two pull requests", lambda p: p.pulls.append(p.pulls[0] | {"number": 7})),
    ("doubled", "two merges", lambda p: p.merges.append((REF, "b" * 40))),
    ("doubled", "two commits on the branch", lambda p: p.branches.update({BRANCH: 2})),
    ("doubled", "a branch nobody asked for", lambda p: p.branches.update({"slipway/r-9999": 1})),
    ("doubled", "the same comment twice", lambda p: p.comments.append(p.comments[0])),
    ("doubled", "two entities", lambda p: p.entities.append(p.entities[0])),
    ("doubled", "two effects", lambda p: p.effects.append(p.effects[0])),
    ("doubled", "two objects", lambda p: p.objects.append(deployment())),
    (
        "doubled",
        "an object nobody asked for",
        lambda p: p.objects.append(
            deployment(kind="Service", metadata=deployment()["metadata"] | {"name": "other"})
        ),
    ),
    (
        "doubled",
        "an object was written again",
        lambda p: p.objects[0]["metadata"].update(generation=2),
    ),
    ("doubled", "it went live twice", lambda p: p.events.append(p.events[5] | {"from": "live"})),
    ("lost", "nobody was told that it is live", lambda p: p.notices.pop()),
    ("doubled", "somebody was told twice", lambda p: p.notices.append(p.notices[0])),
    ("doubled", "told twice in other words", lambda p: p.notices.append(("mira", f"{REF}/live/9/asker"))),
    (
        "doubled",
        "told twice that it was approved",
        lambda p: p.notices.extend(("mira", f"{REF}/approved/{n}/asker") for n in (5, 6)),
    ),
    ("false", "a mail was sent and nobody got it", lambda p: p.mails.clear()),
    ("doubled", "a mail nobody asked for", lambda p: p.mails.append(("<notice-9>", "sam@example.com"))),
    ("lost", "a source that was asked for is gone", lambda p: p.sources.clear()),
    ("lost", "its entity is gone", lambda p: p.sources[0].update(entities=0)),
    ("lost", "its docs are the old ones", lambda p: p.sources[0].update(docs=0)),
    ("lost", "a commit made no run", lambda p: p.sources[0].update(runs=1)),
    ("doubled", "a commit made two runs", lambda p: p.sources[0].update(runs=3)),
    ("false", "its last commit was not read", lambda p: p.sources[0].update(head="c1")),
    ("false", "it names a pull request that is not", lambda p: request(p, pull_number=9)),
    ("false", "it says merged and is not", lambda p: p.merges.clear()),
    ("false", "it says merged as another commit", lambda p: request(p, merge_sha="c" * 40)),
    ("false", "it says live and is not ready", lambda p: p.objects[0]["status"].update(availableReplicas=1)),
    ("false", "it says live and does not run", lambda p: p.objects.clear()),
    ("false", "it says live and cannot be", lambda p: request(p, broken=True)),
    ("false", "it is withdrawn and its pull request open", lambda p: p.pulls[1].update(state="open")),
    ("stuck", "an effect is due for ever", lambda p: p.effects[0].update(state="due")),
    ("stuck", "an effect runs for ever", lambda p: p.effects[0].update(state="running")),
    ("stuck", "an effect is unknown for ever", lambda p: p.effects[0].update(state="unknown")),
    ("stuck", "a request goes nowhere", lambda p: request(p, state="proposing")),
]


@pytest.mark.parametrize(("kind", "lie", "tell"), LIES, ids=[lie for _, lie, _ in LIES])
def test_a_lie_is_found(kind, lie, tell):
    picture = truth()
    tell(picture)
    found = check(picture)
    assert kind in {violation.kind for violation in found}, found
    assert all(str(violation).startswith(violation.kind) for violation in found)


def test_what_gave_up_and_waits_for_a_person_is_not_stuck():
    picture = truth()
    picture.entities.clear()
    picture.effects.append(
        {"kind": "onboarding.register", "key": "R-1001/a", "state": "needs_attention", "request": "1"}
    )
    assert check(picture) == []
