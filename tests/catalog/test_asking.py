"""How often pages of the catalog ask the database: at most twelve times, with everything there is to show."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.accounts.models import Team
from services.catalog import actions, health
from services.catalog.finding import saved
from services.catalog.models import Entity, Evidence
from services.catalog.ownership import handing, settling
from tests.catalog.companies import COMPANY, document

pytestmark = pytest.mark.django_db
MOST = 12


class Asking:
    """Health as clusters tell it: a query for each question."""

    def by_entity(self, refs):
        self._ask()
        return {ref: {"production": "Degraded"} for ref in refs}

    def refs_with(self, wanted):
        self._ask()
        return {"component:default/cart"}

    def environments(self):
        self._ask()
        return ["production"]

    def _ask(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


@pytest.fixture
def company(mira, monkeypatch) -> None:
    """With a handover, evidence, a saved view, somebody who has no owner, and clusters."""
    more = [
        document("Component", f"cart-{name}", "type: service, lifecycle: production, owner: checkout")
        for name in ("voucher", "invoice", "returns")
    ]
    actions.import_documents(
        files={"all.yaml": "\n---\n".join([COMPANY, *more]).encode()}, title="All", by=mira
    )
    Team.objects.create(slug="payments", name="Payments")
    cart, now = Entity.objects.get(name="cart"), Entity.objects.get(name="cart").created_at
    handing.ask(entity=cart, to_ref="group:default/payments", reason="theirs", by=mira)
    Evidence.objects.create(entity=cart, kind="commits", person="mira", user=mira, count=3, last_at=now)
    saved.save_view(name="Ours", query="owner=mine", by=mira, team=Team.objects.get(slug="checkout"))
    settling.settle()
    monkeypatch.setattr(health, "sources", [Asking()])


PAGES = [
    "/catalog/?kind=any",
    "/catalog/?kind=any&owner=payments",
    "/catalog/?kind=any&owner=nobody",
    "/catalog/?kind=any&owner=mine&sort=-owner",
    "/catalog/?kind=component,api&owner=payments,checkout&system=plain&not=tag:none,owner:ghosts",
    "/catalog/?kind=any&owner=chekout",
    "/catalog/?health=unhealthy",
    "/catalog/?kind=any&q=cart",
    "/catalog/?kind=any&q=cart+voucher&owner=checkout",
    "/catalog/?kind=any&q=cart+vuocher",
    "/catalog/?kind=any&q=vuocher",
    "/catalog/?kind=any&q=voucher+invoice",
    "/catalog/?kind=any&q=qqxqq",
    "/catalog/component/default/cart/",
    "/catalog/component/default/cart/?tab=dependencies",
    "/catalog/api/default/cart-api/",
    "/catalog/api/default/cart-api/?tab=definition",
    "/catalog/system/default/plain/",
    "/catalog/domain/default/commerce/",
    "/catalog/group/default/checkout/",
    "/catalog/group/default/payments/",
    "/catalog/user/default/mira/",
    "/catalog/user/default/ines/",
    "/catalog/health/",
    "/catalog/health/unowned/",
    "/catalog/health/dangling/",
    "/catalog/sources/",
    "/catalog/views/",
]


def test_no_page_of_the_catalog_asks_more_than_twelve_times(company, client, mira):
    client.force_login(mira)
    asked = {}
    for page in PAGES:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page).status_code == 200, page
        if len(queries) > MOST:
            asked[page] = [query["sql"][:150] for query in queries]
    assert asked == {}
