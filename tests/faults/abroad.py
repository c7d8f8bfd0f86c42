"""Requests on GitHub, GitLab and Gitea while those fail, forget to answer, lag, and workers are killed.

Each fake is a real HTTP server over a real repository. Time is skipped, not waited for: when nothing can go
on, everything that waits comes nearer by what is left of the shortest wait, and that counts as time passed.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from services.accounts.models import User
from services.effects import worker
from services.effects.actions import retry
from services.effects.models import Effect, Silence
from services.integrations.githosts import servers
from services.integrations.models import GitServer
from services.onboarding import actions, tasks
from services.onboarding.errors import HostSilent
from services.onboarding.models import Request
from tests.fakes.forge import Serving
from tests.fakes.forge.server import AFTER, BEFORE, DEADLY
from tests.faults.forges import PROVIDERS, deliver
from tests.faults.processes import live_and_end

ENDINGS = ("merged", "merged there", "withdrawn", "closed there")
DELIVERIES = (1, 2, 0)  # a webhook comes once, twice, never
WRITES = {"propose": 5, "announce": 3, "comment": 1, "review": 1, "merge": 1, "close": 2}
READS = {
    "submit": 2,
    "propose": 6,
    "announce": 3,
    "comment": 2,
    "review": 3,
    "merge": 3,
    "close": 3,
    "look": 2,
}
LAG = "late"
GO_ON = frozenset({"propose", "announce", "comment", "review", "merge", "close", "register", "tell"})
UNDER_WAY = ("due", "unknown", "running")
PATIENCE = 400  # rounds in which nothing ends


@dataclass(frozen=True)
class Fault:
    """At the request numbered `at` that the step makes; `late`: what it writes is read that much later."""

    stage: str
    what: str
    at: int = 0
    reads: bool = False

    def __str__(self) -> str:
        return f"{self.what} at {'reading' if self.reads else 'writing'} {self.at} of {self.stage}"


def every_fault() -> list[Fault]:
    found = [Fault(stage, LAG, at) for stage in WRITES for at in (2, 5)]
    for stage, times in WRITES.items():
        found += [Fault(stage, what, at) for what in (*BEFORE, *AFTER, *DEADLY) for at in range(times)]
    for stage, times in READS.items():
        whats = (*BEFORE, "cut", "html", *(DEADLY if stage in WRITES else ()))
        found += [Fault(stage, what, at, reads=True) for what in whats for at in range(times)]
    return found


@dataclass
class Trip:
    """One request on its way, and what will go wrong at each of its steps."""

    provider: str
    name: str
    ending: str
    deliveries: int
    faults: dict[str, Fault]
    pk: int = 0
    step: int = 0
    told: set[str] = field(default_factory=set)
    is_over: bool = False


@dataclass
class Happened:
    fault: Fault
    trip: Trip
    at: float
    recovered: float | None = None


@dataclass
class Abroad:
    """Run by `run`; `people` are mira, sam and priya of the usual company."""

    forges: dict[str, Serving]
    seed: int
    wanted: int
    skipped: float = 0.0
    happened: list[Happened] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.faults = every_fault()
        self.chance.shuffle(self.faults)

    def now(self) -> float:
        return time.monotonic() + self.skipped

    # the loop

    def run(self, at_once: int = 4) -> None:
        idle = 0
        while idle < PATIENCE:
            under_way = [trip for trip in self.trips if not trip.is_over]
            if len(self.happened) < self.wanted and len(under_way) < at_once:
                self.trips.append(self._trip(len(self.trips)))
                continue
            if not under_way:
                return
            went_on = [self._go_on(trip) for trip in under_way]
            idle = 0 if any(went_on) else idle + 1
            if not any(went_on):
                self._skip()
        self.stuck += [f"{trip.name} on {trip.provider}" for trip in self.trips if not trip.is_over]

    def _trip(self, number: int) -> Trip:
        """All faults once, then again; one at each step, as they come."""
        faults: dict[str, Fault] = {}
        for fault in [*self.faults]:
            if fault.stage not in faults:
                faults[fault.stage] = fault
                self.faults.remove(fault)
        self.faults = self.faults or self.chance.sample(every_fault(), len(every_fault()))
        provider, ending = PROVIDERS[number % 3], ENDINGS[(number + number // 4) % 4]
        return Trip(provider, f"trip-{number}", ending, DELIVERIES[number // 2 % 3], faults)

    def _skip(self) -> None:
        """To the next moment at which anything may go on; a minute where nobody says when."""
        waiting = Effect.objects.filter(state__in=UNDER_WAY)
        firsts = waiting.aggregate(due=Min("due_at", filter=~Q(state="running")), lease=Min("lease_until"))
        ends = [each for each in firsts.values() if each is not None]
        left = min((each - timezone.now()).total_seconds() for each in ends) + 0.01 if ends else 60.0
        by = timedelta(seconds=max(left, 0.01))
        waiting.filter(lease_until=None).update(due_at=F("due_at") - by)
        waiting.filter(lease_until__isnull=False).update(lease_until=F("lease_until") - by)
        Silence.objects.update(until=F("until") - by)
        GitServer.objects.filter(quiet_until__isnull=False).update(quiet_until=F("quiet_until") - by)
        servers.forget()
        self.skipped += by.total_seconds()
        tasks.reconcile()

    # one request

    def _go_on(self, trip: Trip) -> bool:
        """Does the next thing for it, if there is one now."""
        if not trip.pk:
            return self._submitted(trip)
        Effect.objects.filter(kind="onboarding.apply", state="due").update(state="cancelled")
        mine = _of(trip)
        claimable = mine.claimable().order_by("pk").first()
        if claimable is not None:
            self._work(trip, claimable)
            return True
        for effect in mine.filter(state="needs_attention"):
            self.counts["retried by people"] += 1
            retry(effect=effect, by=_person("priya"))
        row = Request.objects.get(pk=trip.pk)
        if row.state == "needs_attention":
            actions.retry(request=row, by=_person("mira"))
            return True
        if mine.filter(state__in=UNDER_WAY).exists():
            return False
        return self._act(trip, row)

    def _submitted(self, trip: Trip) -> bool:
        GitServer.objects.update(takes_requests=False)
        GitServer.objects.filter(name=trip.provider).update(takes_requests=True)
        said = {
            "name": trip.name, "owner": "checkout", "description": "Goes abroad.",
            "environments": ["staging"], "image": f"registry.larkfield.shop/{trip.name}:1.0.0",
        }  # fmt: skip
        try:
            with self._suffering(trip, "submit"):
                row = actions.submit(
                    by=_person("mira"), blueprint="web-service", answers=said, token=trip.name
                )
        except HostSilent:
            self.counts["told that the host is silent"] += 1
            return False
        trip.pk = row.pk
        self._recovered(trip, "submit")
        return True

    def _act(self, trip: Trip, row: Request) -> bool:
        """What people do next, with the portal and on the host."""
        steps = ["comment", "approve", trip.ending, "over"]
        step = steps[trip.step]
        forge = self.forges[trip.provider].forge
        if step in ("comment", "approve", "merged", "withdrawn"):
            self._do(step, row, trip)
        elif step == "over":
            return self._ended(trip, row)
        elif forge.pulls[row.pull_number or 0].state == "open":
            pull = forge.pulls[row.pull_number or 0]
            if step == "merged there":
                assert forge.merge(pull, "Merged by hand", "priya") == ""
            else:
                forge.close(pull, "priya")
            for delivery in range(trip.deliveries):
                deliver(GitServer.objects.get(name=trip.provider), pull.number, f"{trip.name} {delivery}")
        trip.step += 1
        return True

    def _do(self, step: str, row: Request, trip: Trip) -> None:
        if step == "comment":
            actions.comment(request=row, by=_person("sam"), body=f"Good: {trip.name}", key=trip.name)
        elif step == "approve":
            actions.approve(request=row, by=_person("sam"), tree_hash=row.tree_hash)
        elif step == "merged":
            actions.merge(request=row, by=_person("mira"), head=row.head_sha)
        else:
            actions.withdraw(request=row, by=_person("mira"))

    def _ended(self, trip: Trip, row: Request) -> bool:
        wanted = {"merged there": "merged", "closed there": "closed"}.get(trip.ending, trip.ending)
        if row.state != wanted:
            with self._suffering(trip, "look"):
                tasks.follow(row)
            row.refresh_from_db()
            if row.state != wanted:
                return False
        self._recovered(trip, "look")
        trip.is_over = not _of(trip).filter(state__in=UNDER_WAY).exists()  # what follows from it is done too
        return True

    # going wrong

    def _work(self, trip: Trip, effect: Effect) -> None:
        stage = effect.kind.rpartition(".")[2]
        assert stage in GO_ON, effect.kind
        with self._suffering(trip, stage) as fault:
            if fault is not None and fault.what in DEADLY:
                self._in_a_process(trip, effect.pk)
            else:
                worker.run_one(effect.pk)
        effect.refresh_from_db()
        if effect.state == "done":
            self._recovered(trip, stage)

    @contextmanager
    def _suffering(self, trip: Trip, stage: str) -> Iterator[Fault | None]:
        """Something goes wrong while this is done, if it is planned and comes to it."""
        fault, forge = trip.faults.pop(stage, None), self.forges[trip.provider]
        if fault is None or len(self.happened) >= self.wanted:
            yield None
            return
        at, forge.forge.lag = self.now(), fault.at if fault.what == LAG else 0
        if fault.what != LAG:
            forge.misbehave(fault.what, fault.at, fault.reads)
        try:
            yield fault
        finally:
            came = bool(forge.forge.hidden) if fault.what == LAG else not forge.fault
            forge.misbehave("")
            forge.forge.lag = 0
            if came:
                self.happened.append(Happened(fault, trip, at))
                self.counts[fault.what] += 1
            else:
                self.faults.append(fault)

    def _recovered(self, trip: Trip, stage: str) -> None:
        for each in self.happened:
            if each.trip is trip and each.fault.stage == stage and each.recovered is None:
                each.recovered = self.now()

    def _in_a_process(self, trip: Trip, effect: int) -> None:
        """A worker that the host's answer, or asking for it, kills."""
        connection.close()
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(reads, 1)
            live_and_end(lambda: worker.run_one(effect))
        self.forges[trip.provider].victim = child
        os.write(writes, b"!")
        _, status = os.waitpid(child, 0)
        os.close(reads)
        os.close(writes)
        assert status in (0, signal.SIGKILL), f"a worker ended with {status}"


def _of(trip: Trip) -> QuerySet[Effect]:
    return Effect.objects.filter(object_id=str(trip.pk), object_type="onboarding.request")


def _person(username: str) -> User:
    return User.objects.get(username=username)
