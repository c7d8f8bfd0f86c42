"""What to do where a cluster is not as git says: have git's say, or write into git what runs."""

from collections.abc import Collection
from typing import Any

from django.db import transaction

from services.accounts.models import User
from services.audit import actions as audit
from services.clusters.models import Drift
from services.effects import actions as outbox
from services.effects.models import Effect
from services.integrations.errors import IntegrationError
from services.manifests.differing import Difference as Carried
from services.manifests.differing import carried
from services.manifests.reader import ManifestError

from .. import drifting, queries, rules
from ..errors import HostSilent, NotAllowed, Refusal, WrongState
from ..models import Request
from . import writing
from .bringing import SILENT, Bringing, bring

PUT_BACK = "onboarding.put_back"


@transaction.atomic
def put_back(*, drift: Drift, by: User) -> Effect:
    """Has the cluster brought back to what git says, once for each comparison.

    Refuses: other people's (NotAllowed), what does not differ any more (WrongState).
    """
    _check(drift, by)
    entity = writing.entity_of(drift.entity_ref)
    effect = outbox.enqueue(
        kind=PUT_BACK, key=f"{drift.pk}/{drift.as_of}", by=by, payload={"drift": drift.pk}, subject=entity,
    )  # fmt: skip
    if effect.state == Effect.State.NEEDS_ATTENTION:
        effect = outbox.retry(effect=effect, by=by)
    said = f"Put back {drift.count} differences of {drift.name} in {drift.environment.name}"
    details = {"environment": drift.environment.name, "fields": [each["key"] for each in drift.fields][:50]}
    audit.record(by=by, action="workload.put_back", obj=entity, summary=said, details=details)
    return effect


def _check(drift: Drift, by: User) -> None:
    entity = writing.entity_of(drift.entity_ref)
    if not rules.can_change(by, entity):
        raise NotAllowed(f"{entity.name} is settled by the team it belongs to, and the platform team.")
    if drift.state != Drift.State.DIFFERS:
        raise WrongState(f"{entity.name} does not differ in {drift.environment} any more.")


def keep(*, drift: Drift, by: User, keys: Collection[str]) -> Bringing:
    """Proposes to write what runs into git, for the differences that are named; their values are read anew.

    Refuses: other people's (NotAllowed), none or unknown ones, what is gone by now (WrongState), what a
    guardrail stops (ImageRefused), while the git host or the cluster is silent (HostSilent).
    """
    _check(drift, by)
    entity, place = writing.entity_of(drift.entity_ref), drift.environment
    try:
        found = drifting.compare(entity, place)
    except IntegrationError as error:
        raise HostSilent(SILENT) from error
    wanted = [each for each in found.differences if each.key in keys and each.may_keep]
    if not wanted or len(wanted) < len(set(keys)) or found.where is None:
        raise WrongState("Choose what to keep: what was chosen differs no more, or cannot be written to git.")
    fields = [_carried(each) for each in wanted]
    files = {path: text.decode() for path, text in found.where.files.items() if _is_text(text)}
    try:
        changed = carried(files, fields)
    except (ManifestError, ValueError, KeyError) as error:
        raise Refusal(f"That cannot be written into the file as it is: {error}") from error
    changed = {path: text for path, text in changed.items() if text.encode() != found.where.files[path]}
    findings = queries.new_findings(found.where, changed)
    queries.refuse_blocking(findings, "fields")
    image = str(found.where.main.image) if found.where.main else ""
    brought = queries.Brought(found.where, image, "", (image,), changed, findings)
    said: dict[str, Any] = {
        "environment": place.name, "from": "live", "image": image, "before": [image],
        "fields": sorted(keys), "version": "", "reason": _told(place.name, sorted(keys)),
    }  # fmt: skip
    title = f"Keep what runs of {entity.name} in {place.name}"
    return bring(brought, by, Request.Kind.PROMOTION, said, title)


def _carried(each: "drifting.Difference") -> Carried:
    document, one = each.document, each.drift
    return Carried(document.file, document.index, each.ref.kind, each.ref.name, one.path, one.git, one.live)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _told(place: str, keys: Collection[str]) -> str:
    return f"It was changed in {place}, and is to stay so:\n" + "\n".join(f"- {key}" for key in keys)
