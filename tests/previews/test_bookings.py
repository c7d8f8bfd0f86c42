"""A shared environment belongs to one person at a time, and programs can read when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from services.onboarding.errors import NotAllowed
from services.previews import actions, calendar
from services.previews.errors import Impossible
from services.previews.models import Booking

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def book(people, environments):
    def done(first: int, last: int, by: Any = None, place: int = 0, purpose: str = "Load test") -> Booking:
        return actions.book(
            environment=environments[place], by=by or people.mira, begins_at=NOW + first * HOUR,
            ends_at=NOW + last * HOUR, purpose=purpose,
        )  # fmt: skip

    return done


def test_two_never_have_it_at_once_and_the_second_hears_when_it_is_free(book, people) -> None:
    book(1, 3)
    book(3, 4, by=people.jonas)  # ends where the other begins
    book(6, 8)
    for first, last in ((0, 2), (2, 3), (1, 3), (0, 9)):
        with pytest.raises(actions.Taken):
            book(first, last, by=people.jonas)
    with pytest.raises(actions.Taken) as refused:
        book(2, 3)
    assert refused.value.free_at == NOW + 4 * HOUR
    with pytest.raises(actions.Taken) as refused:
        book(2, 5)  # three hours are free only after the last
    assert refused.value.free_at == NOW + 8 * HOUR


ODD = [(3, 3), (3, 1), (-3, -1), (1, 24 * 15), (24 * 200, 24 * 201)]


@pytest.mark.parametrize(("first", "last"), ODD)
def test_times_that_make_no_sense_are_refused(book, first, last) -> None:
    with pytest.raises(Impossible):
        book(first, last)


def test_production_is_nobodys_and_only_ones_own_is_given_back(book, people) -> None:
    with pytest.raises(Impossible):
        book(1, 2, place=1)
    row = book(1, 2)
    with pytest.raises(NotAllowed):
        actions.give_back(booking=row, by=people.noah)
    assert actions.give_back(booking=row, by=people.priya).cancelled_at == NOW
    assert actions.give_back(booking=row, by=people.mira).cancelled_at == NOW
    book(1, 2, by=people.jonas)


def test_booking_list_books_refuses_kindly_and_gives_back(client, people, book) -> None:
    book(2, 4, by=people.jonas, purpose="Jonas measures")
    client.force_login(people.mira)
    form = {
        "environment": "staging",
        "begins_at": "2026-11-16T13:00",
        "ends_at": "2026-11-16T14:00",
        "purpose": "Mine",
    }
    refused = client.post("/bookings/", form)
    assert refused.status_code == 422
    assert 'value="2026-11-16T14:00"' in refused.content.decode()  # the nearest free hour, in Berlin
    assert client.post("/bookings/", form | {"environment": "production"}).status_code == 422
    form |= {"begins_at": "2026-11-16T14:00", "ends_at": "2026-11-16T15:00"}
    assert client.post("/bookings/", form).status_code == 302
    mine = Booking.objects.get(purpose="Mine")
    page = client.get("/bookings/").content.decode()
    assert page.count("Give back") == 1
    assert "Jonas measures" in page
    client.post(f"/bookings/{mine.pk}/cancel/")
    client.post(f"/bookings/{mine.pk - 1}/cancel/")
    assert list(Booking.objects.filter(cancelled_at=None).values_list("purpose", flat=True)) == [
        "Jonas measures"
    ]


def test_the_calendar_is_one_that_programs_read(client, people, book) -> None:
    book(2, 4, purpose="Load; test, with a backslash \\ and\nBEGIN:VEVENT " + "ü" * 90)
    client.force_login(people.mira)
    answer = client.get("/bookings/staging.ics")
    assert answer.headers["Content-Type"].startswith("text/calendar")
    lines = answer.content.decode().split("\r\n")
    assert (lines[0], lines[-2], lines.count("BEGIN:VEVENT")) == ("BEGIN:VCALENDAR", "END:VCALENDAR", 1)
    assert all(len(line.encode()) <= 75 for line in lines)
    whole = answer.content.decode().replace("\r\n ", "")
    assert "SUMMARY:Staging: Load\\; test\\, with a backslash \\\\ and BEGIN:VEVENT " + "ü" * 90 in whole
    assert "DTSTART:20261116T110000Z" in whole
    assert client.get("/bookings/mars.ics").status_code == 404


def test_days_say_how_much_of_them_is_taken(book, environments) -> None:
    book(0, 1)
    book(24, 24 * 3)
    found = calendar.days(list(Booking.objects.all()), NOW)
    assert [each["state"] for each in found[:5]] == ["part", "part", "whole", "part", "free"]


def test_who_has_an_environment_stands_beside_its_name_wherever_it_is_shown(
    client, people, book, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        begun = book(-1, 4, by=people.jonas)  # an hour ago
        book(5, 6)
    client.force_login(people.priya)
    page = client.get("/platform/clusters/harbour/").content.decode()
    assert f"booked by {people.jonas} until 16 Nov, 14:00" in page
    with django_capture_on_commit_callbacks(execute=True):
        actions.give_back(booking=begun, by=people.jonas)
    page = client.get("/platform/clusters/harbour/").content.decode()
    assert f"booked by {people.mira} from 16 Nov, 15:00" in page
    with time_machine.travel(NOW - 30 * HOUR, tick=False):
        assert "booked by" not in client.get("/platform/clusters/harbour/").content.decode()
