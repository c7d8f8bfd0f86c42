"""Numbers against rows counted by hand."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from services.accounts.models import Team
from services.catalog.models import Entity
from services.helpdesk import actions
from services.helpdesk.states import State as TicketState
from services.insights import queries
from services.insights.periods import Period
from services.insights.queries import Scope
from services.onboarding.models import Hop, State
from tests.factories.people import TeamFactory, member, platform_engineer
from tests.factories.requests import make_request
from tests.factories.tickets import ticket

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
PERIOD = Period("custom", TODAY - timedelta(days=9), TODAY)


def ago(**span: float):
    return timezone.now() - timedelta(**span)


def service(name: str, owner: str, *, request: str = "", at=None, **fields) -> Entity:
    entity = Entity.objects.create(
        ref=f"component:default/{name}", kind="Component", name=name, type="service",
        owner_ref=owner, onboarded_request=request, **fields,
    )  # fmt: skip
    Entity.objects.filter(pk=entity.pk).update(created_at=at or timezone.now())
    return entity


@pytest.fixture
def checkout() -> Team:
    return TeamFactory(slug="checkout")


def test_adoption_counts_services_at_the_end_of_each_bucket(checkout) -> None:
    service("old", checkout.ref, request="R-1001", at=ago(days=40))
    service("plain", checkout.ref, at=ago(days=3))
    service("new", "group:default/payments", request="R-1002", at=ago(days=1))
    Entity.objects.create(ref="component:default/lib", kind="Component", name="lib", type="library")
    found = queries.adoption(Scope(PERIOD))
    assert (found.before, found.total) == (1, 3)
    assert (found.onboarded[0], found.onboarded[-1]) == (1, 2)
    assert (found.others[0], found.others[-1]) == (0, 1)
    assert found.by_owner == [(checkout.ref, 1, 2), ("group:default/payments", 1, 1)]
    assert queries.adoption(Scope(PERIOD, checkout)).total == 2
    assert queries.adoption(Scope(PERIOD, TeamFactory(slug="nobody"))).total == 0


def test_a_service_known_before_counts_as_onboarded_from_when_its_request_went_live(checkout) -> None:
    mira = member("mira", "checkout")
    request = make_request(mira, state=State.LIVE, name="moved", finished_at=ago(days=2))
    service("moved", checkout.ref, request=request.ref, at=ago(days=40))
    found = queries.adoption(Scope(PERIOD))
    assert (found.onboarded[0], found.others[0]) == (0, 1)
    assert (found.onboarded[-1], found.others[-1]) == (1, 0)


def test_requests_by_state_and_team(checkout) -> None:
    mira = member("mira", "checkout")
    member("ines", "payments")
    make_request(mira, state=State.LIVE, name="a", finished_at=timezone.now())
    make_request(mira, state=State.IN_REVIEW, name="b")
    make_request(mira, team="payments", state=State.IN_REVIEW, name="c")
    make_request(mira, state=State.DRAFT, name="d")
    make_request(mira, state=State.REJECTED, name="e", submitted_at=ago(days=30))
    assert queries.requests_by_state(Scope(PERIOD)) == {"live": 1, "in_review": 2}
    assert queries.requests_by_state(Scope(PERIOD, checkout)) == {"live": 1, "in_review": 1}


def test_what_builds_bring_is_no_onboarding(checkout) -> None:
    mira = member("mira", "checkout")
    asked = make_request(mira, state=State.LIVE, name="a", finished_at=timezone.now())
    for number, kind in enumerate(("image", "promotion")):
        brought = make_request(mira, state=State.LIVE, name=f"b{number}", finished_at=timezone.now())
        type(brought).objects.filter(pk=brought.pk).update(kind=kind, created_at=ago(days=20))
        began = ago(minutes=500)
        brought.hops.create(name=Hop.Name.APPROVAL, started_at=began, finished_at=timezone.now())
    assert queries.requests_by_state(Scope(PERIOD)) == {"live": 1}
    assert queries.hop_times(Scope(PERIOD)) == []
    found = queries.lead_time(Scope(PERIOD))
    assert (found.count, found.now < timedelta(days=10)) == (1, True), asked


def test_hop_times_are_percentiles_in_the_order_of_the_way(checkout) -> None:
    request = make_request(member("mira", "checkout"), state=State.LIVE)
    for minutes in (10, 20, 30):
        Hop.objects.create(
            request=request, name=Hop.Name.APPROVAL, started_at=ago(minutes=60),
            finished_at=ago(minutes=60 - minutes),
        )  # fmt: skip
    Hop.objects.create(
        request=request, name=Hop.Name.FORM, started_at=ago(minutes=5), finished_at=timezone.now()
    )
    Hop.objects.create(
        request=request, name=Hop.Name.MERGED, started_at=ago(days=60), finished_at=ago(days=50)
    )
    form, approval = queries.hop_times(Scope(PERIOD))
    assert (form.label, approval.label, approval.count) == ("Form", "Approval", 3)
    assert round(approval.p50.total_seconds()) == 20 * 60
    assert round(approval.p90.total_seconds()) == 28 * 60
    assert queries.hop_times(Scope(PERIOD, TeamFactory(slug="other"))) == []


def test_medians_now_before_and_by_bucket(checkout) -> None:
    mira, priya = member("mira", "checkout"), platform_engineer()
    for days, minutes in ((1, 10), (1, 30), (12, 90)):
        answered = ago(days=days)
        made = ticket(by=mira, at=answered - timedelta(minutes=minutes))
        actions.reply(ticket=made, by=priya, body="Hello", at=answered)
    found = queries.first_answer(Scope(PERIOD))
    assert (found.now, found.before, found.count) == (timedelta(minutes=20), timedelta(minutes=90), 2)
    assert [m for m in found.by_bucket if m is not None] == [timedelta(minutes=20)]
    empty = queries.lead_time(Scope(PERIOD))
    assert (empty.now, empty.before, empty.count, set(empty.by_bucket)) == (None, None, 0, {None})


def test_support_by_bucket_and_cause(checkout) -> None:
    mira, priya = member("mira", "checkout"), platform_engineer()
    for cause, minutes, days in (
        ("missing_docs", 15, 2), ("missing_docs", 5, 0), ("no_self_service", 60, 2), ("other", 7, 15),
    ):  # fmt: skip
        made = ticket(by=mira, at=ago(days=days, hours=0.01))
        actions.change_state(
            ticket=made, to=TicketState.RESOLVED, by=priya, cause=cause, minutes=minutes, at=ago(days=days)
        )
    actions.change_state(ticket=ticket(by=mira), to=TicketState.RESOLVED, by=mira)
    found = queries.support(Scope(PERIOD))
    assert sum(found.opened) == 4
    assert sum(found.resolved) == 4
    assert sum(found.answered) == 0
    assert found.tickets_of == {"missing_docs": 2, "no_self_service": 1, "": 1}
    assert (found.total_minutes, found.minutes_before) == (80, 7)
    assert sum(found.minutes["missing_docs"]) == 20
    assert queries.support(Scope(PERIOD, TeamFactory(slug="other"))).total_minutes == 0


@pytest.mark.parametrize("days", [5, 60, 300])
def test_every_unit_of_time_has_its_buckets(days: int, checkout) -> None:
    period = Period("custom", TODAY - timedelta(days=days), TODAY)
    ticket(at=period.start)
    ticket(at=ago(seconds=1))
    ticket(at=period.start - timedelta(seconds=1))
    found = queries.support(Scope(period))
    assert (found.opened[0], found.opened[-1], sum(found.opened)) == (1, 1, 2)


def test_years_are_told_apart() -> None:
    assert len(set(Period("", date(2024, 1, 1), date(2025, 12, 31)).buckets)) == 24
