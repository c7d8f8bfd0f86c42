"""Exceptions from guardrails: asked for where one stops, granted by somebody else, over by themselves."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from services.audit.queries import events_for
from services.manifests import exceptions
from services.notices.models import Notice
from services.onboarding import actions, queries, rules
from services.onboarding.errors import Blocked, ExceptionOver, NotAllowed, ReasonMissing, Refusal, WrongState
from services.onboarding.models import Exemption, State
from tests.effects_driver import run_due_effects
from tests.onboarding.conftest import answers

pytestmark = pytest.mark.django_db
RULE = "one-replica-prod"
WHERE = {"guardrail": RULE, "environment": "production", "object": "Deployment/shop/wishlist"}
ASKED = "guardrail=one-replica-prod&amp;environment=production&amp;object=Deployment%2Fshop%2Fwishlist"
ALONE = answers(replicas=1, environments=["staging", "production"])


def days(number):
    return timezone.localdate() + timedelta(days=number)


@pytest.fixture
def draft(world):
    return actions.save_draft(by=world.mira, blueprint="web-service", answers=ALONE)


@pytest.fixture
def ask(world, draft):
    def asked(by=None, **over):
        said = {**WHERE, "reason": "The licence allows one.", "until": days(30), "request": draft, **over}
        return actions.ask_exemption(by=by or world.mira, **said)

    return asked


@pytest.fixture
def granted(world, ask):
    return actions.grant_exemption(exemption=ask(), by=world.priya)


def severities(world, draft):
    found = queries.evaluate("web-service", ALONE, user=world.mira, request=draft)
    return [(each.severity, each.excepted is not None) for each in found.findings if each.rule == RULE]


@pytest.fixture
def reviewed(world, draft, granted):
    """In review with its exception, and approved: all that is left is to merge it."""
    row = actions.submit(by=world.mira, blueprint="web-service", answers=ALONE, request=draft)
    run_due_effects()
    row.refresh_from_db()
    return actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)


# ---- what it does ----------------------------------------------------------------------------------------


def test_what_stops_a_form_passes_while_an_exception_holds_and_stops_again_afterwards(world, draft, ask):
    assert severities(world, draft) == [("block", False)]
    exemption = ask()
    assert severities(world, draft) == [("block", False)], "asking alone changes nothing"
    actions.grant_exemption(exemption=exemption, by=world.priya, remark="Until the licence is renewed.")
    assert severities(world, draft) == [("info", True)]
    Exemption.objects.update(until=days(0))
    assert severities(world, draft) == [("info", True)], "the last day counts"
    Exemption.objects.update(until=days(-1))
    assert severities(world, draft) == [("block", False)]
    with pytest.raises(Blocked):
        actions.submit(by=world.mira, blueprint="web-service", answers=ALONE, request=draft)


def test_one_that_ends_while_a_request_is_in_review_stops_its_merge(world, client, reviewed):
    Exemption.objects.update(until=days(-1))
    told = f"The exception for “A single pod in production” in production ended on {days(-1):%-d %B %Y}."
    with pytest.raises(ExceptionOver, match=told):
        actions.merge(request=reviewed, by=world.mira, head=reviewed.head_sha)
    client.force_login(world.mira)
    assert told in client.get(f"/requests/{reviewed.ref}/changes/").content.decode()
    Exemption.objects.update(until=days(0))
    actions.merge(request=reviewed, by=world.mira, head=reviewed.head_sha)
    Exemption.objects.update(until=days(5), state=Exemption.State.ENDED)
    run_due_effects()
    reviewed.refresh_from_db()
    assert (reviewed.state, reviewed.merge_sha) == (State.NEEDS_ATTENTION, "")
    assert "was ended early" in reviewed.problem["message"]
    assert actions.retry(request=reviewed, by=world.mira).merge_asked_by is None
    Exemption.objects.create(
        guardrail=RULE, title="x", entity_ref="component:default/wishlist", environment="production",
        reason="x", until=days(9), state=Exemption.State.GRANTED, asked_by=world.mira, decided_by=world.priya,
    )  # fmt: skip
    reviewed.refresh_from_db()
    assert actions.merge(request=reviewed, by=world.mira, head=reviewed.head_sha).merge_asked_by == world.mira


def test_a_request_is_submitted_with_its_exception_and_reviewers_read_of_it(world, client, draft, granted):
    row = actions.submit(by=world.mira, blueprint="web-service", answers=ALONE, request=draft)
    assert row.state != State.DRAFT
    (kept,) = [each for each in row.findings if each["rule"] == RULE]
    assert kept["excepted"]["granted_by"] == str(world.priya)
    client.force_login(world.sam)
    shown = client.get(f"/requests/{row.ref}/changes/").content.decode()
    assert f"Excepted until {granted.until:%-d %B %Y}" in shown
    assert "The licence allows one." in shown
    assert f"Granted by {world.priya}" in shown


def test_an_exception_of_another_service_or_environment_changes_nothing(world, draft, granted):
    for field, value in (("entity_ref", "component:default/menu"), ("environment", "staging")):
        before = getattr(granted, field)
        Exemption.objects.update(**{field: value})
        assert severities(world, draft) == [("block", False)]
        Exemption.objects.update(**{field: before})
    assert queries.leases_of("") == []


# ---- asking and deciding ---------------------------------------------------------------------------------


def test_asked_twice_it_is_one_and_everything_is_audited(world, ask, draft):
    exemption = ask()
    assert ask().pk == exemption.pk
    actions.grant_exemption(exemption=exemption, by=world.priya, until=days(3))
    actions.end_exemption(exemption=exemption, by=world.mira, remark="Renewed.")
    events = list(events_for(exemption))
    assert [each.action for each in events] == ["exemption.asked", "exemption.granted", "exemption.ended"]
    assert events[1].details["until"] == days(3).isoformat()
    assert severities(world, draft) == [("block", False)]


@pytest.mark.parametrize(
    ("over", "refusal", "said"),
    [
        ({"reason": "  "}, ReasonMissing, "Say why"),
        ({"until": days(-1)}, Refusal, "past"),
        ({"until": days(91)}, Refusal, "90 days"),
        ({"guardrail": "schema"}, Refusal, "Only guardrails"),
        ({"environment": "moon"}, Refusal, "Only guardrails"),
        ({"guardrail": "host-path"}, Refusal, "Nothing in"),
        ({"environment": "staging"}, Refusal, "Nothing in"),
        ({"object": "Deployment/shop/menu"}, Refusal, "Nothing in"),
    ],
)
def test_asking_is_refused_without_reason_end_or_need(ask, over, refusal, said):
    with pytest.raises(refusal, match=said):
        ask(**over)
    assert not Exemption.objects.exists()


def test_nobody_asks_for_other_people_s_requests(world, ask):
    with pytest.raises(NotAllowed):
        ask(by=world.jonas)


def test_what_is_excepted_already_is_not_asked_for_again(ask, granted):
    with pytest.raises(Refusal, match="Nothing in"):
        ask()


def test_only_the_platform_team_decides_and_never_who_asked_or_wrote_it(world, draft, ask):
    exemption = ask()
    for person in (world.mira, world.sam, world.jonas):
        for decide in (actions.grant_exemption, actions.refuse_exemption):
            with pytest.raises(NotAllowed):
                decide(exemption=exemption, by=person, remark="No.")
    draft.contributors.add(world.tomas)
    with pytest.raises(NotAllowed):
        actions.grant_exemption(exemption=exemption, by=world.tomas)
    Exemption.objects.update(asked_by=world.priya)
    with pytest.raises(NotAllowed):
        actions.grant_exemption(exemption=exemption, by=world.priya)


def test_the_database_knows_nobody_who_granted_their_own(world, ask):
    exemption = ask()
    for by in (None, world.mira):
        with pytest.raises(IntegrityError), transaction.atomic():
            Exemption.objects.filter(pk=exemption.pk).update(state="granted", decided_by=by)


def test_less_than_asked_may_be_granted_and_not_more(world, ask):
    exemption = ask()
    for until in (days(31), days(-1)):
        with pytest.raises(Refusal):
            actions.grant_exemption(exemption=exemption, by=world.priya, until=until)
    assert actions.grant_exemption(exemption=exemption, by=world.priya, until=days(2)).until == days(2)
    with pytest.raises(WrongState, match="granted already"):
        actions.refuse_exemption(exemption=exemption, by=world.priya, remark="No.")


def test_a_refusal_needs_a_reason_and_the_asker_reads_it(world, ask):
    exemption = ask()
    with pytest.raises(ReasonMissing):
        actions.refuse_exemption(exemption=exemption, by=world.priya, remark=" ")
    actions.refuse_exemption(exemption=exemption, by=world.priya, remark="Run two, they are small.")
    (notice,) = Notice.objects.filter(person=world.mira)
    assert "Run two, they are small." in notice.text
    with pytest.raises(WrongState):
        actions.end_exemption(exemption=exemption, by=world.mira)


def test_who_it_concerns_ends_it(world, ask):
    exemption = ask()
    with pytest.raises(NotAllowed):
        actions.end_exemption(exemption=exemption, by=world.jonas)
    for person in (world.mira, world.sam, world.priya):
        assert rules.may_end(person, exemption)
    assert actions.end_exemption(exemption=exemption, by=world.sam).state == "ended"


# ---- pages -----------------------------------------------------------------------------------------------


@pytest.fixture
def as_mira(client, world):
    client.force_login(world.mira)
    return client


def page(answer):
    return answer.content.decode()


def test_the_form_leads_to_an_exception_and_says_that_one_waits(as_mira, draft, ask):
    address = f"/requests/{draft.ref}/edit/"
    assert f"/requests/{draft.ref}/exception/?{ASKED}" in page(as_mira.get(address))
    exemption = ask()
    shown = page(as_mira.get(address))
    assert ASKED not in shown
    assert exemption.get_absolute_url() in shown


def test_an_exception_is_asked_for_and_decided_on_its_pages(as_mira, world, draft):
    address = f"/requests/{draft.ref}/exception/?{ASKED.replace('&amp;', '&')}"
    assert "A single pod in production" in page(as_mira.get(address))
    for wrong in ({}, {"reason": "x", "until": "soon"}, {"reason": "x", "until": days(99).isoformat()}):
        assert as_mira.post(address, wrong).status_code == 422
    answer = as_mira.post(address, {"reason": "Token: ghp_" + "a1B2" * 9, "until": days(9).isoformat()})
    exemption = Exemption.objects.get()
    assert answer["Location"] == exemption.get_absolute_url()
    assert "ghp_" not in exemption.reason
    assert "do-grant" not in page(as_mira.get(exemption.get_absolute_url()))

    as_mira.force_login(world.priya)
    assert "do-grant" in page(as_mira.get(exemption.get_absolute_url()))
    assert "Decide" in page(as_mira.get("/"))
    steps = f"/exceptions/{exemption.pk}"
    as_mira.post(f"{steps}/grant/", {"until": "never"})
    as_mira.post(f"{steps}/refuse/", {"remark": ""})
    exemption.refresh_from_db()
    assert exemption.state == "asked"
    as_mira.post(f"{steps}/grant/", {"until": days(5).isoformat(), "remark": "Well."})
    exemption.refresh_from_db()
    assert (exemption.state, exemption.until, exemption.decided_by) == ("granted", days(5), world.priya)
    assert as_mira.post(f"{steps}/nothing/").status_code == 404

    as_mira.force_login(world.mira)
    assert "It ends after" in page(as_mira.get("/"))
    as_mira.post(f"{steps}/end/")
    exemption.refresh_from_db()
    assert exemption.state == "ended"


def test_asking_is_for_guardrails_and_for_those_who_may_write_the_request(client, world, draft):
    client.force_login(world.mira)
    assert client.get(f"/requests/{draft.ref}/exception/?guardrail=schema").status_code == 404
    client.force_login(world.jonas)
    assert client.get(f"/requests/{draft.ref}/exception/?guardrail={RULE}").status_code == 404


def made(world, number, **fields):
    said = {"guardrail": RULE, "title": "A single pod", "environment": "production", "reason": "Because."}
    said |= {"until": days(number), "asked_by": world.mira, "team": world.mira.teams.get()}
    return Exemption.objects.create(**{**said, "entity_ref": f"component:default/s{number}", **fields})


def test_the_list_is_narrowed_down_sorted_and_downloaded(as_mira, world):
    decided = {"state": "granted", "decided_by": world.priya}
    made(world, 1)
    made(world, 2, **decided)
    made(world, 30, **decided, environment="staging")
    made(world, -1, **decided)
    made(world, 5, state="refused", decided_by=world.priya, guardrail="host-path")

    def names(query):
        found = as_mira.get(f"/exceptions/?sort=until&{query}").context["page"]
        return [row.entity_name for row in found]

    assert names("") == ["s1", "s2", "s30"]
    assert names("show=asked") == ["s1"]
    assert names("show=force") == ["s2", "s30"]
    assert names("show=soon") == ["s2"]
    assert names("show=over") == ["s-1", "s5"]
    assert names("show=all&guardrail=host-path") == ["s5"]
    assert names("environment=staging") == ["s30"]
    assert names("team=discovery") == []
    assert names("q=S30") == ["s30"]
    assert names("show=nonsense&team=checkout") == ["s1", "s2", "s30"]
    told = page(as_mira.get("/exceptions/?show=all"))
    assert all(word in told for word in ("Over", "Refused", "In force", "Waits for a decision"))
    lines = as_mira.get("/exceptions/?show=all&format=csv").content.decode().splitlines()
    assert len(lines) == 6


def test_the_list_asks_as_much_for_one_as_for_three(as_mira, world):
    counts = []
    for number in (1, 2, 3):
        made(world, number)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            as_mira.get("/exceptions/")
        counts.append(len(asked))
    assert counts[0] == counts[2] <= 12


def test_those_in_force_are_given_out_for_ci(client, world, granted):
    client.force_login(world.mira)
    answer = client.get("/exceptions/file/")
    assert "exceptions.yaml" in answer["Content-Disposition"]
    (found,) = exceptions.read(answer.content)
    assert (found.entity, found.lease.granted_by) == (granted.entity_ref, str(world.priya))
    assert b'href="/exceptions/file/"' in client.get("/exceptions/").content
    Exemption.objects.update(until=days(-1))
    assert exceptions.read(client.get("/exceptions/file/").content) == []
