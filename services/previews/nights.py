"""When a preview sleeps: outside working hours, unless somebody wanted it otherwise for a while (row 38)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from services.clusters.models import Environment

from .models import Preview

MORNING, EVENING = 7, 20
AT_LEAST = timedelta(hours=3)


def zone_of(environment: Environment | None) -> ZoneInfo:
    """The time zone people of an environment work in."""
    said = str(environment.settings.get("time_zone") or "") if environment else ""
    try:
        return ZoneInfo(said or timezone.get_default_timezone_name())
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def is_night(now: datetime, zone: ZoneInfo) -> bool:
    local = now.astimezone(zone)
    return local.weekday() >= 5 or not MORNING <= local.hour < EVENING


def turns_at(now: datetime, zone: ZoneInfo) -> datetime:
    """When night begins or ends next."""
    local = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    before = is_night(now, zone)
    for _ in range(24 * 4):
        local += timedelta(hours=1)
        if is_night(local, zone) != before:
            break
    return local


def wants_sleep(preview: Preview, now: datetime | None = None) -> bool:
    now = now or timezone.now()
    if preview.held_until and now < preview.held_until:
        return preview.held_asleep
    return preview.sleeps and is_night(now, zone_of(preview.environment))


def hold_until(preview: Preview, now: datetime) -> datetime:
    """How long what somebody wants holds: until the clock says so too, or turns; a while at least."""
    return max(
        turns_at(now, zone_of(preview.environment)) if preview.sleeps else preview.until, now + AT_LEAST
    )
