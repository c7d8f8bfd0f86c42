"""The generator: takes requests from the form to live while the nemesis works, and writes down what it saw."""

import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

from tests.faults import nemesis
from tests.faults.hands import Hand
from tests.faults.journal import Journal
from tests.faults.nemesis import Fault
from tests.faults.stack import Stack

HANDS = 4
IN_FLIGHT = 10
PATIENCE = 120.0
ENDED = ("live", "rejected", "withdrawn", "closed")
SETTLED = ("done", "cancelled", "needs_attention")
FOLLOW_EVERY = 0.4
LOOK_EVERY = 0.05


@dataclass
class Journey:
    """One request on its way, with the faults that wait for it."""

    token: str
    kind: str
    plan: list[Fault]
    broken: bool = False
    row: dict[str, Any] = field(default_factory=dict)
    effects: dict[int, dict[str, Any]] = field(default_factory=dict)
    acked: set[str] = field(default_factory=set)
    retried: Counter[int] = field(default_factory=Counter)
    busy: bool = False
    next_at: float = 0.0
    last_fault: float = field(default_factory=time.monotonic)

    @property
    def answers(self) -> dict[str, Any]:
        tag = "does-not-exist" if self.broken else "1.0.0"
        said: dict[str, Any] = {
            "name": self.token, "owner": "checkout", "description": "Goes through faults.",
            "image": f"registry.larkfield.shop/{self.token}:{tag}", "environments": ["staging"],
        }  # fmt: skip
        if self.kind == "costly":
            said |= {"size": "large", "replicas": 4, "environments": ["staging", "production"]}
        return said

    def take(self, stage: str) -> Fault | None:
        """The next fault planned for this stage."""
        for fault in self.plan:
            if fault.stage == stage:
                self.plan.remove(fault)
                return fault
        return None

    def settled(self, stage: str) -> bool:
        """Whether everything of this kind has ended, or waits for a person."""
        mine = [each for each in self.effects.values() if each["kind"] == stage]
        return all(each["state"] in SETTLED for each in mine)


@dataclass
class Job:
    journey: Journey
    stage: str
    effect: int = 0
    fault: Fault | None = None
    fence: int = 0
    redis_down: bool = False
    resume_by: float = 0.0


@dataclass
class Injected:
    fault: Fault
    token: str
    at: float
    recovered: float | None = None


class Driver:
    def __init__(self, stack: Stack, journal: Journal, wanted: int, seed: int, programmed: int) -> None:
        self.stack, self.journal, self.wanted = stack, journal, wanted
        self.backlog = deque(nemesis.programme(programmed, seed))
        self.tried: Counter[Fault] = Counter()
        self.reserved = 0
        self._look_at = 0.0
        self.cpu: Counter[str] = Counter()
        self.chance = random.Random(seed)
        self.active: list[Journey] = []
        self.finished: list[Journey] = []
        self.injected: list[Injected] = []
        self.hands: list[Hand] = []
        self.killed_at: set[tuple[str, int]] = set()
        self.counts: Counter[str] = Counter()
        self.refused: list[str] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self._numbers = iter(range(1, 1_000_000))
        self._names = iter(range(1, 1_000_000))

    # the loop

    def run(self) -> None:
        for _ in range(HANDS):
            self._new_hand()
        while self.active or len(self.injected) < self.wanted:
            self._admit()
            self._observe()
            self._attend()
            self._dispatch()
            self._collect()
            self._run_timers()
        while any(hand.job for hand in self.hands):
            self._attend()
            self._collect()
            self._run_timers()
        for _, act in self.timers:
            act()
        for hand in self.hands:
            hand.kill()

    def _new_hand(self) -> Hand:
        hand = Hand(next(self._numbers), self.stack.home / "hands", self.stack.outside.sockets)
        self.hands.append(hand)
        return hand

    def _admit(self) -> None:
        while len(self.active) < IN_FLIGHT and (plan := self._next_plan()):
            kinds = {fault.journey for fault in plan} - {"plain"}
            kind = "costly" if "costly" in kinds else next(iter(kinds), "plain")
            number = next(self._names)
            broken = kind == "plain" and number % 9 == 0
            self.active.append(Journey(f"svc-{number}", kind, plan, broken=broken))

    def _next_plan(self) -> list[Fault] | None:
        """What was planned, then sequences of three by chance, until enough are on their way."""
        if self.backlog:
            return self.backlog.popleft()
        coming = self.reserved + sum(len(journey.plan) for journey in self.active)
        return nemesis.three(self.chance) if coming < self.wanted else None

    def _observe(self) -> None:
        """What the database says of every request under way."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_EVERY
        by_token = {journey.token: journey for journey in self.active}
        rows = self.stack.rows(
            "SELECT token, id, number, state, tree_hash, head_sha, merge_sha, merge_asked_by_id, entity_ref,"
            " problem->>'step', EXISTS (SELECT FROM clusters_kubeobject o WHERE o.entity_ref = r.entity_ref"
            " AND o.kind = 'Deployment' AND o.health <> 'Progressing')"
            " FROM onboarding_request r WHERE token = ANY(%s)",
            list(by_token),
        )
        names = (
            "token", "pk", "number", "state", "tree_hash", "head_sha", "merge_sha", "asked", "entity_ref",
            "step", "moved",
        )  # fmt: skip
        by_pk: dict[str, Journey] = {}
        for row in rows or ():
            said = dict(zip(names, row, strict=True))
            by_token[said["token"]].row = said
            by_pk[str(said["pk"])] = by_token[said["token"]]
        effects = self.stack.rows(
            "SELECT id, kind, state, fence, object_id, (state IN ('due', 'unknown') AND due_at <= now())"
            " OR (state = 'running' AND lease_until < now()) FROM effects_effect WHERE object_id = ANY(%s)",
            list(by_pk),
        )
        names = ("id", "kind", "state", "fence", "object", "claimable")
        for row in effects or ():
            said = dict(zip(names, row, strict=True))
            by_pk[said["object"]].effects[said["id"]] = said
        self._note_recoveries({**by_token})

    def _note_recoveries(self, journeys: dict[str, Journey]) -> None:
        for each in self.injected:
            journey = journeys.get(each.token)
            if each.recovered is None and journey and each.fault.stage in nemesis.EFFECTS:
                if journey.effects and journey.settled(each.fault.stage):
                    each.recovered = time.monotonic()

    # giving work

    def _dispatch(self) -> None:
        busy = {hand.job.effect for hand in self.hands if hand.job and not hand.is_stopped}
        for journey in list(self.active):
            for effect in journey.effects.values():
                if effect["claimable"] and effect["id"] not in busy and effect["state"] not in SETTLED:
                    self._start(Job(journey, effect["kind"], effect["id"], fence=effect["fence"]), "run", effect=effect["id"])
                    busy.add(effect["id"])
            if not journey.busy and time.monotonic() >= journey.next_at:
                self._next_act(journey)

    def _next_act(self, journey: Journey) -> None:
        """What a person would do next with this request, if anything."""
        row = journey.row
        state = row.get("state", "draft")
        if state == "draft":
            said = {"token": journey.token, "by": "mira", "answers": journey.answers}
            self._start(Job(journey, "submit"), "submit", **said)
        elif state == "awaiting_approval":
            self._start(Job(journey, "approve"), "approve", pk=row["pk"], tree_hash=row["tree_hash"])
        elif state == "in_review":
            self._review(journey)
        elif state == "rolling_out" and row["moved"]:
            journey.next_at = time.monotonic() + FOLLOW_EVERY
            self._start(Job(journey, nemesis.FOLLOW), "follow", entity_ref=row["entity_ref"])
        elif state == "needs_attention" and not (journey.broken and row["step"] == "rollout"):
            journey.next_at = time.monotonic() + 0.3
            self.counts["retried by people"] += 1
            self._start(Job(journey, "retry"), "retry", pk=row["pk"], by="mira")
        elif state in ENDED or state == "needs_attention":
            self._finish(journey)

    def _review(self, journey: Journey) -> None:
        row = journey.row
        if row["asked"]:
            return
        if journey.kind == "withdrawn":
            self._start(Job(journey, "withdraw"), "withdraw", pk=row["pk"], by="mira")
        elif "review" not in journey.acked:
            self._start(Job(journey, "review"), "approve", pk=row["pk"], tree_hash=row["tree_hash"])
        elif "comment" not in journey.acked:
            self._start(Job(journey, "comment"), "comment", pk=row["pk"], key=journey.token)
        else:
            self._start(Job(journey, "merge"), "merge", pk=row["pk"], head=row["head_sha"], by="mira")

    def _finish(self, journey: Journey) -> None:
        """Ended, and so have its effects; a person retries once what gave up beside the way."""
        if any(each["state"] not in SETTLED for each in journey.effects.values()):
            return
        for effect in journey.effects.values():
            if effect["state"] == "needs_attention" and not journey.retried[effect["id"]] and not journey.broken:
                journey.retried[effect["id"]] += 1
                self.counts["retried by people"] += 1
                self._start(Job(journey, "retry"), "retry_effect", effect=effect["id"])
                return
        self.active.remove(journey)
        self.finished.append(journey)
        self.journal.write("end", token=journey.token, state=journey.row["state"])
        if journey.plan:
            self._put_back(journey.plan)

    def _put_back(self, plan: list[Fault]) -> None:
        """Faults this request did not come by are for the next one, three times."""
        self.tried.update(plan)
        left = [fault for fault in plan if self.tried[fault] < 3]
        self.counts["never met"] += len(plan) - len(left)
        if left:
            self.backlog.append(left)

    def _start(self, job: Job, act: str, **said: Any) -> None:
        hand = next((each for each in self.hands if each.job is None), None)
        if hand is None:
            return
        journey = job.journey
        job.fault = self._reserve(journey, job.stage)
        if not job.effect:
            journey.busy = True
        if job.stage == "submit":
            self.journal.write("ask", token=journey.token)
        extra = self._prepare(hand, job) if job.fault else {}
        hand.start(job, act, said, **extra)
        if job.fault:
            self._beside(job)

    def _reserve(self, journey: Journey, stage: str) -> Fault | None:
        """A fault for this step, unless as many as are wanted have happened or are about to."""
        if self.reserved >= self.wanted:
            return None
        fault = journey.take(stage)
        if fault is None:
            return None
        if fault.what == "lose commit" and self._others_suffer(fault.what):
            journey.plan.append(fault)
            return None
        self.reserved += 1
        return fault

    def _others_suffer(self, what: str) -> bool:
        return any(hand.job and hand.job.fault and hand.job.fault.what == what for hand in self.hands)

    def _unmet(self, job: Job) -> None:
        """It did not come to it: for another time."""
        assert job.fault is not None
        self.reserved -= 1
        job.journey.plan.append(job.fault)
        job.fault = None

    # the nemesis at work

    def _prepare(self, hand: Hand, job: Job) -> dict[str, Any]:
        """Everything a fault needs before the work begins."""
        fault, token = job.fault, job.journey.token
        assert fault is not None
        if fault.what in ("kill", "stop", "cut"):
            hand.arm(fault.point, "kill" if fault.what == "kill" else "stop", fault.passes)
        elif fault.what == "host":
            return {"host": (fault.point, fault.mode)}
        elif fault.what == "lose commit":
            self.stack.outside.ask("lose_commit", name=token, passes=fault.passes)
            return {"lose_commits": True}
        elif fault.what == "answer":
            self.stack.outside.ask(
                "answer", name=token, match=f"/{token}?", mode=fault.mode, passes=fault.passes
            )
        elif fault.what == "network":
            match = f"/{token}?".encode()
            self.stack.outside.ask(
                "network", name=token, match=match, action=fault.mode, passes=fault.passes
            )
        elif fault.what == "redis":
            self._redis(job, fault)
        elif fault.what == "watcher":
            self.stack.pause_watcher()
            self.timers.append((time.monotonic() + 1.5, self.stack.resume_watcher))
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

    # taking back

    def _collect(self) -> None:
        waiting = {hand.pipe: hand for hand in self.hands if hand.job is not None}
        if not waiting:
            time.sleep(0.01)
            return
        for pipe in wait(list(waiting), timeout=0.02):
            hand = waiting[pipe]
            try:
                answer = pipe.recv()
            except EOFError:
                self._died(hand)
            else:
                self._answered(hand, answer)

    def _died(self, hand: Hand) -> None:
        job, point = hand.job, hand.has_obeyed()
        hand.bury()
        self.hands.remove(hand)
        if len([each for each in self.hands if not each.is_stopped]) < HANDS:
            self._new_hand()
        self.journal.write("killed", token=job.journey.token, at_point=point)
        if job.fault and job.fault.what == "kill":
            self.killed_at.add((job.fault.point, job.fault.passes))
            self._happened(job)
        self._released(job)

    def _answered(self, hand: Hand, answer: dict[str, Any]) -> None:
        job, hand.job = hand.job, None
        self.cpu[job.stage] += answer["cpu"]
        self.counts[f"ran {job.stage}"] += 1
        fenced = "effect.fenced_off" in answer["logs"]
        self.counts["fence refused"] += fenced
        unmet = hand.disarm()
        if job.fault and job.fault.what in ("kill", "stop", "cut") and unmet:
            self._unmet(job)
        elif job.fault and job.fault.what in ("host", "lose commit", "answer", "network"):
            self._after(job, answer)
        if job.redis_down:
            self.stack.start_redis()
            if "error" in answer and job.stage in nemesis.ACTS:
                self.refused.append(f"{job.stage} of {job.journey.token} without Redis: {answer['error']}")
        if "ok" in answer:
            self._acked(job, answer["ok"])
        else:
            self.journal.write("error", token=job.journey.token, stage=job.stage, error=answer["error"])
            self.counts["errors told"] += 1
        self._released(job)
        if len(self.hands) > HANDS and not hand.is_stopped:
            self.hands.remove(hand)
            hand.kill()

    def _after(self, job: Job, answer: dict[str, Any]) -> None:
        """Whether a fault that waited for its moment had one."""
        assert job.fault is not None
        if job.fault.what == "host":
            happened = bool(answer["suffered"])
        else:
            happened = self.stack.outside.ask("take_back", name=job.journey.token)
        if happened:
            self._happened(job)
        else:
            self._unmet(job)

    def _acked(self, job: Job, told: dict[str, Any]) -> None:
        stage, token = job.stage, job.journey.token
        if stage in nemesis.ACTS:
            job.journey.acked.add(stage)
            self.journal.write("ack", token=token, stage=stage, **told)
        for each in self.injected:
            if each.token == token and each.recovered is None and each.fault.stage == stage:
                if stage not in nemesis.EFFECTS:
                    each.recovered = time.monotonic()

    def _released(self, job: Job) -> None:
        if not job.effect and job.stage != "rerun":
            job.journey.busy = False

    def _run_timers(self) -> None:
        now = time.monotonic()
        for due, act in list(self.timers):
            if due <= now:
                self.timers.remove((due, act))
                act()
        for journey in list(self.active):
            if now - journey.last_fault > PATIENCE:
                self.active.remove(journey)
                self.finished.append(journey)
                self.journal.write("stuck", token=journey.token, row=journey.row)
