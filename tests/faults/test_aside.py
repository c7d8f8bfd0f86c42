"""What no request from a form comes by: a process is killed at each point of it, and it happens once."""

import re
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit.models import Event
from services.catalog.models import Entity
from services.clusters import steering
from services.clusters.actions import replace_credentials
from services.clusters.models import Environment
from services.effects import crashpoints, worker
from services.effects.actions import enqueue
from services.effects.models import Effect
from services.helpdesk import tasks
from services.helpdesk.actions.escalating import ESCALATE
from services.helpdesk.actions.sending import SEND, send_soon
from services.helpdesk.models import Mail, Message, Ticket, TicketEvent
from services.integrations.kube.kubeconfig import Credentials
from services.integrations.kube.objects import Ref
from services.integrations.models import PullRequest
from services.notices.models import Notice
from services.onboarding import actions as onboarding
from services.onboarding.models import Request, State
from services.previews import actions as previews
from services.previews.actions.asking import Lease
from services.previews.models import Preview
from tests.clusters.test_steering import CRON
from tests.effects_driver import run_due_effects
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import ticket
from tests.fakes.cluster import TOKEN
from tests.fakes.imap import Inbox
from tests.fakes.smtp import Mailbox
from tests.faults.nemesis import ASIDE
from tests.faults.test_announcing import killed_at, killed_while
from tests.helpdesk.test_mailing import letter
from tests.onboarding import test_drifting, test_images, test_upgrading, versions
from tests.onboarding.test_change import merge
from tests.previews import conftest as small_shop
from tests.previews import test_following

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
people, host, world, shop, cart = (
    small_shop.people, small_shop.host, small_shop.world, small_shop.shop, test_images.cart,
)  # fmt: skip
web = test_drifting.web
places = pytest.fixture(name="environments")(small_shop.onboarding.make_environments)


@pytest.fixture(autouse=True)
def orders(tmp_path, monkeypatch, settings, db):
    settings.TESTING = True
    (tmp_path / "orders").mkdir()
    monkeypatch.setenv(crashpoints.FOLDER, str(tmp_path / "orders"))
    return tmp_path / "orders"


def points(prefix: str) -> list[str]:
    assert prefix in ASIDE, "one that somebody is to be killed at elsewhere"
    found = sorted(each for each in crashpoints.NAMES if each.startswith(prefix))
    assert found, prefix
    return found


def overcome(orders, point: str, effect: Effect) -> None:
    """A worker dies at the point; another finishes what it began."""
    Effect.objects.filter(pk=effect.pk).update(due_at=timezone.now())
    killed_at(orders, point, effect.pk)
    Effect.objects.filter(pk=effect.pk, state="running").update(lease_until=timezone.now())
    worker.run_one(effect.pk)
    effect.refresh_from_db()
    assert effect.state == "done", (point, effect.state, effect.last_error)


def test_nothing_is_left_to_this_file_that_it_does_not_do():
    told = re.findall(r'points\("([^"]+)"\)', Path(__file__).read_text())
    assert sorted(told) == sorted(ASIDE)


@pytest.fixture
def post(settings):
    """An inbox with a mail for each step of answering one, and where the answers go."""
    settings.MAIL_FROM, settings.MAIL_HELP = "Slipway <slipway@larkfield.shop>", "Help <help@larkfield.shop>"
    mails = [letter(by=f"n{n}@elsewhere.example", Message_ID=f"<{n}@x>") for n in range(5)]
    inbox, mailbox = Inbox(*mails), Mailbox()
    settings.MAIL_INBOX, settings.MAIL_URL = inbox.url, mailbox.url
    yield inbox, mailbox
    inbox.close()
    mailbox.close()


def test_mails_are_taken_in_and_confirmed_once(post, orders):
    inbox, mailbox = post
    for n in range(5):
        User.objects.filter(pk=member(f"n{n}", "checkout").pk).update(email=f"n{n}@elsewhere.example")
    for point in [*reversed(points("ticket.mailed.")), *points("mail.taken")]:
        killed_while(orders, point, tasks.fetch_mail)
    tasks.fetch_mail()
    assert (Ticket.objects.count(), Mail.objects.count(), len(inbox.seen)) == (5, 5, 5)
    effects = list(Effect.objects.filter(kind=tasks.MAIL))
    for point, effect in zip(points("helpdesk.mail."), effects, strict=True):
        overcome(orders, point, effect)
    assert sorted(mail["To"] for mail in mailbox.shown()) == [f"n{n}@elsewhere.example" for n in range(5)]


def test_replies_are_said_and_escalations_taken_once(orders):
    asked, priya = ticket(), platform_engineer()
    for point in points("helpdesk.send."):
        soon = send_soon(ticket=asked, by=asked.asker, body=point, wait=False, seen=None, nonce=point)
        overcome(orders, point, Effect.objects.get(kind=SEND, payload__pending=soon.pk))
        assert Message.objects.filter(body=point).count() == 1
    for point in points("helpdesk.escalate."):
        late = ticket(by=asked.asker, title=point)
        step = {"ticket": late.pk, "do": "tell leads", "clock": "resolution", "minutes": 5}
        with transaction.atomic():
            effect = enqueue(kind=ESCALATE, key=point, payload=step, subject=late)
        overcome(orders, point, effect)
        assert TicketEvent.objects.filter(kind="escalated", data__key=point).count() == 1
        assert (
            Notice.objects.filter(person=priya, title__endswith=point, text__contains="overdue").count() == 1
        )


def test_a_cron_job_told_to_run_runs_once(cluster, orders):
    _, production = environments(cluster_row(cluster.url, TOKEN))
    told = {"environment": production.name, "api_version": "batch/v1", "kind": "CronJob", "name": "tidy"}
    made: set[str] = set()
    with cluster.client() as kube:
        kube.apply(CRON)
    for number, point in enumerate(points("clusters.steer.")):
        mark = f"2026-11-18T12:0{number}:00Z"
        with transaction.atomic():
            effect = enqueue(kind=steering.STEER, key=point, payload=told | {"deed": "run", "mark": mark})
        overcome(orders, point, effect)
        with cluster.client() as kube:  # which forgets all but the last three
            made |= {each["metadata"]["name"] for each in kube.list("batch/v1", "Job", "shop").items}
    assert made == {f"tidy-by-hand-261118120{number}" for number in range(5)}


def test_an_image_that_waited_is_brought_once(cart, orders):
    for number, point in enumerate(points("onboarding.bring.")):
        first, then = (f"{test_images.CART}:1.{number}.{patch}" for patch in (1, 2))
        for image in (first, then):
            onboarding.bring_image(
                entity_ref=cart.entity.ref, environment="production", by=cart.mira, image=image
            )
        worker.run_one(Effect.objects.get(kind="onboarding.propose", state="due").pk)
        overcome(orders, point, Effect.objects.get(kind="onboarding.bring", payload__image=then))
        run_due_effects()
        row = Request.objects.get()
        assert (row.answers["image"], row.draft_answers, row.state) == (then, None, State.IN_REVIEW)
        assert Event.objects.filter(action="request.submitted", summary=then).count() == 1, point
    assert PullRequest.objects.count() == 1


def test_a_preview_sleeps_wakes_and_ends_once(shop, cluster, orders):
    def ask(name: str, *, and_run: bool = False) -> Preview:
        row = previews.ask(by=shop.mira, wish=small_shop.wish(name, of="rates"), lease=Lease(24))
        if and_run:
            run_due_effects()
        Request.objects.filter(pk=row.request_id).update(state=State.LIVE, merge_sha="a" * 40)
        return Preview.objects.get(pk=row.pk)

    replace_credentials(
        by=None, cluster=Environment.objects.get(name="staging").cluster,
        credentials=Credentials(cluster.url, "", TOKEN),
    )  # fmt: skip
    row = ask("trial", and_run=True)
    with cluster.client() as kube:
        for number, point in enumerate(points("previews.turn.")):
            previews.turn(preview=row, by=shop.mira, asleep=number % 2 == 0)
            overcome(orders, point, Effect.objects.get(kind="previews.turn", state="due"))
            row.refresh_from_db()
            live = kube.get(Ref("apps/v1", "Deployment", "rates", row.environment.namespace))
            assert (row.is_asleep, live["spec"]["replicas"]) == ((True, 0) if number % 2 == 0 else (False, 1))
    for number, point in enumerate(points("previews.end.")):
        row = ask(f"n{number}")
        with transaction.atomic():
            said = {"preview": row.pk, "reason": point}
            effect = enqueue(kind="previews.end", key=str(row.pk), payload=said, subject=row)
        overcome(orders, point, effect)
        assert Request.objects.filter(kind=Request.Kind.END, title=f"End preview n{number}").count() == 1
        assert Event.objects.filter(action="preview.ending", summary=point).count() == 1


def test_services_are_upgraded_once_each(world, settings, tmp_path, orders):
    settings.BLUEPRINT_FOLDERS = [tmp_path / "blueprints"]
    versions.write(tmp_path / "blueprints", "1.0")
    names = [f"tiny{number}" for number in range(5)]
    for name in names:
        answers = test_upgrading.ANSWERS | {"name": name}
        merge(world, onboarding.submit(by=world.mira, blueprint="small", answers=answers))
    versions.write(tmp_path / "blueprints", "2.0", zone=False)
    refs = [f"component:default/{name}" for name in names]
    items = onboarding.upgrade_several(refs=refs, by=world.priya).items.all()
    for point, item in zip(points("onboarding.upgrade."), items, strict=True):
        overcome(orders, point, Effect.objects.get(kind="onboarding.upgrade", payload__item=item.pk))
    assert sorted(Request.objects.exclude(upgrade={}).values_list("entity_ref", flat=True)) == refs
    assert {item.state for item in items.all()} == {"proposed"}


def test_what_was_changed_by_hand_is_put_back_at_any_step(web, cluster, orders):
    for number, point in enumerate(points("onboarding.put_back.")):
        test_drifting.by_hand(cluster, {"spec": {"replicas": 5 + number}})
        effect = onboarding.put_back(drift=test_drifting.look(web), by=web.mira)
        overcome(orders, point, effect)
        with cluster.client() as kube:
            assert kube.get(test_drifting.WEB)["spec"]["replicas"] == 2, point
    assert Event.objects.filter(action="workload.put_back").count() == 5


def test_a_preview_shows_each_image_once(shop, orders):
    row = previews.ask(by=shop.mira, wish=small_shop.wish("trial", of="rates"), lease=Lease(24))
    test_following.live(row.request)
    for number, point in enumerate(points("previews.show.")):
        previews.show(preview=row, by=shop.mira, images={"rates": f":2.{number}"})
        overcome(orders, point, Effect.objects.get(kind="previews.show", state="due"))
        row.refresh_from_db()
        test_following.live(row.update_request)
    assert Request.objects.filter(title="Preview trial anew").count() == 5


def test_a_label_brings_up_one_preview(shop, orders):
    slug = {"annotations": {"github.com/project-slug": "shop/rates"}}
    Entity.objects.filter(ref=small_shop.ref("rates")).update(metadata=slug)
    told = {
        "repository": "shop/rates",
        "provider": "github",
        "is_open": True,
        "labels": ["preview"],
        "sha": "",
    }
    for number, point in enumerate(points("previews.pull.")):
        said = told | {
            "number": number,
            "place": f"github/shop/rates#{number}",
            "at": "2026-11-20T10:00:00+00:00",
        }
        with transaction.atomic():
            effect = enqueue(kind="previews.pull", key=point, payload=said)
        overcome(orders, point, effect)
        assert Preview.objects.filter(pull=f"shop/rates#{number}").count() == 1, point
