"""Previews from the first click to their end: in git, in a cluster whose pods start, asleep, awake, gone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from services.audit.queries import events_for
from services.clusters import actions as clusters
from services.clusters.models import Environment
from services.effects.models import Effect
from services.integrations.errors import Refused
from services.integrations.kube.objects import Ref
from services.notices.models import Notice
from services.onboarding import actions as onboarding
from services.onboarding import rules as request_rules
from services.onboarding.errors import HostSilent, NameTaken, NotAllowed, WrongState
from services.onboarding.models import Request, State
from services.previews import actions, nights, queries, rules, tasks
from services.previews.actions.asking import Lease
from services.previews.errors import Forbidden, Impossible, TooMany
from services.previews.models import Preview
from tests.effects_driver import run_due_effects
from tests.onboarding.conftest import REPO, answers

from .conftest import harbour as harbour
from .conftest import manifests, ref, wish

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))  # a Wednesday


@pytest.fixture
def ask(shop) -> Callable[..., Preview]:
    def send(by: Any = None, hours: int = 24, of_request: Request | None = None, **more: Any) -> Preview:
        lease = Lease(hours, of_request=of_request)
        return actions.ask(by=by or shop.mira, wish=wish(**more), lease=lease)

    return send


def fresh(row: Preview) -> Preview:
    found = queries.find(row.pk)
    assert found is not None
    return found


def up(row: Preview) -> Preview:
    """As if the cluster had said so."""
    run_due_effects()
    Request.objects.filter(pk=row.request_id).update(state=State.LIVE, merge_sha="a" * 40)
    return fresh(row)


def test_from_the_click_to_live_asleep_awake_and_gone(shop, ask, harbour, cluster) -> None:
    row = ask(left_out=frozenset({ref("catalogue")}))
    assert (row.request.state, row.environment.namespace) == (State.PROPOSING, "preview-trial")
    assert queries.standing(row).word == "Coming up"
    harbour(row.request, State.LIVE)
    row = fresh(row)
    assert [each.action for each in events_for(row.request) if "approv" in each.action] == []
    assert queries.standing(row).word == "Up"
    assert [(each.name, each.health, each.ready) for each in queries.running(row)] == [
        (name, "Healthy", 1) for name in ("cart", "cart-db", "rates", "tax", "web")
    ]
    assert shop.host.read(REPO, "previews/checkout/preview-trial/web/deployment-web.yaml", "main")
    with cluster.client() as kube:
        link = kube.get(Ref("v1", "Service", "catalogue", "preview-trial"))
        assert link["spec"]["externalName"] == "catalogue.shop-staging.svc.cluster.local"

        def replicas() -> set[int]:
            found = kube.list("apps/v1", "Deployment", "preview-trial").items
            return {each["spec"].get("replicas", 1) for each in found}

        actions.turn(preview=row, by=shop.noah, asleep=True)
        run_due_effects()
        assert (replicas(), fresh(row).is_asleep, queries.standing(fresh(row)).word) == ({0}, True, "Asleep")
        actions.turn(preview=row, by=shop.noah, asleep=False)
        run_due_effects()
        assert (replicas(), fresh(row).is_asleep) == ({1}, False)
        assert clusters.rest(row.environment, asleep=False) == 0

        row = actions.end(preview=row, by=shop.mira)
        harbour(row.ending, State.LIVE)
        assert kube.find(Ref("v1", "Namespace", "preview-trial")) is None
        assert kube.find(Ref("v1", "Namespace", "shop-staging")) is not None
    row = fresh(row)
    assert (row.is_over, row.environment, queries.standing(row).word) == (True, None, "Ended")
    assert shop.host.read_tree(REPO, "main", "previews") == {}
    assert not Environment.objects.filter(is_preview=True).exists()
    again = actions.bring_back(preview=row, by=shop.noah)
    assert (again.name, again.left_out, again.pk) == ("trial", [ref("catalogue")], row.pk + 1)


REFUSED: list[tuple[type[Exception], dict[str, Any]]] = [
    (Impossible, {"name": "Not_A_Name"}), (Impossible, {"name": "x" * 41}),
    (Impossible, {"images": {"web": "-v /:/host"}}), (NameTaken, {"name": "taken"}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "more"), REFUSED)
def test_what_cannot_be_is_refused_and_nothing_is_done(shop, ask, error, more) -> None:
    ask(name="taken", of="rates")
    before = (Preview.objects.count(), Environment.objects.count(), Effect.objects.count())
    with pytest.raises(error):
        ask(**more)
    assert (Preview.objects.count(), Environment.objects.count(), Effect.objects.count()) == before


def test_others_neither_ask_nor_touch_it(shop, ask) -> None:
    with pytest.raises(NotAllowed):
        ask(by=shop.jonas)
    row = up(ask(of="rates"))
    for step in (actions.renew, actions.end, actions.bring_back):
        with pytest.raises(NotAllowed):
            step(preview=row, by=shop.jonas)
    with pytest.raises(NotAllowed):
        actions.turn(preview=row, by=shop.jonas, asleep=True)
    assert [rules.can_manage(each, row) for each in (shop.mira, shop.noah, shop.priya)] == [True] * 3


def test_a_team_has_only_so_many(shop, ask) -> None:
    for number in range(10):
        ask(name=f"n{number}", of="rates")
    with pytest.raises(TooMany):
        ask(name="one-more", of="rates")


def test_guardrails_and_a_silent_host_stop_it(shop, ask, tmp_path, settings) -> None:
    path = "apps/checkout/rates/staging/deployment.yaml"
    bad = manifests("rates")[path].replace(b"allowPrivilegeEscalation: false", b"privileged: true")
    from services.integrations.githosts.base import Person

    shop.host.commit(REPO, files={path: bad}, author=Person("sam", "Sam"), message="Bad")
    with pytest.raises(Forbidden, match="Deployment/preview-trial/rates"):
        ask(of="rates")
    settings.GIT_ROOT = tmp_path
    with pytest.raises(HostSilent):
        ask(of="tax")


def test_it_merges_itself_but_not_what_somebody_pushed_or_must_approve(shop, ask) -> None:
    row = ask(of="rates").request
    assert request_rules.merges_itself(row)
    row.tree_hash = "commit:abc"
    assert not request_rules.merges_itself(row)
    row.tree_hash, row.needs = (
        "sha256:1",
        [{"key": "preview", "who": ["lead"], "team": "checkout", "count": 1}],
    )
    assert not request_rules.merges_itself(row)
    assert not request_rules.merges_itself(Request(kind=Request.Kind.COPY, tree_hash="sha256:1"))


def test_nobody_but_previews_loses_a_namespace_or_sleeps(environments) -> None:
    for deed in (
        lambda: clusters.remove_namespace(environments[0], "preview:default/x"),
        lambda: clusters.rest(environments[0], asleep=True),
    ):
        with pytest.raises(Refused):
            deed()
    with pytest.raises(ValueError, match="no preview"):
        clusters.remove_preview(by=None, environment=environments[0])


def test_its_time_is_told_kept_and_up(shop, ask) -> None:
    with time_machine.travel(NOON, tick=False):
        row = up(ask(of="rates", hours=72))
        assert actions.tend() == 0
    with time_machine.travel(NOON + timedelta(hours=49), tick=False):
        assert (actions.tend(), actions.tend()) == (1, 0)
        assert (
            Notice.objects.get(person=shop.mira, key__startswith="preview/").title
            == "Preview trial ends soon"
        )
        until = actions.renew(preview=row, by=shop.noah).until
        assert until == NOON + timedelta(hours=72 + 72)
        for _ in range(5):
            until = actions.renew(preview=row, by=shop.noah).until
        assert until == timezone.now() + timedelta(days=14)
    with time_machine.travel(until + timedelta(minutes=1), tick=False):
        assert actions.tend() == 1
        row = fresh(row)
        assert (row.is_going, row.reason, queries.standing(row).word) == (True, "Its time was up", "Going")
        assert actions.tend() == 0
        with pytest.raises(WrongState):
            actions.renew(preview=row, by=shop.mira)
        assert actions.end(preview=row, by=shop.mira).ending == row.ending


def test_it_sleeps_by_the_clock_unless_somebody_wants_it_awake(shop, ask) -> None:
    with time_machine.travel(NOON, tick=False):
        row = up(ask(of="rates", hours=168))
        assert not nights.wants_sleep(row)
    with time_machine.travel(NOON + timedelta(hours=9), tick=False):  # 21:00
        assert actions.tend() == 1
        assert fresh(row).wanted_asleep
        assert nights.wants_sleep(fresh(row))
        awake = actions.turn(preview=row, by=shop.mira, asleep=False)
        assert awake.held_until == NOON + timedelta(hours=19)  # 7:00
        assert actions.tend() == 0
    with time_machine.travel(NOON + timedelta(hours=33), tick=False):  # the next evening
        assert actions.tend() == 1
    assert [each.kind for each in Effect.objects.filter(kind="previews.turn")] == ["previews.turn"] * 3
    saturday = NOON + timedelta(days=3)
    assert nights.is_night(saturday, ZoneInfo("Europe/Berlin"))
    environment = Environment(settings={"time_zone": "Mars/Olympus"})
    assert nights.zone_of(environment).key == "UTC"


def test_a_turn_that_was_overtaken_does_nothing(shop, ask) -> None:
    row = up(ask(of="rates"))
    Preview.objects.filter(pk=row.pk).update(turns=5)
    from services.effects.handlers import Claim

    said = {"preview": row.pk, "turn": 4, "asleep": True}
    assert tasks.turn(Claim(1, "previews.turn", "x", said, 1, 1)).result == {}
    actions.turned(Effect(payload=said), {"workloads": 1})
    assert not fresh(row).is_asleep


def test_taken_back_before_it_is_there_it_leaves_nothing(shop, ask) -> None:
    row = actions.end(preview=ask(of="rates"), by=shop.mira)
    row = fresh(row)
    assert (row.request.state, row.is_over, row.ending) == (State.WITHDRAWN, True, None)
    assert not Environment.objects.filter(is_preview=True).exists()
    assert tasks.tend() == 0


def test_just_coming_up_it_waits_and_given_up_on_it_is_cleaned_up(shop, ask) -> None:
    row = ask(of="rates")
    Request.objects.filter(pk=row.request_id).update(state=State.ROLLING_OUT, merge_sha="a" * 40)
    with pytest.raises(WrongState):
        actions.end(preview=row, by=shop.mira)
    Preview.objects.filter(pk=row.pk).update(until=timezone.now())
    assert actions.tend() == 0
    Request.objects.filter(pk=row.request_id).update(state=State.NEEDS_ATTENTION)
    assert queries.standing(fresh(row)).word == "Needs attention"
    assert actions.tend() == 1
    assert (fresh(row).request.state, fresh(row).is_going) == (State.CLOSED, True)


def test_it_ends_with_the_request_it_shows(shop, ask) -> None:
    shown = onboarding.submit(by=shop.mira, blueprint="web-service", answers=answers("wishlist"))
    run_due_effects()
    row = up(ask(of="rates", of_request=shown))
    coming = ask(name="other", of="rates", of_request=shown)
    Request.objects.filter(pk=coming.request_id).update(state=State.ROLLING_OUT, merge_sha="b" * 40)
    shown.refresh_from_db()
    onboarding.withdraw(request=shown, by=shop.mira, reason="No")
    run_due_effects()
    assert (fresh(row).is_going, fresh(row).reason) == (True, f"{shown.ref} is withdrawn")
    assert not fresh(coming).is_going  # looked at again when it is up
