"""Which faults there are: every crash point on the way, and all else that can go wrong at each step."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from services.effects import crashpoints
from tests.faults.hosts import ERRORS
from tests.faults.outside import ANSWERS, LETTERS

READS = ("look", "hook")
ACTS = ("submit", "approve", "review", "comment", "merge", "withdraw", *READS)
KINDS = ("propose", "review", "comment", "merge", "close", "apply", "register", "tell")
# Of the catalog: what a source that is read comes by, and no request.
READING = ("catalog.read", "catalog.read_docs")
MAIL = "notices.mail"
EFFECTS = (*(f"onboarding.{kind}" for kind in KINDS), MAIL, *READING)
FOLLOW = "follow"
# Commits that only people's clicks come by: test_web.py kills a web server there.
IN_THE_WEB = ("ticket.replied",)
# What the built-in git host has no use for: test_announcing.py kills a worker at each of its steps.
ELSEWHERE = ("onboarding.announce",)
# What no request from a form and no source comes by: test_aside.py kills a process at each of their points.
ASIDE = (
    "clusters.steer.", "helpdesk.escalate.", "helpdesk.mail.", "helpdesk.send.", "mail.taken",
    "onboarding.bring.", "onboarding.put_back.", "onboarding.upgrade.", "previews.end.", "previews.pull.",
    "previews.show.", "previews.turn.", "ticket.mailed.",
)  # fmt: skip
# Of Slack: test_chat.py kills a process at each of them.
IN_CHAT = ("slack.",)
# Objects of a small service in one environment; each is applied by a call of its own.
OBJECTS = 4
_EVENTS = {
    "started": "submit", "submitted": "submit", "awaits_approval": "submit", "proposing": "submit",
    "approved": "review", "commented": "comment", "merge_asked": "merge", "proposed": "onboarding.propose",
    "merged": "onboarding.merge", "applied": "onboarding.apply", "rollout_changed": FOLLOW, "live": FOLLOW,
}  # fmt: skip
_GITHOST = {
    "tree": "propose", "commit": "propose", "branch": "propose", "row": "propose", "proposal": "propose",
    "merge": "merge", "base": "merge", "review": "review", "comment": "comment", "close": "close",
}  # fmt: skip
_HOST_CALLS = {
    "propose": "propose",
    "merge": "merge",
    "comment": "comment",
    "review": "approve",
    "close": "close",
}
# Taking objects away, which nothing here asks for: test_removing.py kills a worker on both sides of the call.
REMOVING = "cluster.remov"
_CATALOG = {"entity": "onboarding.register", "run": READING[0], "docs": READING[1]}
# Commits on the way of one effect: its claim, what its handler commits, its outcome.
_COMMITS = {"onboarding.apply": 2, MAIL: 2}
# A worker stopped here holds no lock, so that another can overtake it.
_LOCK_FREE = ("claimed", "ran", "applying", "applied", "committed", "sending", "sent")


@dataclass(frozen=True)
class Fault:
    """One thing to go wrong while `stage` (an act, a kind of effect, or following) is done for a request."""

    what: str
    stage: str
    point: str = ""
    passes: int = 0
    mode: str = ""

    @property
    def journey(self) -> str:
        """The kind of request that comes by there."""
        if self.stage in (*READS, *READING):
            return "import"
        if self.stage == "approve" or "awaits_approval" in self.point:
            return "costly"
        return "withdrawn" if self.stage in ("withdraw", "onboarding.close") else "plain"

    def __str__(self) -> str:
        where = " ".join(filter(None, [self.what, self.point, self.mode]))
        return f"{where}{f'+{self.passes}' if self.passes else ''} at {self.stage}"


def stage_of(point: str) -> str:
    """Where a request or a source passes this point; "" for points that nobody comes by."""
    kind = next((kind for kind in EFFECTS if point.startswith(f"{kind}.")), "")
    if kind:
        return kind
    family, _, rest = point.partition(".")
    first = rest.rpartition(".")[0]
    if family == "request":
        return _EVENTS[first]
    if family == "githost":
        return f"onboarding.{_GITHOST[rest.split('_')[0]]}"
    if point.startswith((REMOVING, *ASIDE, *IN_CHAT)):
        return ""
    if family == "catalog":
        return _CATALOG[first]
    named = {"cluster": "onboarding.apply", "doorbell": "submit", "notices": "onboarding.tell", "mail": MAIL}
    return named.get(family, "")


def points() -> list[str]:
    """Every declared point on the way."""
    return sorted(point for point in crashpoints.NAMES if stage_of(point))


def left_out(killed_at: set[str]) -> set[str]:
    """Declared points at which nobody was killed. Each kind of effect declares its own when it registers."""
    return {
        point
        for point in crashpoints.NAMES - killed_at
        if not point.startswith((*IN_THE_WEB, *ELSEWHERE, *ASIDE, *IN_CHAT, REMOVING))
    }


def kills() -> Iterator[Fault]:
    """Each point once; where an object is applied, at each object."""
    for point in points():
        for passes in range(OBJECTS if point.startswith("cluster.") else 1):
            yield Fault("kill", stage_of(point), point, passes)


def _stops() -> Iterator[Fault]:
    for point in points():
        if point.rpartition(".")[2].rpartition("_")[2] in _LOCK_FREE and stage_of(point) in EFFECTS:
            yield Fault("stop", stage_of(point), point)


def _cuts() -> Iterator[Fault]:
    """The database connection is cut while the process stands at the point."""
    for point in points():
        if point.endswith((".written", ".claimed", ".ran", ".writing", "_written")):
            yield Fault("cut", stage_of(point), point)


def _at_effects() -> Iterator[Fault]:
    for stage in EFFECTS:
        yield Fault("twice", stage)
        for passes in range(_COMMITS.get(stage, 3)):
            yield Fault("lose commit", stage, passes=passes)
    for kind, call in _HOST_CALLS.items():
        for mode in (*ERRORS, "hidden"):
            yield Fault("host", f"onboarding.{kind}", point=call, mode=mode)
    for mode in LETTERS:
        yield Fault("mail", MAIL, mode=mode)


def _at_the_cluster() -> Iterator[Fault]:
    for mode in ANSWERS:
        yield Fault("answer", "onboarding.apply", mode=mode)
        yield Fault("answer", "onboarding.apply", mode=mode, passes=2)
    for mode in ("lose_reply", "reset", "truncate", "hang"):
        yield Fault("network", "onboarding.apply", mode=mode)
        yield Fault("network", "onboarding.apply", mode=mode, passes=2)

    yield Fault("lag", "onboarding.apply", mode="cluster")
    yield Fault("lag", FOLLOW, mode="cluster")


def _around() -> Iterator[Fault]:
    for stage in ("submit", "review", "merge", "onboarding.propose"):
        yield Fault("redis", stage, mode="flush")
        yield Fault("redis", stage, mode="stop")
    for stage in ("submit", "onboarding.propose", "onboarding.merge", "onboarding.apply"):
        yield Fault("postgres", stage, mode="immediate")
    yield Fault("watcher", FOLLOW, mode="pause")
    for stage in ("submit", "review", "merge", "comment", *READS):
        yield Fault("lose commit", stage)
    for stage in READS:
        yield Fault("redis", stage, mode="stop")
    yield Fault("postgres", READING[0], mode="immediate")


def others() -> list[Fault]:
    return [*_stops(), *_cuts(), *_at_effects(), *_at_the_cluster(), *_around()]


def programme(count: int, seed: int, skip: int = 0) -> list[list[Fault]]:
    """Lists of faults, each list for one request: every kill, then every other fault, `count` at most.

    The first `skip` of them are left out: an earlier round has done them.
    """
    chance = random.Random(seed)
    first, then = list(kills()), others()
    chance.shuffle(first)
    chance.shuffle(then)
    return _packed([*first, *then][skip : skip + max(0, count)], chance)


def three(chance: random.Random) -> list[Fault]:
    """A random sequence for one request; what happens in it, the request's own way decides."""
    first, *every = chance.sample(faults := [*kills(), *others()], len(faults))
    return [first, *(each for each in every if _go_together([first], each))][:3]


def _packed(faults: list[Fault], chance: random.Random) -> list[list[Fault]]:
    """As few requests as possible: at each step of one at most two faults, one of them deadly to a worker."""
    plans: list[list[Fault]] = []
    for fault in faults:
        plan = next((plan for plan in plans if _fits(plan, fault)), None)
        if plan is None:
            plans.append([fault])
        else:
            plan.append(fault)
    chance.shuffle(plans)
    return plans


def _go_together(plan: list[Fault], fault: Fault) -> bool:
    """Whether one request, or one source, comes by all of them."""
    kinds = {each.journey for each in (*plan, fault)}
    return kinds == {"import"} or ("import" not in kinds and kinds <= {"plain", plan[0].journey})


def _fits(plan: list[Fault], fault: Fault) -> bool:
    if len(plan) >= 16 or not _go_together(plan, fault):
        return False
    same = [each for each in plan if each.stage == fault.stage]
    deadly = [each for each in (*same, fault) if each.what in ("kill", "stop", "postgres")]
    return len(same) < 2 and (len(deadly) < 2 or fault.stage in ACTS)
