"""What is on its way now, and what Mira has begun to fill in."""

from datetime import datetime, timedelta

from django.db import transaction

from portal.demo import company, forms
from portal.demo.history.plan import open_requests
from portal.demo.history.times import open_times
from portal.demo.seeding import request_rows
from services.accounts.models import User
from services.integrations import githosts
from services.onboarding import actions
from services.onboarding.models import Request

DRAFT = "demo-draft"
# As in a form half filled in: the limit is four times the request, which a guardrail refuses in production.
WISHLIST = {
    "name": "wishlist",
    "owner": "checkout",
    "description": "Lets people keep products for later and share the list.",
    "system": "order-flow",
    "memory_request": 128,
    "memory_limit": 512,
    "depends_on": ["component:default/catalogue", "component:default/customer-accounts"],
}


@transaction.atomic
def seed(now: datetime) -> str:
    told = open_requests()
    if not Request.objects.filter(number=told[0].number).exists():
        rows = request_rows.write(told, {past.number: open_times(past, now) for past in told})
        head = githosts.get().head(company.REPOSITORY)
        Request.objects.filter(pk__in=[row.pk for row in rows], base_sha="").update(base_sha=head)
    _draft(User.objects.get(username="mira"), now)
    return f"{Request.objects.open().count()} requests on their way and a draft"


def _draft(mira: User, now: datetime) -> None:
    if not Request.objects.filter(created_by=mira, token=DRAFT).exists():
        actions.save_draft(
            by=mira,
            blueprint=forms.BLUEPRINT,
            answers=WISHLIST,
            token=DRAFT,
            opened_at=now - timedelta(minutes=26),
        )
