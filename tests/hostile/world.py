"""A small company with one of everything that has a page, and what is needed to knock at every door."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.utils import timezone

from services.accounts import actions as people_actions
from services.accounts.models import Membership, User
from services.audit.models import Event
from services.catalog import actions as catalog
from services.catalog.compatible import identity
from services.catalog.finding import saved
from services.catalog.models import Claim, DocFile, DocTree, Entity, Source
from services.catalog.ownership import confirming, handing
from services.catalog.sources import pushing
from services.clusters.models import Cluster, Drift, Environment, Watch
from services.effects.models import Effect
from services.helpdesk import actions as desk
from services.helpdesk.actions import mailing
from services.helpdesk.models import Answer, Attachment, Canned, Mail, Ticket
from services.integrations import actions as git_hosts
from services.integrations.githosts import hooks
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost
from services.integrations.models import GitServer
from services.notices import actions as notices
from services.notices.models import Notice
from services.onboarding import actions as onboarding
from services.onboarding.models import Exemption, Request, State, UpgradeRound
from services.previews.models import Booking, Preview, Transfer
from tests.effects_driver import run_due_effects
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import member, platform_engineer
from tests.factories.requests import make_request
from tests.factories.tickets import ticket
from tests.factories.watched import watched

REPO = "shop/deploy"
TOKEN = "canary-4f1d9b-of-the-cluster"
GIT_TOKEN = "canary-81aa02-of-the-git-host"
HOOK_SECRET = "canary-5c77e1-of-its-webhooks"
SETTINGS = {
    "registry": "registry.larkfield.shop",
    "domain": "int.larkfield.shop",
    "prices": {"cpu": 20, "memory": 4, "currency": "EUR"},
}
DESCRIPTORS = b"""\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout, description: Takes the money}
spec: {type: service, lifecycle: production, owner: checkout, system: order-flow}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: checkout, title: Checkout}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: discovery, title: Discovery}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: order-flow}
spec: {owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: Not A Name}
spec: {type: service, lifecycle: production, owner: checkout}
"""
RUNNING = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout, namespace: shop-staging}
spec:
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec: {containers: [{name: web, image: "registry.larkfield.shop/checkout:2.13.1"}]}
"""
ANSWERS = {
    "name": "wishlist",
    "owner": "checkout",
    "description": "Lets people keep products for later.",
    "image": "registry.larkfield.shop/wishlist:1.0.0",
    "environments": ["staging"],
}
PLACES = (State.DRAFT, State.AWAITING_APPROVAL, State.NEEDS_ATTENTION, State.LIVE, State.REJECTED)


def people() -> SimpleNamespace:
    """Checkout: mira, led by sam. Discovery: jonas. The platform: priya."""
    return SimpleNamespace(
        mira=member("mira", "checkout"),
        jonas=member("jonas", "discovery"),
        priya=platform_engineer(),
        sam=member("sam", "checkout", role=Membership.Role.LEAD),
    )


def build(known: SimpleNamespace) -> SimpleNamespace:
    """The people's company: a service that runs, requests in many states, tickets, imports, an effect."""
    mira, jonas, priya = known.mira, known.jonas, known.priya
    host = repository()
    runs = _imports(mira, priya)
    cluster, requests = places(), _requests(mira)
    asked = ticket(by=mira, private=True, title="Mine alone")
    shown = ticket(by=jonas, title="Checkout is slow", snapshot={"findings": []})
    effect = Effect.objects.create(kind="test.nothing", key="1", state="needs_attention", last_error="No")
    token, _ = people_actions.create_token(by=priya, name="report", scopes=["catalog:read"], days=30)
    return SimpleNamespace(
        **vars(known), **runs, host=host, cluster=cluster, requests=requests, private=asked, ticket=shown,
        preview=_preview(mira, requests[State.LIVE]), **_shared(mira, requests[State.LIVE]),
        effect=effect, api_token=token,
        upgrade_round=UpgradeRound.objects.create(created_by=priya),
        saying=Effect.objects.create(kind="slack.mend", key="1", state="needs_attention", last_error="No"),
        exemption=_exemption(mira), server=_server(priya),
        mail=_mail(), notice=_told(mira), away=people_actions.delegate(by=jonas, to=mira, until=_soon()),
        **_desk(priya, shown),
    )  # fmt: skip


def _desk(priya: User, shown: Ticket) -> dict[str, Any]:
    """What the desk keeps besides tickets."""
    today = timezone.localdate()
    about = {"person": priya, "first": today, "last": today}
    outcome = desk.over(tickets=[shown], step=lambda row: None, what="Nothing", by=priya)
    return {
        "canned": Canned.objects.create(title="Hello", body="Hi {first_name}"),
        "stand_in": desk.stand_in(by=priya, **about),
        "deed": outcome.deed,
        "answer": Answer.objects.create(title="A pod is killed", body="Give it more.", owner=priya),
        "file": Attachment.objects.create(
            message=shown.messages.earliest(), name="a.txt", kind="text/plain", size=1, content=b"a"
        ),
        "pending": desk.send_soon(ticket=shown, by=priya, body="Hi", wait=False, seen=None, nonce="world"),
    }


def _preview(mira: User, brought: Request) -> Preview:
    """One that is up, of the service that runs."""
    ref, team = "component:default/checkout", mira.teams.get(slug="checkout")
    place = Environment.objects.create(
        name="preview-trial", cluster=Cluster.objects.get(), namespace="preview-trial", is_preview=True
    )
    routed = [{"name": "tax", "address": "tax.shop.svc.cluster.local", "needed_by": [ref]}]
    return Preview.objects.create(
        name="trial", root_ref=ref, refs=[ref], routed=routed, base="staging", environment=place, team=team,
        created_by=mira, request=brought, url="https://checkout-trial.preview.int.larkfield.shop",
        until=_soon(), hosts={"checkout.larkfield.shop": "checkout-trial.preview.int.larkfield.shop"},
    )  # fmt: skip


def _shared(mira: User, brought: Request) -> dict[str, Any]:
    """A move to production that goes on, and a booking of staging."""
    ref, place = "component:default/checkout", Environment.objects.get(name="staging")
    about = {"begins_at": timezone.now(), "ends_at": _soon(), "purpose": "Load test", "booked_by": mira}
    moved = {
        "base": "staging",
        "target": "production",
        "is_move": True,
        "request": brought,
        "created_by": mira,
    }
    return {
        "booking": Booking.objects.create(environment=place, **about),
        "transfer": Transfer.objects.create(root_ref=ref, refs=[ref], team=mira.teams.get(), **moved),
    }


def _soon() -> datetime:
    return timezone.now() + timedelta(days=9)


def _mail() -> Mail:
    """One with a file, of somebody the company does not know."""
    raw = (
        b"From: zoe@elsewhere.example\nSubject: A mail\nMessage-ID: <1@x>\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee there.\n--b\n"
        b"Content-Type: text/plain; name=log.txt\n\nlog\n--b--\n"
    )
    return mailing.take(raw=raw, transport="file")


def _told(mira: User) -> Notice:
    words = notices.Words("Wishlist is live", "In staging.", "/requests/", "rocket")
    return notices.tell(people=[mira], key="world/live", words=words, about=mira)[0]


def _server(priya: User) -> GitServer:
    """A git host of others that does not answer, with a token and a secret of its webhooks."""
    about = {"name": "ours", "kind": "github", "address": "http://127.0.0.1:9", "repository": "shop/live"}
    row = git_hosts.register_server(by=priya, secret=GIT_TOKEN, sign_in="token", **about)
    row.hook_sealed = hooks.sealer.seal(HOOK_SECRET)
    row.save(update_fields=["hook_sealed"])
    return row


def _exemption(mira: User) -> Exemption:
    about = {"guardrail": "one-replica-prod", "title": "A single pod", "environment": "production"}
    until = timezone.localdate() + timedelta(days=9)
    asked = {"reason": "Only one is licensed.", "until": until, "asked_by": mira}
    return Exemption.objects.create(**about, **asked, entity_ref="component:default/wishlist")


def repository() -> LocalHost:
    host = LocalHost()
    host.create(REPO)
    files = {"README.md": b"Deploy\n", "catalog/checkout.yaml": DESCRIPTORS}
    files["apps/checkout/checkout/staging/deployment.yaml"] = RUNNING
    before = RUNNING.replace(b"shop-staging", b"shop").replace(b"2.13.1", b"2.13.0")
    files["apps/checkout/checkout/production/deployment.yaml"] = before
    host.commit(REPO, files=files, author=Person("sam", "Sam"), message="Start")
    return host


def _imports(mira: User, priya: User) -> dict[str, Any]:
    applied = catalog.import_documents(files={"all.yaml": DESCRIPTORS}, title="Larkfield", by=priya)
    source = catalog.find_or_create_source(kind="git", title="Deploy", location=REPO, by=mira)
    thing = DESCRIPTORS.split(b"---")[0].replace(b"name: ", b"name: put-")
    pushing.put(name="put-by-ci", change=pushing.one("cart.yaml", thing), by=priya)
    about = {"kind": "org", "provider": "github", "location": "larkfield", "title": "larkfield"}
    organisation = Source.objects.create(**about, paused_at=source.created_at)
    discovery = Source.objects.create(kind="cluster", location="harbour", title="harbour")
    planned = catalog.plan_import(source=source, files={"more.yaml": DESCRIPTORS}, by=mira)
    view = saved.save_view(name="Ours", query="kind=api", by=mira, team=mira.teams.get(slug="checkout"))
    found = {"applied": applied, "planned": planned, "source": source, "view": view}
    item = applied.payload[0]
    found["claim"] = Claim.objects.create(source=source, ref=item["ref"], item=item)
    pushing.put(name="put-by-ci", change=pushing.one("gone.yaml", thing.replace(b"put-", b"gone-")), by=priya)
    found["removed"] = catalog.retire(ref="component:default/gone-checkout", paths=["gone.yaml"], by=priya)
    return {**found, "organisation": organisation, "discovery": discovery, **_owned(mira)}


def _owned(mira: User) -> dict[str, Any]:
    """What Checkout says of its own: one thing is theirs, another one is not."""
    service, system = Entity.objects.get(name="checkout", kind="Component"), Entity.objects.get(kind="System")
    confirmed = confirming.confirm(pks=[service.pk], by=mira)
    asked = handing.ask(entity=system, to_ref="group:default/discovery", reason="They run it", by=mira)
    return {"batch": confirmed.batch, "handover": asked}


def places() -> Cluster:
    cluster = cluster_row(token=TOKEN)
    Environment.objects.filter(pk__in=[place.pk for place in environments(cluster)]).update(settings=SETTINGS)
    watched("checkout", ready=1, killed=3)
    seen = {
        "key": "Deployment checkout#spec.replicas",
        "object": "Deployment checkout",
        "path": "spec.replicas",
    }
    seen |= {"git": "2", "live": "5", "manager": "kubectl-edit", "since": "", "may_keep": True}
    Drift.objects.create(
        environment=Environment.objects.get(name="staging"), entity_ref="component:default/checkout",
        state="differs", fields=[seen], count=1, as_of=timezone.now(), since=timezone.now(),
    )  # fmt: skip
    Watch.objects.get_or_create(cluster=cluster, kind="Pod")
    return cluster


def _requests(mira: User) -> dict[str, Request]:
    found = {
        state: make_request(mira, state=state, name=f"case-{state.replace('_', '-')}") for state in PLACES
    }
    stuck = found[State.NEEDS_ATTENTION]
    fix = {"label": "Give it more", "changes": {"memory_limit": 512}, "field": "memory_limit"}
    stuck.problem = {"step": "rollout", "title": "Killed", "message": "OOM", "advice": "More", "fix": fix}
    stuck.merge_sha = "c" * 40
    stuck.save()
    stuck.rollouts.create(environment="staging", state="failing", message="Killed")
    sent = onboarding.submit(by=mira, blueprint="web-service", answers=ANSWERS)
    run_due_effects()
    sent.refresh_from_db()
    assert sent.state == State.IN_REVIEW, Effect.objects.values_list("kind", "last_error")
    return found | {State.IN_REVIEW: sent}


def everything(world: SimpleNamespace) -> dict[str, list[dict[str, Any]]]:
    """Values for the arguments of addresses, by view name; views without arguments are not named."""
    entity = {"kind": "component", "namespace": "default", "name": "checkout"}
    group = {"kind": "group", "namespace": "default", "name": "checkout"}
    runs = [{"pk": world.applied.pk}, {"pk": world.planned.pk}]
    tickets = [{"number": world.ticket.number}, {"number": world.private.number}]
    requests = [{"ref": row.ref} for row in world.requests.values()]
    flow = Entity.objects.get(name="order-flow")
    docs = DocTree.objects.get_or_create(entity=Entity.objects.get(ref="component:default/checkout"))[0]
    DocFile.objects.get_or_create(tree=docs, path="steps.svg", defaults={"content": b"<svg/>"})
    log = {**entity, "environment": "production", "pod": "checkout-0", "container": "web"}
    return {
        "accounts:delegation_": [{"pk": world.away.pk}],
        "accounts:token_": [{"pk": world.api_token.pk}],
        "accounts_api:": [{"slug": "checkout"}],
        "catalog_api:": [entity],
        "catalog_api:ownership_unconfirm": [{"batch": world.batch}],
        "catalog_api:report_": [{"report": "dangling"}],
        "catalog_api:run_list": [{"source": world.source.pk}],
        "catalog_api:document_": [{"run": world.planned.pk}],
        "catalog_api:change_": [{"run": world.planned.pk}],
        "catalog_api:source_": [{"source": world.source.pk}],
        "catalog_api:run_": [{"run": world.planned.pk}],
        "helpdesk:mail_": [{"pk": world.mail.pk}],
        "helpdesk:mail_file": [{"pk": world.mail.pk, "number": 1}],
        "helpdesk_api:": [{"key": world.ticket.key}],
        "catalog:entity_": [entity, group],
        "catalog:entity_restore": [{"pk": world.removed.pk}],
        "catalog:claim_": [{"pk": world.claim.pk}],
        "catalog:definition_": [entity],
        "catalog:doc_file": [{**entity, "path": "steps.svg"}],
        "catalog:dependency_": [{**entity, "verdict": "confirmed"}],
        "catalog:import_": runs,
        "catalog:view_": [{"pk": world.view.pk}],
        "catalog:source_": [{"pk": world.source.pk}],
        "catalog:source_put": [{"name": "put-by-ci"}],
        "catalog:source_file": [{"name": "put-by-ci", "path": "cart.yaml"}],
        "catalog:organisation_": [{"pk": world.organisation.pk}],
        "catalog:cluster_": [{"pk": world.discovery.pk}],
        "catalog:hook": [{"provider": "github", "pk": world.source.pk}],
        "catalog:ownership_report": [{"report": "unowned"}],
        "catalog:ownership_unconfirm": [{"batch": world.batch}],
        "catalog:handover_detail": [{"pk": world.handover.pk}],
        "catalog:handover_new": [entity],
        "catalog:handover_step": [{"pk": world.handover.pk, "step": "accept"}],
        "catalog:source_steer": [{"pk": world.source.pk, "step": "resume"}],
        "compatible:": [entity],
        "compatible:by_uid": [{"uid": identity.id_of(identity.ENTITY, flow.pk)}],
        "compatible:location": [{"id": identity.id_of(identity.LOCATION, world.source.pk)}],
        "clusters:cluster_": [{"name": "harbour"}],
        "clusters:environment_": [{"name": "harbour"}],
        "onboarding:parity_detail": [entity],
        "onboarding:drift_detail": [entity | {"environment": "staging"}],
        "onboarding:drift_settle": [entity | {"environment": "staging", "way": "put-back"}],
        "clusters:environment_delivery": [{"name": "harbour", "environment": "staging"}],
        "clusters:entity_": [entity],
        "clusters:pod_log": [log],
        "clusters:workload_steer": [
            {**entity, "environment": "production", "workload": "Deployment.web", "deed": "restart"}
        ],
        "effects:": [{"pk": world.effect.pk}],
        "onboarding:exemption_": [{"pk": world.exemption.pk}],
        "onboarding:exemption_step": [{"pk": world.exemption.pk, "step": "end"}],
        "helpdesk:": tickets,
        "helpdesk:answer_": [{"pk": world.answer.pk}],
        "helpdesk:slack_": [{"pk": world.saying.pk}],
        "helpdesk:rota_undo": [{"pk": world.stand_in.pk}],
        "helpdesk:queue_undo": [{"pk": world.deed.pk}],
        "helpdesk:setting_new": [{"kind": "canned"}],
        "helpdesk:setting_": [{"kind": "canned", "pk": world.canned.pk}],
        "helpdesk:reply_call_back": [{**each, "pk": world.pending.pk} for each in tickets],
        "helpdesk:reply_send_now": [{**each, "pk": world.pending.pk} for each in tickets],
        "helpdesk:ticket_file": [{"number": world.file.message.ticket.number, "pk": world.file.pk}],
        "helpdesk:ticket_canned": [{**each, "pk": world.canned.pk} for each in tickets],
        "insights:chart_csv": [{"key": "adoption"}],
        "integrations:": [{"name": world.server.name}],
        "notices:": [{"pk": world.notice.pk}],
        "onboarding_api:": requests,
        "onboarding:service_": [entity],
        "previews_api:": [{"pk": world.preview.pk}],
        "onboarding:upgrade_": [{"pk": world.upgrade_round.pk}],
        "onboarding_api:upgrade_": [entity],
        "onboarding_api:upgrade_round": [{"round": world.upgrade_round.pk}],
        "previews:preview_new": [entity],
        "previews:preview_follow": [entity],
        "previews:preview_detail": [{"pk": world.preview.pk}],
        "previews:preview_step": [{"pk": world.preview.pk, "step": "renew"}],
        "previews:transfer_": [{"pk": world.transfer.pk}],
        "previews:transfer_new": [entity],
        "previews:booking_cancel": [{"pk": world.booking.pk}],
        "previews:booking_calendar": [{"environment": "staging"}],
        "onboarding:request_new": [{"blueprint": "web-service"}],
        "onboarding:": requests,
    }


# Every row that people or machines decide by, and how much was told.
MARK = """SELECT
  (SELECT md5(string_agg(concat_ws('|', id, state, version, answers, draft_answers), ',' ORDER BY id))
   FROM {requests}),
  (SELECT md5(string_agg(concat_ws('|', id, state), ',' ORDER BY id)) FROM {effects}),
  (SELECT count(*) FROM {events})"""


def fingerprint() -> tuple[Any, ...]:
    """What may not change by looking."""
    tables = {"requests": Request, "effects": Effect, "events": Event}
    with connection.cursor() as cursor:
        cursor.execute(MARK.format(**{name: model._meta.db_table for name, model in tables.items()}))
        return cursor.fetchone()
