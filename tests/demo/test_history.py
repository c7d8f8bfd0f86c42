"""The invented year adds up: what is planned, when it happened and what the repository says of it."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.demo import company
from portal.demo.history import clock
from portal.demo.history.plan import past_requests, row_at
from portal.demo.history.times import all_times

NOW = datetime(2026, 11, 20, 10, 4, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def test_about_180_requests_with_all_ends_in_order() -> None:
    requests = past_requests()
    assert len(requests) == 180
    assert {r.state for r in requests} == {"live", "rejected", "withdrawn", "closed"}
    assert [r.number for r in requests] == list(range(1001, 1181))
    assert sum(r.is_onboarding for r in requests) == 18


def test_the_last_request_of_each_service_leaves_what_runs_today() -> None:
    for name, row in company.workloads().items():
        assert row_at(name, 9999) | {"version": row["version"]} == row


def test_nobody_approves_their_own() -> None:
    assert all(r.by not in (r.approver, r.reviewer) for r in past_requests())


@pytest.mark.parametrize("now", [NOW, SUNDAY, NOW + timedelta(days=100)])
def test_everything_lies_in_the_past_and_hops_follow_each_other(now: datetime) -> None:
    for times in all_times(now).values():
        assert times.ended < now
        assert now - times.opened < timedelta(days=371)
        moments = [moment for hop in times.hops.values() for moment in hop]
        assert moments == sorted(moments)


def test_working_time_skips_nights_and_weekends() -> None:
    friday = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)  # 17:30 in Berlin
    assert clock.after_working(friday, 60) == datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
