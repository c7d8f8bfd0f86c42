"""Who is asked for an approval, how many and by which rules; who stands in, and what if nobody comes."""

from datetime import timedelta

import pytest
import time_machine
from django.core.checks import run_checks
from django.test import override_settings
from django.utils import timezone

from services.accounts import actions as accounts
from services.accounts.models import Delegation
from services.audit.queries import events_for
from services.notices.models import Notice
from services.onboarding import actions, asking, blueprints, queries, rules
from services.onboarding.errors import NotAllowed
from services.onboarding.models import Approval, State
from tests.effects_driver import run_due_effects
from tests.factories.people import member
from tests.factories.requests import make_request

NEED = {"key": "cost", "team": "checkout", "reason": "Costs much"}
COMPANY = """\
apiVersion: slipway.dev/v1
kind: Approvals
approvals:
- {key: two, when: change.owner == "orders", who: [lead, security], team: orders, count: 2, reason: A}
- {key: public, when: "true", who: platform, reason: The blueprint's own rule goes first}
- {key: deployments, when: '"Deployment" in change.kinds', who: owner, reason: Runs something}
"""


def asked(people, **need):
    return make_request(people.mira, state=State.AWAITING_APPROVAL, needs=[{**NEED, **need}])


def told_to(person) -> list[str]:
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("text", flat=True))


def may(people, row) -> set[str]:
    return {name for name, user in vars(people).items() if rules.needs_for(user, row)}


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("lead", {"sam"}),
        ("owner", {"noah", "sam"}),
        (["lead", "platform"], {"sam", "priya", "tomas"}),
        ("platform", {"priya", "tomas"}),
        ("security", {"priya", "tomas"}),  # there is no such team yet: the platform team stands in
    ],
)
def test_any_of_the_roles_will_do(people, who, expected):
    row = asked(people, who=who)
    assert may(people, row) == expected
    assert {user.username for user in rules.approvers(row, row.needs[0])} == expected


def test_security_is_a_team_like_another(people, settings):
    settings.SECURITY_TEAM = "guards"
    member("gwen", "guards")
    row = asked(people, who="security")
    assert [str(user) for user in rules.approvers(row, row.needs[0])] == ["Gwen"]
    assert asking.who(row.needs[0], {}) == "anyone in the security team"


def test_two_people_means_two_and_each_counts_once(people):
    member("ines", "checkout", role="lead")
    row = asked(people, who="lead", count=2)
    assert may(people, row) == {"sam"}
    actions.approve(request=row, by=people.sam, tree_hash=row.tree_hash)
    row.refresh_from_db()
    assert (row.state, may(people, row)) == (State.AWAITING_APPROVAL, set())
    with pytest.raises(NotAllowed):
        actions.approve(request=row, by=people.sam, tree_hash=row.tree_hash)
    ines = rules.approvers(row, row.needs[0]).get(username="ines")
    assert actions.approve(request=row, by=ines, tree_hash=row.tree_hash).state == State.PROPOSING


def test_too_few_of_them_and_the_platform_team_fills_up(people):
    assert may(people, asked(people, who="lead", count=2)) == {"sam", "priya", "tomas"}


def test_a_colleague_decides_while_one_is_away_and_it_is_said(people, client):
    away = {"until": timezone.now() + timedelta(days=7), "reason": "holiday"}
    accounts.delegate(by=people.sam, to=people.jonas, **away)
    row = asked(people, who="lead")
    assert may(people, row) == {"sam", "jonas"}
    assert row in queries.waits_for(people.jonas)
    actions.approve(request=row, by=people.jonas, tree_hash=row.tree_hash)
    given = Approval.objects.get()
    assert (given.by, given.stands_in_for) == (people.jonas, "Sam")
    client.force_login(people.mira)
    assert ", for Sam" in client.get(row.get_absolute_url()).content.decode()


def test_who_stands_in_never_approves_what_they_wrote_and_lends_it_to_nobody(people):
    until = timezone.now() + timedelta(days=7)
    accounts.delegate(by=people.sam, to=people.mira, until=until)
    accounts.delegate(by=people.mira, to=people.jonas, until=until)
    assert may(people, asked(people, who="lead")) == {"sam"}
    needs = [{**NEED, "who": "lead"}]
    own = make_request(people.sam, state=State.AWAITING_APPROVAL, needs=needs, name="other")
    assert may(people, own) == {"priya", "tomas"}


@pytest.mark.parametrize("ends", ["ended", "over", "left"])
def test_it_ends_when_they_are_back_the_time_is_over_or_they_left(people, ends):
    made = accounts.delegate(by=people.sam, to=people.jonas, until=timezone.now() + timedelta(days=7))
    row = asked(people, who="lead", count=2)
    if ends == "ended":
        accounts.end_delegation(delegation=made, by=people.sam)
    elif ends == "over":
        Delegation.objects.update(until=timezone.now(), since=timezone.now() - timedelta(days=1))
    else:
        people.sam.is_active = False
        people.sam.save()
    assert "jonas" not in may(people, row)


def test_what_waits_is_reminded_of_then_escalated_and_a_new_version_starts_afresh(people):
    row = asked(people, who="lead")
    started = timezone.now()
    for hours, nudged in ((23, 0), (25, 1), (26, 0), (50, 1), (73, 1), (74, 0)):
        with time_machine.travel(started + timedelta(hours=hours), tick=False):
            assert actions.remind() == nudged
            run_due_effects()
        row.refresh_from_db()
        assert (row.escalated_at is not None) == (hours > 72)
    assert row.hops.get().waits_for == "a lead of Checkout or the platform team"
    assert may(people, row) == {"sam", "priya", "tomas"}
    told = [event.action.removeprefix("request.") for event in events_for(row)]
    assert (told.count("reminded"), told.count("escalated")) == (2, 1)
    again, late = (
        "Mira still waits for your approval. Costs much.",
        "Nobody has answered Mira yet; you may decide.",
    )
    assert told_to(people.sam) == [again, again, f"{late} Costs much."]
    assert told_to(people.priya) == [f"{late} Costs much."]


def test_nothing_else_is_reminded_of(people):
    for state in (State.DRAFT, State.PROPOSING, State.NEEDS_ATTENTION):
        make_request(people.mira, state=state, name=f"in-{state.replace('_', '-')}")
    asked(people, who="lead")
    with time_machine.travel(timezone.now() + timedelta(days=9)):
        assert actions.remind() == 1


def test_rules_of_the_company_hold_over_every_blueprint(tmp_path):
    (tmp_path / "rules.yaml").write_text(COMPANY)
    company = blueprints.company_approvals(tmp_path / "rules.yaml")
    web = blueprints.shipped()["web-service"]
    case = blueprints.load(web.folder)
    found = _evaluated(case, company)
    assert [(need.key, need.who, need.count) for need in found.approvals] == [
        ("public", ("member",), 1),
        ("cost", ("lead",), 1),
        ("two", ("lead", "security"), 2),
        ("deployments", ("owner",), 1),
    ]


def _evaluated(blueprint, company, **more):
    from dataclasses import replace

    from tests.onboarding.test_blueprints import MINIMAL, PRICES, EnvironmentInfo, context, evaluate

    settings = {"registry": "r.example.com", "public_domain": "example.com", "prices": PRICES}
    places = [EnvironmentInfo("production", "Production", "example", True, settings)]
    answers = {**MINIMAL, "exposure": "public", "size": "large"}
    return evaluate(blueprint, answers, replace(context(environments=places), approvals=company))


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ("kind: Approvals", "kind: Rules", "must be apiVersion slipway.dev/v1, kind Approvals"),
        ("who: platform", "who: everybody", "who must be lead, member, owner, platform or security"),
        ("team: orders, ", "", "team is missing"),
        ("count: 2", "counts: 2", "counts is not known; did you mean count?"),
    ],
)
def test_mistakes_in_them_are_named_with_their_line_before_the_portal_starts(tmp_path, was, becomes, problem):
    path = tmp_path / "rules.yaml"
    path.write_text(COMPANY.replace(was, becomes))
    with override_settings(APPROVALS=path):
        errors = [error for error in run_checks() if error.id == "onboarding.E001"]
    assert problem in errors[0].msg
    assert errors[0].msg.startswith("rules.yaml:")


@pytest.mark.parametrize("count", ["0", "10", "true", '"two"'])
def test_a_count_that_is_none_is_the_rules_mistake(tmp_path, count):
    path = tmp_path / "rules.yaml"
    path.write_text(COMPANY.replace("count: 2", f"count: '{count}'"))
    found = _evaluated(blueprints.shipped()["web-service"], blueprints.company_approvals(path))
    assert [
        (error.rule, "count of two must be a number from 1 to 9" in error.message) for error in found.errors
    ] == [("blueprint", True)]


def test_the_shipped_rules_can_be_used(settings):
    assert [rule.key for rule in blueprints.company_approvals(settings.APPROVALS)] == ["costly"]
