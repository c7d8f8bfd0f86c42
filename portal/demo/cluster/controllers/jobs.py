"""Jobs and the cron jobs that make them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from portal.demo.cluster.clock import seconds
from portal.demo.cluster.controllers import parts
from portal.demo.cluster.world import World

Object = dict[str, Any]
HISTORY = 3
LOOK_BACK = timedelta(days=8)


def job(world: World, obj: Object) -> None:
    status = obj.get("status") or {}
    if any(c["type"] in ("Complete", "Failed") for c in status.get("conditions") or []):
        return
    pods = world.store.owned(obj, "v1", "Pod")
    phases = [(pod.get("status") or {}).get("phase") for pod in pods]
    done, failed = phases.count("Succeeded"), phases.count("Failed")
    spec = obj["spec"]
    new = status | {"succeeded": done, "failed": failed, "active": len(parts.alive(pods))}
    new.setdefault("startTime", world.clock.stamp())
    if done >= spec.get("completions", 1):
        new |= {"completionTime": world.clock.stamp(), "active": 0}
        new["conditions"] = [parts.condition(world, status, "Complete", True)]
        world.event(obj, "Completed", "Job completed")
    elif failed > spec.get("backoffLimit", 6):
        text = "Job has reached the specified backoff limit"
        new["conditions"] = [parts.condition(world, status, "Failed", True, "BackoffLimitExceeded", text)]
        world.event(obj, "BackoffLimitExceeded", text, warning=True)
    elif (
        not spec.get("suspend") and not parts.alive(pods) and world.waited(obj, f"pod-{failed}", failed * 2.0)
    ):
        _add(world, obj)
        new["active"] = 1
    world.status(obj, new)


def _add(world: World, obj: Object) -> None:
    name = f"{obj['metadata']['name']}-{parts.safe_word(world.serial(), 5)}"
    labels = {"job-name": obj["metadata"]["name"], "batch.kubernetes.io/job-name": obj["metadata"]["name"]}
    world.store.put(parts.pod_from(obj, obj["spec"]["template"], name, **labels))
    world.event(obj, "SuccessfulCreate", f"Created pod: {name}")


def _field(text: str, low: int, high: int) -> set[int]:
    """One field of a schedule; refuses with ValueError what it does not understand."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = low if span == "*" else int(first)
        end = high if span == "*" or (step and not dash) else int(last or first)
        found |= set(range(start, end + 1, int(step or 1)))
    return found


def fires(schedule: str, at: datetime) -> bool:
    """Whether a five-field schedule names this minute."""
    minute, hour, day, month, weekday = schedule.split()
    named = {value % 7 for value in _field(weekday, 0, 7)}
    return (
        at.minute in _field(minute, 0, 59)
        and at.hour in _field(hour, 0, 23)
        and at.day in _field(day, 1, 31)
        and at.month in _field(month, 1, 12)
        and at.isoweekday() % 7 in named
    )


def last_time(schedule: str, now: datetime) -> datetime | None:
    """The latest minute the schedule named, within eight days; None for none and for what is no schedule."""
    at = now.replace(second=0, microsecond=0)
    try:
        while at > now - LOOK_BACK:
            if fires(schedule, at):
                return at
            at -= timedelta(minutes=1)
    except ValueError:
        return None
    return None


def cron_job(world: World, obj: Object) -> None:
    """Looks once a minute; the first look fills in when it would last have run, without running it."""
    status = obj.get("status") or {}
    jobs = sorted(world.store.owned(obj, "batch/v1", "Job"), key=lambda j: j["metadata"]["creationTimestamp"])
    status = _with_jobs(status, jobs)
    if world.rested(obj, "minute", 30.0) or "lastScheduleTime" not in status:
        status = _look(world, obj, status)
        world.waited(obj, "minute", 30.0)
    for old in jobs[: max(0, len(jobs) - HISTORY)]:
        world.store.drop(old)
    world.status(obj, status)


def _with_jobs(status: Object, jobs: list[Object]) -> Object:
    done = [j["status"]["completionTime"] for j in jobs if "completionTime" in (j.get("status") or {})]
    active = [parts.owner_of(j) for j in jobs if (j.get("status") or {}).get("active")]
    status = {k: v for k, v in status.items() if k != "active"}
    if done:
        status["lastSuccessfulTime"] = max(done)
    return status | ({"active": active} if active else {})


def _look(world: World, obj: Object, status: Object) -> Object:
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    last = last_time(obj["spec"].get("schedule", ""), now)
    if last is None or obj["spec"].get("suspend"):
        return status
    told = status.get("lastScheduleTime")
    stamp = last.strftime("%Y-%m-%dT%H:%M:%SZ")
    if told is None:
        return status | {"lastScheduleTime": stamp, "lastSuccessfulTime": stamp}
    if seconds(told) < last.timestamp():
        _start(world, obj, last)
        return status | {"lastScheduleTime": stamp}
    return status


def _start(world: World, obj: Object, at: datetime) -> None:
    template = obj["spec"]["jobTemplate"]
    name = f"{obj['metadata']['name']}-{int(at.timestamp()) // 60}"
    meta = template.get("metadata") or {}
    made = parts.child(
        obj,
        "batch/v1",
        "Job",
        name,
        labels=dict(meta.get("labels") or {}),
        annotations=dict(meta.get("annotations") or {}),
        spec={"backoffLimit": 6, "completions": 1, "parallelism": 1} | template["spec"],
    )
    if not world.store.find("batch/v1", "Job", obj["metadata"]["namespace"], name):
        world.store.put(made)
        world.event(obj, "SuccessfulCreate", f"Created job {name}")
