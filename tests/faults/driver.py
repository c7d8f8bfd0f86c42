"""The generator: takes requests from the form to live, and writes down what it asked for and was told."""

import time
from collections import Counter, deque
from multiprocessing.connection import wait
from typing import Any

from tests.faults import imports, nemesis
from tests.faults.hands import Hand
from tests.faults.havoc import LOSSY, Havoc
from tests.faults.journal import Journal
from tests.faults.journeys import SETTLED, Job, Journey
from tests.faults.nemesis import Fault
from tests.faults.stack import Stack

HANDS = 4
IN_FLIGHT = 10
PATIENCE = 120.0
ENDED = ("live", "rejected", "withdrawn", "closed")
FOLLOW_EVERY = 0.4
LOOK_EVERY = 0.2
Plans = list[list[Fault]]


class Driver(Havoc):
    def __init__(self, stack: Stack, journal: Journal, wanted: int, seed: int, plans: Plans) -> None:
        super().__init__(stack, journal, wanted, seed)
        self.backlog = deque(plans)
        self.tried: Counter[Fault] = Counter()
        self._look_at = 0.0
        self.rings = False
        self.ended = 0
        self.cpu: Counter[str] = Counter()
        self.active: list[Journey] = []
        self.finished: list[Journey] = []
        self.killed_at: set[tuple[str, int]] = set()
        self.refused: list[str] = []
        self.unmet: list[str] = []
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
        while any(hand.job for hand in self.hands) or any(once for _, _, once in self.timers):
            self._attend()
            self._collect()
            self._run_timers()
        for hand in self.hands:
            hand.kill()
        self.hands = []

    def _admit(self) -> None:
        while len(self.active) < (3 if self.rings else IN_FLIGHT) and (plan := self._next_plan()) is not None:
            kinds = {fault.journey for fault in plan} - {"plain"}
            kind = "costly" if "costly" in kinds else next(iter(kinds), "plain")
            number = next(self._names)
            broken = kind == "plain" and number % 9 == 0
            name = "src" if kind == "import" else "svc"
            self.active.append(Journey(f"{name}-{number}", kind, plan, broken=broken))

    def _next_plan(self) -> list[Fault] | None:
        """What was planned, then sequences of three by chance, until enough are on their way.

        While a real worker is what suffers, requests come without faults of their own.
        """
        if self.rings:
            return [] if len(self.injected) < self.wanted else None
        if self.backlog:
            return self.backlog.popleft()
        coming = self.reserved + sum(len(journey.plan) for journey in self.active)
        return nemesis.three(self.chance) if coming < self.wanted else None

    def _observe(self) -> None:
        """What the database says of every request under way."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_EVERY  # sooner when a hand has done something
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
        by_pk = imports.observe(self.stack, self.active)
        for row in rows or ():
            said = dict(zip(names, row, strict=True))
            by_token[said["token"]].row = said
            by_pk[str(said["pk"])] = by_token[said["token"]]
        effects = self.stack.rows(
            "SELECT id, kind, state, fence, about, (state IN ('due', 'unknown') AND due_at <= now())"
            " OR (state = 'running' AND lease_until < now()) FROM (SELECT *, CASE WHEN kind LIKE 'catalog.%%'"
            " THEN 'source ' || (payload->>'source') ELSE object_id END AS about FROM effects_effect) e"
            " WHERE about = ANY(%s)",
            list(by_pk),
        )
        names = ("id", "kind", "state", "fence", "object", "claimable")
        for row in effects or ():
            said = dict(zip(names, row, strict=True))
            by_pk[said["object"]].effects[said["id"]] = said
        self._note_recoveries({**by_token})

    def _note_recoveries(self, journeys: dict[str, Journey]) -> None:
        """An effect has recovered when it has ended; a worker, when the next effect has."""
        done = sum(
            effect["state"] == "done" for each in journeys.values() for effect in each.effects.values()
        )
        done += self.ended
        for each in self.injected:
            if each.recovered is None and each.fault.what == "celery":
                each.done = done if each.done is None else each.done
                each.recovered = time.monotonic() if done > each.done else None
            journey = journeys.get(each.token)
            is_open = each.recovered is None and each.fault.stage in nemesis.EFFECTS
            if is_open and journey and journey.effects and journey.settled(each.fault.stage):
                each.recovered = time.monotonic()

    # giving work

    def _dispatch(self) -> None:
        busy = {hand.job.effect for hand in self.hands if hand.job and not hand.is_stopped}
        for journey in list(self.active):
            for effect in () if self.rings else journey.effects.values():
                if effect["claimable"] and effect["id"] not in busy and effect["state"] not in SETTLED:
                    job = Job(journey, effect["kind"], effect["id"], fence=effect["fence"])
                    if self._start(job, "run", effect=effect["id"]):
                        busy.add(effect["id"])
                        effect["claimable"] = False  # until it is seen again
            if not journey.busy and time.monotonic() >= journey.next_at:
                self._next_act(journey)

    def _next_act(self, journey: Journey) -> None:
        """What a person would do next with this request, if anything."""
        row = journey.row
        state = row.get("state", "draft")
        if journey.kind == "import":
            self._next_look(journey)
        elif state == "draft":
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
            started = self._start(Job(journey, "retry"), "retry", pk=row["pk"], by="mira")
            self.counts["retried by people"] += started
        elif state in ENDED or state == "needs_attention":
            self._finish(journey)

    def _next_look(self, journey: Journey) -> None:
        """Finished when the last commit is read, and what follows from that has ended."""
        if journey.row.get("state") == "read":
            self._finish(journey)
            return
        act, said = imports.next_act(self.stack, self.journal, journey)
        if act:
            self._start(Job(journey, act), act, **said)
        else:
            self._retry_once(journey)

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
        if self._retry_once(journey):
            return
        self.active.remove(journey)
        self.finished.append(journey)
        self.ended += journey.done
        self.journal.write("end", token=journey.token, state=journey.row["state"])
        if journey.plan:
            self._put_back(journey.plan)

    def _retry_once(self, journey: Journey) -> bool:
        """Whether something waits for that person, or for a hand that is free to be that person's."""
        for effect in journey.effects.values():
            waits = effect["state"] == "needs_attention" and not journey.broken
            if waits and journey.retried[effect["id"]] < (5 if journey.kind == "import" else 1):
                if self._start(Job(journey, "retry"), "retry_effect", effect=effect["id"]):
                    journey.retried[effect["id"]] += 1
                    effect["state"] = "due"  # until it is seen again
                    self.counts["retried by people"] += 1
                return True
        return False

    def _put_back(self, plan: list[Fault]) -> None:
        """Faults this request did not come by are for the next one, three times."""
        self.tried.update(plan)
        left = [fault for fault in plan if self.tried[fault] < 3]
        self.unmet += [str(fault) for fault in plan if fault not in left]
        if left:
            self.backlog.append(left)

    def _start(self, job: Job, act: str, **said: Any) -> bool:
        """Hand the job out; False when every hand is busy."""
        hand = next((each for each in self.hands if each.job is None), None)
        journey = job.journey
        if hand is None or self._must_wait(journey, job.stage):
            return False
        job.fault = self._reserve(journey, job.stage)
        if not job.effect:
            journey.busy = True
        if job.stage == "submit":
            self.journal.write("ask", token=journey.token)
        extra = self._prepare(hand, job) if job.fault else {}
        hand.start(job, act, said, **extra)
        if job.fault:
            self._beside(job)
        return True

    # taking back

    def _collect(self) -> None:
        waiting = {hand.pipe: hand for hand in self.hands if hand.job is not None}
        if not waiting:
            time.sleep(0.01)
            return
        for pipe in wait(list(waiting), timeout=0.05):
            self._look_at, hand = 0.0, waiting[pipe]
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
        if job.redis_down:
            self.stack.start_redis()
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
        elif job.fault and job.fault.what in ("host", LOSSY, "answer", "network", "mail"):
            self._after(job, answer)
        if job.redis_down:
            self.stack.start_redis()
            away = answer.get("error", "").startswith(("OperationalError", "InterfaceError"))
            if "error" in answer and not away and job.stage in nemesis.ACTS:
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

    def _acked(self, job: Job, told: dict[str, Any]) -> None:
        stage, token = job.stage, job.journey.token
        if stage in nemesis.ACTS:
            job.journey.acked.add(stage)
            self.journal.write("ack", token=token, stage=stage, **told)
        for each in self.injected if stage not in nemesis.EFFECTS else ():
            if each.token == token and each.recovered is None and each.fault.stage == stage:
                each.recovered = time.monotonic()

    def _released(self, job: Job) -> None:
        if not job.effect and job.stage != "rerun":
            job.journey.busy = False

    def _run_timers(self) -> None:
        now = time.monotonic()
        for timer in [timer for timer in self.timers if timer[0] <= now]:
            self.timers.remove(timer)
            timer[1]()
        for journey in list(self.active):
            if now - journey.last_fault > PATIENCE:
                self.active.remove(journey)
                self.finished.append(journey)
                self.journal.write("stuck", token=journey.token, row=journey.row)
