"""The nemesis at work: brings a planned fault about while its step is done, and notes that it happened."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.hands import Hand
from tests.faults.journal import Journal
from tests.faults.journeys import SETTLED, Injected, Job, Journey
from tests.faults.nemesis import Fault
from tests.faults.stack import Stack

LOSSY = "lose commit"


class Havoc:
    """What the driver needs of it: faults reserved, prepared, brought about, counted, or taken back unmet."""

    def __init__(self, stack: Stack, journal: Journal, wanted: int, seed: int) -> None:
        self.stack, self.journal, self.wanted = stack, journal, wanted
        self.chance = random.Random(seed)
        self.reserved = 0
        self.hands: list[Hand] = []
        self.injected: list[Injected] = []
        self.counts: Counter[str] = Counter()
        self._numbers = iter(range(1, 1_000_000))
        self.timers: list[tuple[float, Callable[[], None], bool]] = []

    def _new_hand(self) -> Hand:
        hand = Hand(next(self._numbers), self.stack.home / "hands", self.stack.outside.sockets)
        self.hands.append(hand)
        return hand

    def later(self, seconds: float, act: Callable[[], None], *, once: bool = True) -> None:
        """Call `act` then. The run does not end before what is to happen once has happened."""
        self.timers.append((time.monotonic() + seconds, act, once))

    def _reserve(self, journey: Journey, stage: str) -> Fault | None:
        """A fault for this step, unless as many as are wanted have happened or are about to."""
        if self.reserved >= self.wanted:
            return None
        fault = journey.take(stage)
        if fault is None:
            return None
        self.reserved += 1
        return fault

    def _must_wait(self, journey: Journey, stage: str) -> bool:
        """The lossy way to the database is there for one at a time, or another's COMMIT would be lost."""
        planned = next((fault for fault in journey.plan if fault.stage == stage), None)
        taken = (hand.job.fault for hand in self.hands if hand.job and hand.job.fault)
        return bool(planned) and planned.what == LOSSY and any(fault.what == LOSSY for fault in taken)

    def _unmet(self, job: Job) -> None:
        """It did not come to it: for another time."""
        assert job.fault is not None
        self.reserved -= 1
        job.journey.plan.append(job.fault)
        job.fault = None

    def _prepare(self, hand: Hand, job: Job) -> dict[str, Any]:
        """Everything a fault needs before the work begins."""
        fault, token = job.fault, job.journey.token
        assert fault is not None
        if fault.what in ("kill", "stop", "cut"):
            hand.arm(fault.point, "kill" if fault.what == "kill" else "stop", fault.passes)
        elif fault.what == "host":
            return {"host": (fault.point, fault.mode)}
        elif fault.what == LOSSY:
            self.stack.outside.ask("lose_commit", name=token, passes=fault.passes)
            return {"lose_commits": True}
        elif fault.what == "answer":
            self.stack.outside.ask(
                "answer", name=token, match=f"/{token}?", mode=fault.mode, passes=fault.passes
            )
        elif fault.what == "network":
            match = f"/{token}?".encode()
            self.stack.outside.ask("network", name=token, match=match, action=fault.mode, passes=fault.passes)
        elif fault.what == "mail":
            self.stack.outside.ask("letter", mode=fault.mode)
        elif fault.what == "redis":
            self._redis(job, fault)
        elif fault.what == "lag":
            self.stack.outside.ask("lag")
            self._happened(job)
        elif fault.what == "watcher":
            self.stack.pause_watcher()
            self.later(1.5, self.stack.resume_watcher)
            self._happened(job)
        return {}

    def _redis(self, job: Job, fault: Fault) -> None:
        self._happened(job)
        if fault.mode == "flush":
            self.stack.flush_redis()
            return
        self.stack.stop_redis()
        job.redis_down = True

    def _beside(self, job: Job) -> None:
        """What happens while the work goes on."""
        assert job.fault is not None
        if job.fault.what == "twice" and job.effect:
            hand = next((each for each in self.hands if each.job is None), None) or self._new_hand()
            hand.start(Job(job.journey, "rerun", fault=None), "rerun", {"effect": job.effect})
            self._happened(job)
        elif job.fault.what == "postgres":
            time.sleep(self.chance.uniform(0, 0.05))
            self.stack.restart_postgres()
            self._happened(job)

    def _happened(self, job: Job) -> None:
        assert job.fault is not None
        now = time.monotonic()
        job.journey.last_fault = now
        self.injected.append(Injected(job.fault, job.journey.token, now))
        self.counts[job.fault.what] += 1
        self.journal.write("fault", token=job.journey.token, fault=str(job.fault))

    def _attend(self) -> None:
        """Processes that stopped themselves at a point: cut them off, or let others overtake them."""
        for hand in list(self.hands):
            job = hand.job
            if job is None or job.fault is None or job.fault.what not in ("stop", "cut"):
                continue
            if hand.is_stopped:
                self._maybe_resume(hand, job)
            elif hand.has_obeyed() == job.fault.point and hand.looks_stopped():
                self._happened(job)
                if job.fault.what == "cut":
                    self.stack.cut(hand.name)
                    hand.resume()
                else:
                    hand.is_stopped = True
                    job.resume_by = time.monotonic() + 15
                    self._new_hand()

    def _maybe_resume(self, hand: Hand, job: Job) -> None:
        effect = job.journey.effects.get(job.effect, {})
        overtaken = effect.get("fence", 0) > job.fence + 1 and effect.get("state") in SETTLED
        if overtaken or time.monotonic() > job.resume_by:
            self.counts["overtaken"] += overtaken
            hand.resume()

    def _after(self, job: Job, answer: dict[str, Any]) -> None:
        """Whether a fault that waited for its moment had one."""
        assert job.fault is not None
        if job.fault.what == "host":
            happened = bool(answer["suffered"])
        elif job.fault.what == "mail":
            happened = self.stack.outside.ask("letter_back", mode=job.fault.mode)
        else:
            happened = self.stack.outside.ask("take_back", name=job.journey.token)
        if happened:
            self._happened(job)
        else:
            self._unmet(job)
