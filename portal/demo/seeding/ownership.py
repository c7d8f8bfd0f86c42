"""What the teams said of what is theirs, and what they have not: some is due, one thing is handed over."""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

from services.accounts.models import Membership, User
from services.catalog.models import Confirmation, Entity, Handover, Tenure
from services.catalog.ownership import evidence, handing, tenures

DUE = ("gift-cards", "cart-cache", "promotions", "search-indexer", "fraud-check", "price-cache")
HANDED = (
    "notifications",
    "discovery",
    "Discovery sends the mails about reviews and wishlists; we only set it up once.",
)


def seed(now: datetime) -> str:
    tenures.refresh()
    if Confirmation.objects.exists():
        return "the owners have confirmed"
    with transaction.atomic():
        confirmed = _confirm(now)
        _hand_over()
    seen = evidence.gather(now)
    return f"{confirmed} confirmations, evidence about {seen} entities"


def _confirm(now: datetime) -> int:
    """Each team's lead, on one of the last hundred days; what is due was confirmed too long ago."""
    leads = {
        m.team.ref: m.user
        for m in Membership.objects.filter(role=Membership.Role.LEAD).select_related("user", "team")
    }
    rows = []
    for number, tenure in enumerate(Tenure.objects.filter(owner_ref__in=leads).order_by("name", "pk")):
        days = 181 + number % 5 if tenure.name in DUE else 20 + number % 100
        at = now - timedelta(days=days)
        tenure.due_at = at + tenures.period()
        batch = uuid5(NAMESPACE_URL, f"larkfield {tenure.owner_ref} {days}")
        rows.append(
            Confirmation(
                entity_id=tenure.pk, owner_ref=tenure.owner_ref, by=leads[tenure.owner_ref], at=at,
                until=tenure.due_at, batch=batch,
            )
        )  # fmt: skip
        tenure.save(update_fields=["due_at"])
    Confirmation.objects.bulk_create(rows)
    return len(rows)


def _hand_over() -> None:
    name, team, reason = HANDED
    entity = Entity.objects.filter(ref=f"component:default/{name}").first()
    owner = Tenure.objects.filter(entity=entity).first() if entity else None
    by = User.objects.filter(teams__slug=owner.owner_ref.rpartition("/")[2]).first() if owner else None
    if entity and by and not Handover.objects.exists():
        handing.ask(entity=entity, to_ref=f"group:default/{team}", reason=reason, by=by)
