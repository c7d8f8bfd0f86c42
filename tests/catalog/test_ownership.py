"""Who owns what: resolved by one function, told alike by pages and reports."""

import csv
import io

import pytest
import yaml
from django.urls import reverse

from services.accounts.models import Membership, Team, User
from services.catalog import actions
from services.catalog.importing import continuity
from services.catalog.models import OWNABLE, Entity, Lifeless, Tenure, Unsettled
from services.catalog.ownership import living, nearest, reading, settling, tenures
from services.catalog.ownership.resolution import Fact, Standing, resolve
from tests.catalog.companies import COMPANY

pytestmark = pytest.mark.django_db


def fact(ref: str, owner: str = "", within: str = "", *, known: bool = True) -> Fact:
    return Fact(ref, owner, bool(owner) and known, within)


AROUND = {
    f.ref: f
    for f in (
        fact("system:default/s", "group:default/a", "domain:default/d"),
        fact("system:default/bare", "", "domain:default/d"),
        fact("system:default/dead", "user:default/left"),
        fact("system:default/odd", "group:default/none", known=False),
        fact("domain:default/d", "group:default/b", "domain:default/top"),
        fact("domain:default/top", "group:default/c"),
        fact("domain:default/bare", "", "domain:default/top"),
        fact("system:default/ring", "", "system:default/ring2"),
        fact("system:default/ring2", "", "system:default/ring"),
    )
}
LIFELESS = {"user:default/left": "has left"}


@pytest.mark.parametrize(
    ("asked", "standing", "owner", "via"),
    [
        (fact("c", "group:default/z", "system:default/s"), "owned", "group:default/z", ""),
        (fact("c", within="system:default/s"), "inherited", "group:default/a", "system:default/s"),
        (fact("c", within="system:default/bare"), "inherited", "group:default/b", "domain:default/d"),
        (fact("s", within="domain:default/bare"), "inherited", "group:default/c", "domain:default/top"),
        (fact("c", "user:default/left"), "dead", "user:default/left", ""),
        (fact("c", within="system:default/dead"), "dead", "user:default/left", "system:default/dead"),
        (fact("c", "group:default/x", known=False), "unknown", "group:default/x", ""),
        (fact("c", within="system:default/odd"), "unknown", "group:default/none", "system:default/odd"),
        (fact("c"), "nobody", "", ""),
        (fact("c", within="system:default/missing"), "nobody", "", ""),
        (fact("c", within="system:default/ring"), "nobody", "", ""),
    ],
)
def test_an_owner_is_the_first_that_is_named_on_the_way_up(asked, standing, owner, via):
    found = resolve(asked, AROUND, LIFELESS)
    assert (found.standing, found.owner_ref, found.via) == (standing, owner, via)
    assert found.is_answered is (standing in ("owned", "inherited"))
    assert found.why == ("has left" if standing == "dead" else "")


def test_a_group_lives_through_the_groups_below_it():
    children = [("all", "a"), ("a", "b"), ("all", "empty"), ("loop", "pool"), ("pool", "loop")]
    groups = ["all", "a", "b", "empty", "loop", "pool"]
    assert living.lifeless_groups(groups, {"b"}, children) == {"empty", "loop", "pool"}


@pytest.fixture
def company(checkout, mira) -> None:
    actions.import_documents(files={"all.yaml": COMPANY.encode()}, title="All", by=mira)
    Entity.objects.filter(ref="component:default/bare").update(owner_ref="", owner=None)
    Entity.objects.filter(ref__in=["system:default/plain", "system:default/lost"]).update(
        owner_ref="", owner=None
    )
    User.objects.create_user("ruben", "r@larkfield.example", "x" * 16, name="Ruben", is_active=False)
    Tenure.objects.all().delete()  # as if everything had come like this
    tenures.refresh()


@pytest.fixture
def show(client, mira):
    client.force_login(mira)

    def get(name: str, *args: str, **query: str) -> str:
        response = client.get(reverse(name, args=args), query)
        assert response.status_code == 200
        return response.content.decode()

    return get


def standing_of(name: str) -> str:
    return Tenure.objects.get(entity__name=name).standing


def test_standings_are_what_the_one_function_says_of_everything(company):
    found = reading.owners_of(Entity.objects.all())
    kept = {t.entity.ref: t for t in Tenure.objects.select_related("entity")}
    assert (
        kept.keys()
        == found.keys()
        == set(Entity.objects.filter(kind__in=OWNABLE).values_list("ref", flat=True))
    )
    told = {ref: (t.standing, t.owner_ref, t.via) for ref, t in kept.items()}
    assert told == {ref: (o.standing, o.owner_ref, o.via) for ref, o in found.items()}
    assert {o.standing for o in found.values()} == set(Standing)
    assert tenures.refresh() == 0


def test_owners_of_a_list_take_one_query_and_one_for_each_step_up(company, django_assert_num_queries):
    rows = list(Entity.objects.filter(name="cart"))
    with django_assert_num_queries(1):
        reading.owners_of(rows)
    rows = list(Entity.objects.filter(kind="Component"))
    with django_assert_num_queries(3):
        reading.owners_of(rows)


def test_who_leaves_stops_to_answer_and_who_comes_back_answers(company, mira, checkout):
    assert standing_of("loyalty") == "dead"
    assert dict(Lifeless.objects.values_list("ref", "why"))["user:default/ruben"] == living.LEFT
    User.objects.filter(username="ruben").update(is_active=True)
    tenures.refresh()
    assert standing_of("loyalty") == "owned"
    assert standing_of("cart") == "owned"
    User.objects.filter(username="mira").update(is_active=False)
    tenures.refresh()
    assert Lifeless.objects.get(ref="group:default/checkout").why == living.EMPTY
    assert standing_of("cart") == "dead"
    noah = User.objects.create_user("noah", "n@larkfield.example", "x" * 16, name="Noah")
    Membership.objects.create(user=noah, team=Team.objects.get(slug="checkout"))
    tenures.refresh()
    assert standing_of("cart") == "owned"


def test_a_page_says_where_an_owner_was_inherited_from(company, show):
    html = show("catalog:entity_detail", "component", "default", "bare")
    assert "inherited from" in html
    assert 'href="/catalog/domain/default/commerce/"' in html
    assert "has left" in show("catalog:entity_detail", "component", "default", "loyalty")


@pytest.mark.parametrize(
    ("report", "there", "missing"),
    [
        ("unowned", ["lost", "typo", "Perhaps", "group:default/checkout"], [">loyalty<", ">cart<"]),
        ("dead", [">loyalty<", "has left", ">ghostly<", "has nobody in it"], [">cart<", ">typo<"]),
        ("dangling", ["resource:default/cart-cach", "resource:default/cart-cache", "all.yaml:"], []),
        ("unconfirmed", ["Every owner has confirmed"], [">cart<"]),
        ("elsewhere", ["Whoever is named"], [">cart<"]),
    ],
)
def test_each_report_lists_what_it_is_about(
    company, show, report, there, missing, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12):
        html = show("catalog:ownership_report", report)
    assert [text for text in there if text not in html] == []
    assert [text for text in missing if text in html] == []


def test_reports_are_narrowed_by_what_stands_in_the_address(company, show):
    assert ">loyalty<" not in show("catalog:ownership_report", "dead", kind="api")
    assert ">loyalty<" in show("catalog:ownership_report", "dead", team="user:ruben", kind="component")
    html = show("catalog:ownership_report", "dead", system="nowhere", team="\x00")
    assert "Nothing of that here" in html
    assert "Show all" in html


def test_reports_are_read_in_pages_that_begin_where_the_last_ended(company, show, monkeypatch):
    from services.catalog.ownership import reports

    monkeypatch.setattr(reports, "PER_PAGE", 1)
    seen, after = [], ""
    for _ in range(9):
        part = reports.page_of("dead", reports.Narrow(), after)
        seen += [row.name for row in part.rows]
        after = part.after
        if not after:
            break
    assert seen == sorted(Tenure.objects.filter(standing="dead").values_list("name", flat=True))
    assert len(seen) > 1
    assert reports.page_of("dead", reports.Narrow(), "no such place").rows[0].name == seen[0]


def test_reports_come_as_csv(company, client, mira):
    client.force_login(mira)
    for report, first in (("dead", "component:default/ghostly"), ("dangling", "resource:default/cart-cach")):
        answer = client.get(reverse("catalog:ownership_report", args=[report]), {"format": "csv"})
        rows = list(csv.reader(io.StringIO(answer.content.decode())))
        assert first in [row[0] for row in rows[1:]]
        assert {len(row) for row in rows} == {len(rows[0])}


def test_the_nearest_name_is_one_of_the_same_kind_or_the_same_name(company):
    wanted = ["resource:default/cart-cach", "group:default/cart", "component:default/zzz", "nonsense"]
    assert {ref: entity.ref for ref, entity in nearest.nearest(wanted).items()} == {
        "resource:default/cart-cach": "resource:default/cart-cache",
        "group:default/cart": "component:default/cart",
    }


def test_a_report_nobody_has_is_not_there(client, mira):
    client.force_login(mira)
    assert client.get("/catalog/health/weather/").status_code == 404


def listed(name: str) -> set[str]:
    """The names in the list, by what stands in the address."""
    from django.http import QueryDict

    from services.catalog.finding.filters import Filters, chosen
    from services.catalog.finding.tallies import Tallies

    rows = chosen(Filters.read(QueryDict(name)), User.objects.get(username="mira"), Tallies())
    return {row.name for row in rows}


def told() -> dict[str, tuple[str, str]]:
    """What lists have of everything: its owner and how that stands."""
    rows = Entity.objects.filter(kind__in=OWNABLE)
    return {row.ref: (row.holder_ref, row.standing) for row in rows}


def resolved() -> dict[str, tuple[str, str]]:
    found = reading.owners_of(Entity.objects.all())
    return {ref: own.listed for ref, own in found.items()}


def test_the_list_knows_owners_as_pages_and_reports_do(company):
    from services.catalog.finding import tallies
    from services.catalog.ownership import reports

    assert told() == resolved()
    assert listed("kind=any&owner=payments") == {"commerce", "bare", "plain"}
    assert listed("kind=any&owner=nobody") == listed("kind=any&is=unowned") == {"lost", "typo"}
    assert listed("kind=any&not=owner:nobody,owner:payments,kind:group,kind:user") >= {"cart", "loyalty"}
    assert (
        listed("kind=any&owner=mine")
        == listed("kind=any&owner=checkout")
        == {"cart", "cart-api", "cart-cache"}
    )
    reported = reports.rows_of("unowned", reports.Narrow())
    assert {row.name for row in reported} == listed("kind=any&owner=nobody")
    tallies.fold()
    assert tallies.Tallies().number("unowned") == reported.count()
    read = tallies.Tallies(beside=[tallies.like("owner", "GROUP:default/payments")])
    assert read.has("owner", "group:default/Payments")
    assert sum(n for (field, _, _), n in read._numbers.items() if field == "owner") == 3


def again(spec: str, name: str = "commerce", kind: str = "Domain") -> None:
    """An import of one descriptor that says something else now."""
    text = (
        f"{{apiVersion: backstage.io/v1alpha1, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}}}}}"
    )
    actions.register(yaml.safe_load(text), by=None)


CHANGES = {
    "another owner of the domain": lambda: again("owner: checkout"),
    "none any more": lambda: again("subdomainOf: nowhere, owner: nobody-known"),
    "the system goes elsewhere": lambda: again("owner: ghosts", "plain", "System"),
    "the system is gone": lambda: Entity.objects.get(name="plain").delete(),
    "the owner is gone": lambda: Entity.objects.get(name="payments").delete(),
    "the owner is called otherwise": lambda: continuity.rename(
        {"group:default/payments": "group:default/money"}
    ),
    "the owner leaves": lambda: Entity.objects.filter(name="ines").update(state="orphan"),
    "the account is closed": lambda: User.objects.filter(username="mira").update(is_active=False),
    "nobody is in the team": lambda: Membership.objects.all().delete(),
    "another name": lambda: Entity.objects.filter(name="bare").update(
        name="naked", ref="component:default/naked"
    ),
    "another kind": lambda: Entity.objects.filter(name="bare").update(kind="Location"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_an_owner_is_noted_and_nothing_else_is_looked_at(company, change, monkeypatch):
    CHANGES[change]()
    looked = []
    monkeypatch.setattr(tenures, "resolve", lambda fact, *rest: looked.append(fact) or resolve(fact, *rest))
    settling.settle()
    assert len(looked) < Entity.objects.filter(kind__in=OWNABLE).count()
    assert told() == resolved()
    kept = Tenure.objects.filter(entity__kind__in=OWNABLE).values_list("entity__ref", "owner_ref", "standing")
    found = reading.owners_of(Entity.objects.all())
    assert set(kept) == {(ref, own.owner_ref, str(own.standing)) for ref, own in found.items()}
    assert tenures.refresh() == 0


def test_notes_are_left_where_there_are_many_or_somebody_else_is_at_it(company):
    Entity.objects.filter(name__in=["cart", "bare"]).update(owner_ref="group:default/payments")
    assert settling.settle(most=1) == 0
    assert Unsettled.objects.count() == 2
    assert settling.settle(most=2) == 2
    assert not Unsettled.objects.exists()
    assert settling.settle() == 0
    assert told() == resolved()
