"""The desk at work: search, deadlines on rows, escalation, rota, many at once and back, macros, settings."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from services.accounts.models import Delegation
from services.helpdesk import actions, canned, searching
from services.helpdesk.errors import NotAllowed, TooLate
from services.helpdesk.models import Calendar, Canned, Category, Deed, DeskView, Macro, Promise, Rota, Ticket
from services.helpdesk.rota import Absence, Desk, Plan
from services.helpdesk.states import Priority, State
from services.notices.models import Notice
from tests.effects_driver import run_due_effects
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import answers, kinds, ticket, ticket_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def priya():
    return platform_engineer()


@pytest.fixture
def tomas():
    return platform_engineer("tomas")


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


# ---- search ----------------------------------------------------------------------------------------------


def test_search_finds_by_operator_word_and_what_was_said(priya) -> None:
    now = timezone.now()
    urgent = ticket(title="Payments restart", at=now - timedelta(days=4))
    quiet = ticket(
        title="A bucket please", entity_ref="", impact="me", urgency="later", by=member("noah", "checkout")
    )
    actions.assign(ticket=quiet, to=priya, by=priya)
    actions.reply(ticket=quiet, by=priya, body="the flamingo bucket is yours")
    actions.reply(ticket=urgent, by=priya, body="zebra in the notes", internal=True)
    for text, found in {
        "": {urgent, quiet}, "priority:urgent": {urgent}, "priority:urgent,low": {urgent, quiet},
        "-priority:urgent": {quiet}, "assignee:me": {quiet}, "assignee:none": {urgent},
        "asker:@noah": {quiet}, "service:checkout": {urgent}, "service:none": {quiet},
        "created:<3d": {quiet}, "created:>3d": {urgent}, f"created:{now:%Y-%m}": None,
        "is:late": {urgent}, "due:<1h is:open": None, "state:waits-for-the-asker": set(),
        "payment": {urgent}, "flamingo": {quiet}, "zebra": {urgent}, '"bucket please"': {quiet},
        "buck": {quiet}, quiet.key: {quiet}, "check": {urgent}, "category:broken is:open": {urgent, quiet},
        'half "typed': set(), "http://x:y": set(), "'": {urgent, quiet} - {urgent, quiet},
    }.items():  # fmt: skip
        rows, search = searching.narrowed(Ticket.objects.all(), text, priya, now)
        assert not search.mistakes, text
        assert found is None or set(rows) == found, text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("priority:urgnet", "perhaps urgent"), ("is:opn", "perhaps open"), ("created:soon", "2026-01-31"),
        ("prioritie:high", "perhaps priority:"), ("created:2026-99-01", "2026"),
        ("created:>9999-12", "write"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_search_is_said_and_finds_nothing(priya, text: str, said: str) -> None:
    ticket()
    rows, search = searching.narrowed(Ticket.objects.all(), text, priya)
    assert (said in search.mistakes[0], list(rows)) == (True, [])


def test_notes_are_no_oracle(priya) -> None:
    made, mira = ticket(), member("mira", "checkout")
    actions.reply(ticket=made, by=priya, body="xylophone", internal=True)
    assert not searching.narrowed(Ticket.objects.all(), "xylophone", mira)[0].exists()
    assert searching.narrowed(Ticket.objects.all(), "xylophone", priya)[0].exists()


def test_kept_searches_are_views_with_counts_mine_and_everybodys(priya, tomas) -> None:
    ticket()
    client = client_of(priya)
    new = reverse("helpdesk:setting_new", args=["views"])
    assert client.post(new, {"title": "Hot", "query": "priority:hot", "position": 1}).status_code == 422
    for title, everybody in (("Hot", ""), ("Ours", "1")):
        given = {"title": title, "query": "priority:urgent", "position": 1, "everybody": everybody}
        assert client.post(new, given).status_code == 302
    mine = DeskView.objects.get(title="Hot")
    page = client.get(reverse("helpdesk:queue"), {"view": f"kept-{mine.pk}"}).content.decode()
    assert "Checkout restarts" in page
    assert '<span>Hot</span><span class="count">1</span>' in page
    edit = reverse("helpdesk:setting_edit", args=["views", mine.pk])
    assert client_of(tomas).get(edit).status_code == 404
    assert "Hot" not in client_of(tomas).get(reverse("helpdesk:queue")).content.decode()
    with pytest.raises(NotAllowed):
        actions.save_setting(row=mine, by=tomas)


# ---- deadlines and escalation ----------------------------------------------------------------------------


def test_the_deadline_on_the_row_follows_what_happens(priya) -> None:
    now = timezone.now()
    made = ticket(at=now)
    assert (made.due_for, made.due_at) == ("first", now + timedelta(hours=1))
    actions.reply(ticket=made, by=priya, body="Looking", at=now + timedelta(minutes=10))
    made.refresh_from_db()
    assert (made.due_for, made.clocked) == ("resolution", made.version)
    actions.change_state(ticket=made, to=State.WAITING_REQUESTER, by=priya, at=now + timedelta(minutes=20))
    made.refresh_from_db()
    assert (made.due_at, made.look_at) == (None, None)
    actions.reply(ticket=made, by=made.asker, body="Here", at=now + timedelta(minutes=80))
    made.refresh_from_db()
    assert (made.due_for, made.due_at) == ("next", now + timedelta(minutes=140))


def test_another_promise_recounts_open_tickets(priya) -> None:
    now = timezone.now()
    made = ticket(at=now)
    promise = Promise.objects.get(priority=Priority.URGENT)
    promise.first = 30
    actions.save_setting(row=promise, by=priya)
    assert (actions.recount(), actions.recount()) == (1, 0)
    made.refresh_from_db()
    assert made.due_at == now + timedelta(minutes=30)
    Promise.objects.all().delete()
    actions.forget_deadlines()
    actions.recount()
    made.refresh_from_db()
    assert made.due_at is None


def test_steps_are_taken_once_and_only_while_they_are_needed(priya) -> None:
    now = timezone.now()
    late, answered = ticket(at=now - timedelta(minutes=50)), ticket(at=now - timedelta(minutes=50))
    for made in (late, answered):
        actions.assign(ticket=made, to=priya, by=priya, at=now - timedelta(minutes=49))
    for _ in range(2):
        actions.look(now)
    actions.reply(ticket=answered, by=priya, body="Looking")  # between the look and the step
    for _ in range(2):
        run_due_effects()
        actions.look(timezone.now())
    assert kinds(late).count("escalated") == 1
    assert kinds(answered).count("escalated") == 0
    assert Notice.objects.filter(person=priya, key__startswith="ticket-escalated").count() == 1
    late.refresh_from_db()
    assert late.look_at == now - timedelta(minutes=50) + timedelta(hours=1)  # then the leads are told


@pytest.mark.parametrize("do", ["raise", "give to duty", "tell leads", "tell duty"])
def test_what_a_step_does(priya, tomas, do: str) -> None:
    rota_of(priya, [tomas])
    made = ticket(impact="me", urgency="later")
    made = actions.escalate(ticket=made, do=do, clock="resolution", minutes=0, key="k", at=timezone.now())
    actions.escalate(ticket=made, do=do, clock="resolution", minutes=0, key="k", at=timezone.now())
    made.refresh_from_db()
    event = made.events.get(kind="escalated")
    if do == "raise":
        assert made.priority == Priority.NORMAL
    elif do == "give to duty":
        assert (made.assignee, made.state) == (tomas, State.NEW)
    else:
        assert event.data["told"]


# ---- the rota --------------------------------------------------------------------------------------------

MONDAY = date(2026, 11, 2)


def rota_of(by, people, **more) -> Rota:
    given = {"starts_on": MONDAY, "weeks": 1, "giving": "hand", "most_open": 10, "calendar": None, **more}
    return actions.save_rota(by=by, people=people, **given)


def test_turns_absences_and_holidays() -> None:
    german = Calendar(timezone="Europe/Berlin", country="DE").hours
    away = [Absence("b", date(2026, 11, 9), date(2026, 11, 10))]
    plan = Plan(MONDAY, 1, ["a", "b", "c"], absences=away, hours=german)
    days = {day: plan.on(day) for day in (MONDAY, date(2026, 11, 8), date(2026, 11, 9), date(2026, 11, 11))}
    assert [duty.person for duty in days.values()] == ["a", "a", "c", "b"]
    assert (days[date(2026, 11, 9)].why, days[MONDAY].second) == ("b is away", "b")
    christmas = plan.on(date(2026, 12, 25))
    assert (christmas.person, christmas.closed) == (None, "Christmas Day")
    assert plan.on(date(2026, 10, 30)).person == "c"  # before the first turn they count backwards
    assert Plan(MONDAY, 1, []).on(MONDAY).person is None


def test_stand_ins_and_swaps_bend_the_plan_and_are_taken_back(priya, tomas) -> None:
    rota_of(priya, [priya, tomas])
    assert Desk().plan.on(MONDAY).person == priya
    one, two = actions.swap(by=priya, one=MONDAY, other=MONDAY + timedelta(days=9))
    assert [Desk().plan.on(MONDAY + timedelta(days=n)).person for n in (0, 7)] == [tomas, priya]
    with pytest.raises(NotAllowed):
        actions.swap(by=priya, one=MONDAY, other=MONDAY + timedelta(days=14))
    day = MONDAY + timedelta(days=1)
    actions.stand_in(by=priya, person=priya, first=day, last=day, reason="dentist")
    assert [Desk().plan.on(MONDAY + timedelta(days=n)).person for n in (0, 1, 2)] == [tomas, priya, tomas]
    actions.undo_change(change=two, by=priya)
    assert Desk().plan.on(MONDAY).person == priya
    one.refresh_from_db()
    assert one.removed_at
    assert Notice.objects.filter(person=tomas, key__startswith="rota-change").exists()
    for wrong in (
        lambda: rota_of(priya, [member("mira", "checkout")]),
        lambda: rota_of(member("mira", "checkout"), []),
    ):
        with pytest.raises(NotAllowed):
            wrong()
    with pytest.raises(NotAllowed):
        actions.stand_in(by=priya, person=priya, first=day, last=MONDAY)


def test_new_tickets_go_to_duty_or_to_the_idle_never_beyond_the_cap(priya, tomas) -> None:
    rota_of(priya, [priya, tomas], starts_on=timezone.localdate(), giving="rota", most_open=1)
    first, second, third = ticket(), ticket(), ticket()
    assert [t.assignee for t in (first, second, third)] == [priya, tomas, None]
    assert (first.state, first.events.last().by) == (State.NEW, None)
    rota_of(priya, [priya, tomas], giving="load", most_open=5)
    actions.assign(ticket=third, to=priya, by=priya)
    assert ticket().assignee == tomas
    now = timezone.now()
    Delegation.objects.create(
        of=tomas, to=priya, since=now - timedelta(days=1), until=now + timedelta(days=1)
    )
    assert [ticket().assignee, ticket().assignee] == [priya, priya]


def test_handing_over_lists_what_is_open_and_tells_the_next(priya, tomas) -> None:
    rota_of(priya, [priya, tomas], starts_on=timezone.localdate())
    made = ticket()
    actions.assign(ticket=made, to=priya, by=priya)
    answer = client_of(priya).post(
        reverse("helpdesk:rota_hand_over"), {"note": "Mind the registry"}, follow=True
    )
    page = answer.content.decode()
    assert (f"{made.key} Checkout restarts" in page, "Mind the registry" in page) == (True, True)
    assert Notice.objects.filter(person=tomas, title__contains="hands over").count() == 1
    for _ in range(2):
        actions.tell_turn(now=timezone.now())
    assert Notice.objects.filter(person=priya, key__startswith="rota-turn").count() == 1


def test_the_rota_page_saves_and_refuses(priya, tomas) -> None:
    client = client_of(priya)
    given = {
        "people": "priya\ntomas",
        "starts_on": "2026-11-04",
        "weeks": 2,
        "giving": "rota",
        "most_open": 5,
    }
    assert client.post(reverse("helpdesk:rota_save"), given).status_code == 302
    assert Desk().plan.starts_on == MONDAY
    refused = client.post(reverse("helpdesk:rota_save"), {**given, "people": "priya nobody"})
    assert (refused.status_code, "“nobody” is nobody of the platform" in refused.content.decode()) == (
        422,
        True,
    )
    swap = {"one": "2026-11-04", "other": "2026-11-18"}
    change = {"person": "tomas", "first": "2026-11-04", "last": "2026-11-04"}
    for name, fields in (
        ("rota_swap", swap),
        ("rota_change", change),
        ("rota_swap", {}),
        ("rota_swap", {**swap, "other": "2026-11-05"}),
    ):
        assert client.post(reverse(f"helpdesk:{name}"), fields, follow=True).status_code == 200
    assert Desk().rota.changes.count() == 3
    client.post(reverse("helpdesk:rota_undo", args=[Desk().rota.changes.latest("pk").pk]))
    assert len(Desk().plan.changes) == 2


# ---- many at once, and back ------------------------------------------------------------------------------


def test_a_step_over_many_is_taken_back_where_nobody_touched_it_since(priya, tomas) -> None:
    made = [ticket(title=f"Ticket {n}") for n in range(3)]
    client = client_of(priya)
    fields = {"do": "resolve", "cause": "missing_docs", "minutes": "5", "tickets": [t.number for t in made]}
    page = client.post(reverse("helpdesk:queue_bulk"), fields, follow=True).content.decode()
    deed = Deed.objects.get()
    undo = reverse("helpdesk:queue_undo", args=[deed.pk])
    assert ("3 tickets changed." in page, undo in page) == (True, True)
    actions.reply(ticket=made[0], by=made[0].asker, body="No, still broken")
    assert client_of(tomas).post(undo).status_code == 404
    page = client.post(undo, follow=True).content.decode()
    assert "2 tickets put back." in page
    assert "somebody changed it since" in page
    states = [Ticket.objects.get(pk=t.pk) for t in made]
    assert [t.state for t in states] == [State.IN_PROGRESS, State.NEW, State.NEW]
    assert [(t.resolved_at, t.cause) for t in states[1:]] == [(None, "")] * 2
    client.post(undo)
    assert Ticket.objects.get(pk=made[1].pk).version == states[1].version
    Deed.objects.update(at=timezone.now() - timedelta(minutes=11))
    with pytest.raises(NotAllowed):
        actions.undo(deed=Deed.objects.get(), by=priya)


def test_ones_own_last_step_is_taken_back_for_ten_minutes(priya, tomas) -> None:
    made, now = ticket(), timezone.now()
    actions.change_state(ticket=made, to=State.IN_PROGRESS, by=priya, at=now)
    with pytest.raises(NotAllowed):
        actions.take_back(ticket=made, by=tomas, at=now)
    with pytest.raises(TooLate):
        actions.take_back(ticket=made, by=priya, at=now + timedelta(minutes=11))
    assert client_of(priya).post(reverse("helpdesk:ticket_take_back", args=[made.key])).status_code == 302
    made.refresh_from_db()
    assert made.state == State.NEW
    actions.change_state(ticket=made, to=State.IN_PROGRESS, by=priya, at=now)
    actions.reply(ticket=made, by=made.asker, body="And another thing", at=now)
    with pytest.raises(NotAllowed):
        actions.take_back(ticket=made, by=priya, at=now)


@pytest.mark.parametrize(
    ("stood", "to"), [("resolved", "in_progress"), ("converted", "in_progress"), ("new", "resolved")]
)
def test_a_step_taken_back_twice_is_taken_again_with_all_it_brought(priya, stood: str, to: str) -> None:
    made = ticket_in(stood)

    def told(row: Ticket) -> list:
        why = [] if row.is_open else [row.cause, row.minutes]
        return [row.state, row.converted_to, row.resolved_at, row.closed_at, *why]

    before = told(made)
    after = told(actions.change_state(ticket=made, to=to, by=priya, **answers(to)))
    for wanted in (before, after, before):
        assert told(actions.take_back(ticket=made, by=priya)) == wanted


def test_what_was_brought_back_from_a_merge_is_merged_again_not_taken_back(priya) -> None:
    made = actions.merge(ticket=(one := ticket()), into=ticket(title="Two"), by=priya)
    actions.change_state(ticket=one, to=State.NEW, by=priya)
    with pytest.raises(NotAllowed, match="merge it again"):
        actions.take_back(ticket=one, by=priya)
    assert (one.messages.count(), made.messages.count()) == (1, 1)


def test_a_macro_is_all_or_nothing_and_runs_over_many(priya) -> None:
    macro = Macro.objects.create(
        title="Point to the docs", reply="Hi {first_name}, see the docs of {service}.", give_to="me",
        priority=3,
        category=Category.objects.get(slug="howto"), state=State.RESOLVED, cause="missing_docs", minutes=5,
    )  # fmt: skip
    made, client = ticket(), client_of(priya)
    client.post(reverse("helpdesk:ticket_macro", args=[made.key]), {"macro": macro.pk})
    made.refresh_from_db()
    assert (made.state, made.priority, made.assignee, made.category.slug) == (
        State.RESOLVED,
        3,
        priya,
        "howto",
    )
    assert made.messages.last().body == "Hi Mira, see the docs of checkout."
    on_duty = Macro.objects.create(title="To duty", reply="Over to you", internal=True, give_to="duty")
    other = ticket()
    fields = {"do": "macro", "macro": on_duty.pk, "tickets": [other.number]}
    page = client.post(reverse("helpdesk:queue_bulk"), fields, follow=True).content.decode()
    assert "Nobody is on duty today." in page
    assert other.messages.count() == 1
    assert (
        "Choose which macro"
        in client.post(reverse("helpdesk:queue_bulk"), {**fields, "macro": ""}, follow=True).content.decode()
    )
    macro.active = False
    for by in (priya, made.asker):
        with pytest.raises(NotAllowed):
            actions.run_macro(macro=macro, ticket=other, by=by)


def test_canned_answers_know_a_closed_list_of_names(priya) -> None:
    made = ticket(title="{me} {{ request }} {nosuch}")
    text = canned.filled("{first_name}: {title} {ticket} {x}", made, priya)
    assert (
        text == "Mira: {me} {{ request }} {nosuch} " + made.key + " {x}"
    )  # once: what is filled in is not read
    client, new = client_of(priya), reverse("helpdesk:setting_new", args=["canned"])
    refused = client.post(new, {"title": "Hello", "body": "Hi {frist_name}"})
    assert (refused.status_code, "There is no {frist_name}" in refused.content.decode()) == (422, True)
    client.post(new, {"title": "Hello", "body": "Hi {first_name}"})
    row = Canned.objects.get()
    address = reverse("helpdesk:ticket_canned", args=[made.key, row.pk])
    assert client.get(address).content.decode() == "Hi Mira"
    page = client.get(made.get_absolute_url(), {"canned": row.pk}).content.decode()
    assert "Hi Mira</textarea>" in page
    assert client_of(made.asker).get(address).status_code == 403


# ---- settings --------------------------------------------------------------------------------------------

SPECIAL = "2026-12-24 9-12\n2026-12-31 closed"
WEEK = {"mon": "09:00-12:30, 13:30-18:00", "tue": "", "sun": ""}
PROMISED = {"title": "Fast", "position": 1, "active": "1", "steps": "15 before any: warn"}


@pytest.mark.parametrize(
    ("kind", "fields", "refused"),
    [
        ("calendars", {"title": "Two", "timezone": "Europe/Berlin", "country": "de", **WEEK}, ""),
        ("calendars", {"title": "Two", "timezone": "Mars", **WEEK}, "is no time zone"),
        ("calendars", {"title": "Two", "timezone": "UTC"}, "never open"),
        ("calendars", {"title": "Two", "timezone": "UTC", "mon": "9-12, 11-13"}, "overlap"),
        ("calendars", {"title": "Two", "timezone": "UTC", "country": "XX", **WEEK}, "No holidays are known"),
        ("calendars", {"title": "Two", "timezone": "UTC", "country": "DE", "region": "ZZ", **WEEK}, "DE has"),
        ("calendars", {"title": "Two", "timezone": "UTC", "special_days": SPECIAL, **WEEK}, ""),
        ("calendars", {"title": "Two", "timezone": "UTC", "special_days": "tomorrow", **WEEK}, "tomorrow"),
        ("promises", {**PROMISED, "first": 30}, ""),
        ("promises", PROMISED, "Promise at least one"),
        ("promises", {**PROMISED, "first": 30, "steps": "shout"}, "is no step"),
        ("macros", {"title": "Idle", "position": 1}, "does nothing yet"),
        ("macros", {"title": "Done", "position": 1, "state": "resolved"}, "asks for a cause"),
        ("macros", {"title": "Mine", "position": 1, "give_to": "me"}, ""),
        ("categories", {"title": "9", "slug": "nine", "icon": "x", "position": 9, "active": "1"}, "enough"),
    ],
)  # fmt: skip
def test_settings_say_what_they_refuse(priya, kind: str, fields: dict, refused: str) -> None:
    if kind == "promises":
        fields = {**fields, "calendar": Calendar.objects.get(title="Office hours").pk}
    answer = client_of(priya).post(reverse("helpdesk:setting_new", args=[kind]), fields)
    page = answer.content.decode()
    assert answer.status_code == (422 if refused else 302), page
    assert refused in page


def test_settings_are_changed_listed_and_removed_unless_in_use(priya) -> None:
    client = client_of(priya)
    calendar = Calendar.objects.get(title="Office hours")
    edit = reverse("helpdesk:setting_edit", args=["calendars", calendar.pk])
    page = client.get(edit).content.decode()
    assert 'value="09:00-17:00"' in page
    remove = reverse("helpdesk:setting_remove", args=["calendars", calendar.pk])
    assert "is in use; retire it instead" in client.post(remove, follow=True).content.decode()
    Promise.objects.all().delete()
    assert "is gone" in client.post(remove, follow=True).content.decode()
    assert client.get(reverse("helpdesk:setting_new", args=["nosuch"])).status_code == 404
    other = Category.objects.get(slug="other")
    gone = {"title": "Other", "slug": "else", "icon": "help", "position": 9}
    answer = client.post(reverse("helpdesk:setting_edit", args=["categories", other.pk]), gone)
    assert (answer.status_code, answer.content.decode().count("always stays")) == (422, 2)
    for row in (other, calendar):
        with pytest.raises(NotAllowed):
            actions.save_setting(row=row, by=member("mira", "checkout"))
