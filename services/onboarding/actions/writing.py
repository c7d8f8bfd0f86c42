"""Filling in a form: drafts, submitting, correcting."""

import dataclasses
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from services.accounts.models import Team, User
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.integrations.errors import IntegrationError

from .. import queries, rules
from ..errors import Blocked, HostSilent, NameTaken, NotAllowed, Refusal, TooLong, WrongState
from ..models import Hop, Request, RequestPart, State
from . import effects
from .moves import enter_hop, locked, move, note

if TYPE_CHECKING:
    from ..blueprints import Evaluation, PartState

MAX_ANSWERS = 200_000
LONGEST_FORM = timedelta(hours=12)


@transaction.atomic
def save_draft(
    *,
    by: User,
    blueprint: str,
    answers: dict[str, Any],
    token: str = "",
    request: Request | None = None,
    opened_at: datetime | None = None,
    generation: int | None = None,
) -> Request:
    """Keeps what is typed, valid or not. The same `token` (or `request`) is the same draft.

    On a request under way the answers wait beside the accepted ones until it is submitted again.
    `opened_at` starts the clock of the form; `generation` is that of the form: when the request was
    submitted since, it is returned as it is.
    Refuses: somebody else's (NotAllowed), one past editing (WrongState), more than 200 kB (TooLong).
    """
    if len(json.dumps(answers)) > MAX_ANSWERS:
        raise TooLong("That is more than a form can hold.")
    row = locked(request) if request else draft_for(by, blueprint, token, opened_at)
    if (request is None and row.generation) or (generation is not None and row.generation != generation):
        return row
    _check_edit(by, row)
    if row.state == State.DRAFT:
        row.answers, row.title = answers, queries.title_for(blueprint, answers, row)
    else:
        row.draft_answers = answers
    row.save(update_fields=["answers", "draft_answers", "title", "updated_at"])
    return row


def draft_for(by: User, blueprint: str, token: str, opened_at: datetime | None) -> Request:
    provider, repo = queries.place_of(Request())
    said = {"blueprint": blueprint, "title": queries.title_for(blueprint, {})}
    said |= {"provider": provider, "repo": repo}
    if token:
        row, created = Request.objects.get_or_create(created_by=by, token=token, defaults=said)
    else:
        row, created = Request.objects.create(created_by=by, **said), True
    if created:
        row.refresh_from_db()
        row.contributors.add(by)
        now = timezone.now()
        enter_hop(row, Hop.Name.FORM, min(max(opened_at or now, now - LONGEST_FORM), now))
        note(row, by=by, action="started")
    return locked(row)


def _check_edit(by: User, row: Request) -> None:
    if row.state not in rules.EDITABLE:
        raise WrongState(f"{row.ref} is {row.get_state_display().lower()} and cannot be edited any more.")
    if not rules.can_edit(by, row):
        raise NotAllowed(f"{row.ref} belongs to {row.team or row.created_by}.", ask=[str(row.created_by)])


@transaction.atomic
def discard(*, request: Request, by: User) -> Request:
    """Puts a draft away; `restore` brings it back. Refuses somebody else's, and what was submitted."""
    row = locked(request)
    _check_own(by, row)
    if row.state != State.DRAFT:
        raise WrongState(f"{row.ref} was submitted; withdraw it instead.")
    move(row, State.WITHDRAWN, by=by, action="discarded")
    return row


@transaction.atomic
def restore(*, request: Request, by: User) -> Request:
    """Undoes `discard`. Refuses somebody else's, and what was submitted before it was withdrawn."""
    row = locked(request)
    _check_own(by, row)
    if not row.is_discarded:
        raise WrongState(f"{row.ref} is not a discarded draft.")
    row.finished_at = None
    move(row, State.DRAFT, by=by, action="restored")
    return row


def entity_of(ref: str) -> Entity:
    entity = catalog.find(ref)
    if entity is None:
        raise Refusal(f"{ref} is not in the catalog any more.")
    return entity


def check_change(by: User, entity: Entity) -> None:
    if not rules.can_change(by, entity):
        owner = entity.owner_ref.rpartition("/")[2] or "nobody"
        message = f"{entity.name} belongs to {owner}: its members and the platform team change it."
        raise NotAllowed(message, ask=[f"somebody in {owner}"] if entity.owner_ref else [])


def _check_own(by: User, row: Request) -> None:
    if row.created_by_id != by.pk:
        raise NotAllowed(f"{row.ref} belongs to {row.created_by}.", ask=[str(row.created_by)])


def submit(
    *,
    by: User,
    blueprint: str,
    answers: dict[str, Any],
    token: str = "",
    request: Request | None = None,
    opened_at: datetime | None = None,
) -> Request:
    """Sends a draft on its way, once: the same token or draft sent again returns the request it became.

    The answers are kept as a draft first, and evaluated here whatever the page showed.
    Refuses: what does not pass (Blocked), a name in an open request (NameTaken), while the git host does not
    answer (HostSilent), and as `save_draft`.
    """
    draft = save_draft(
        by=by,
        blueprint=blueprint,
        answers=answers,
        token=token,
        request=request,
        opened_at=opened_at,
        generation=0,
    )
    return _submit(draft, by, draft.answers, generation=0)


def edit_and_resubmit(
    *, request: Request, by: User, answers: dict[str, Any], generation: int | None = None
) -> Request:
    """Sends corrected answers: a new commit on the same branch, or a new pull request when it was merged.

    Approvals of other content are void. `generation` is that of the form: sent twice, it counts once.
    Refuses: as `submit`; states in which nothing can be edited; a correction that changes nothing.
    """
    if generation is None:
        generation = request.generation
    draft = save_draft(
        by=by, blueprint=request.blueprint, answers=answers, request=request, generation=generation
    )
    return _submit(draft, by, answers, generation)


@transaction.atomic
def _submit(draft: Request, by: User, answers: dict[str, Any], generation: int) -> Request:
    row = locked(draft)
    if row.generation != generation:
        return row
    _check_edit(by, row)
    if row.merge_asked_by_id and not row.merge_sha:
        raise WrongState(f"{row.ref} is being merged.")
    if row.is_change:
        check_change(by, entity_of(row.entity_ref))
    found = _rendered(row, answers, by)
    for ref in found.entity_refs[1:] if row.is_change else ():
        if (part := catalog.find(ref)) is not None:
            check_change(by, part)
    _accept(row, found, by)
    try:
        with transaction.atomic():
            _keep_parts(row, found)
            move(
                row, State.SUBMITTED, by=by, action="submitted", summary=row.title, generation=row.generation
            )
    except IntegrityError as error:
        if "onboarding_request_entity_once" in str(error):
            raise NameTaken(f"Another open request is for {row.entity_name}.") from error
        if "onboarding_part_entity_once" in str(error):
            names = " or ".join(name_of(part) for part in found.parts[1:])
            raise NameTaken(f"Another open request is for {names}.") from error
        raise
    send_on(row)
    return row


def _rendered(row: Request, answers: dict[str, Any], by: User) -> "Evaluation":
    """Evaluated against the repository as it is now. Refuses (HostSilent) while nobody can say how it is."""
    try:
        row.base_sha = queries.base_of(row)
        return queries.evaluate(row.blueprint, answers, user=by, request=row, at=row.base_sha)
    except IntegrationError as error:
        kept = "The git host does not answer. What you typed is kept; submit it again in a moment."
        raise HostSilent(kept) from error


def _accept(row: Request, found: "Evaluation", by: User) -> None:
    """Takes over what the evaluation rendered; approvals of anything else end here."""
    if found.blocked:
        raise Blocked("Some answers do not pass yet.", found, row)
    if row.is_change and not found.diffs and not row.files:
        raise Refusal("Nothing is changed yet: the repository has exactly this.")
    if row.merge_sha:
        _begin_correction(row, found)
    entity = found.entity or {}
    row.answers, row.draft_answers = found.answers, None
    row.files, row.tree_hash = dict(found.files), found.tree_hash
    row.removed = sorted({*found.removed, *row.merged_paths} - row.files.keys())
    row.findings = plain(found.findings)
    row.cost, row.needs = plain(found.cost), plain(found.approvals)
    row.entity, row.entity_ref = entity, found.entity_ref.lower()
    row.environments = list(found.environments)
    row.team = _team_of(entity) or row.team or by.teams.first()
    row.title = queries.title_for(row.blueprint, found.answers, row)
    row.digest = found.parts[0].digest
    queries.keep(part.blueprint for part in found.parts)
    if row.is_upgrade:
        row.upgrade["kept"] = plain([each for each in found.conflicts if not each.taken]) or []
    row.generation += 1
    row.problem, row.reason = {}, ""
    row.reminded_at = row.escalated_at = None
    row.submitted_at = row.submitted_at or timezone.now()
    row.contributors.add(by)
    row.approvals.filter(voided_at__isnull=True).exclude(tree_hash=row.tree_hash).update(
        voided_at=timezone.now()
    )
    effects.drop_stuck(row, by)


def name_of(part: "PartState") -> str:
    return part.entity_ref.rpartition("/")[2]


def _keep_parts(row: Request, found: "Evaluation") -> None:
    """What the request makes beside its main thing, as it was accepted."""
    row.parts.all().delete()
    RequestPart.objects.bulk_create(
        RequestPart(
            request=row, key=part.key, position=position, blueprint=part.blueprint.name,
            digest=part.digest, title=part.blueprint.title, icon=part.blueprint.icon,
            entity=part.entity or {}, entity_ref=part.entity_ref.lower(),
        )
        for position, part in enumerate(found.parts[1:])
    )  # fmt: skip


def _begin_correction(row: Request, found: "Evaluation") -> None:
    """What is merged stays merged: the correction is a pull request of its own."""
    if found.files == row.files:
        raise Refusal("Nothing is changed yet. To try the same again, press retry.")
    row.merged_paths = sorted({*row.merged_paths, *row.files})
    row.revision += 1
    row.pull_number, row.head_sha, row.merge_sha, row.merge_asked_by = None, "", "", None


def plain(found: Any) -> Any:
    """Dataclasses, and lists of them, as JSON keeps them."""
    if isinstance(found, list | tuple):
        return [plain(each) for each in found]
    found_plain = (
        dataclasses.asdict(found)
        if dataclasses.is_dataclass(found) and not isinstance(found, type)
        else found
    )
    return json.loads(json.dumps(found_plain or {}, default=str))


def _team_of(entity: dict[str, Any]) -> Team | None:
    owner = str(entity.get("spec", {}).get("owner", ""))
    return Team.objects.filter(slug=owner.rpartition("/")[2].rpartition(":")[2]).first()


def team_of(ref: str, by: User) -> Team | None:
    """The team an entity belongs, or belonged, to."""
    entity = catalog.find(ref)
    last = Request.objects.about(ref).exclude(team=None).order_by("-number").first()
    owner = {"spec": {"owner": entity.owner_ref}} if entity else {}
    return _team_of(owner) or (last.team if last else None) or by.teams.first()


def send_on(row: Request) -> None:
    """From submitted to those who must approve, or straight to the pull request."""
    if rules.open_needs(row):
        move(row, State.AWAITING_APPROVAL, by=None, action="awaits_approval")
    else:
        effects.propose(row)


@transaction.atomic
def reopen_as_draft(*, request: Request, by: User, changes: dict[str, Any] | None = None) -> Request:
    """Opens the form on a request again, with `changes` (a fix) filled in; returns the request to edit.

    What ended without going live becomes a new draft. Refuses: other people's, and what is past editing.
    """
    row = locked(request)
    answers = {**(row.draft_answers or row.answers), **(changes or {})}
    if row.state in rules.EDITABLE:
        return save_draft(by=by, blueprint=row.blueprint, answers=answers, request=row)
    if row.state not in (State.REJECTED, State.WITHDRAWN, State.CLOSED) or not row.is_form:
        raise WrongState(f"{row.ref} is {row.get_state_display().lower()}.")
    if not rules.belongs(by, row):
        raise NotAllowed(f"{row.ref} belongs to {row.team or row.created_by}.", ask=[str(row.created_by)])
    fresh = draft_for(by, row.blueprint, "", None)
    if row.is_change:
        fresh.entity_ref, fresh.origin, fresh.adopted = row.entity_ref, row.origin, row.adopted
        fresh.upgrade = row.upgrade
        fresh.save(update_fields=["entity_ref", "origin", "adopted", "upgrade"])
    return save_draft(by=by, blueprint=row.blueprint, answers=answers, request=fresh)
