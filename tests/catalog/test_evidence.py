"""Who really works on what, held against who is named."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.shell import registry
from portal.shell.registry import Deed, Deeds
from services.accounts.models import Membership, Team, User
from services.catalog import actions
from services.catalog.models import Entity, Evidence, Source, Weighed
from services.catalog.ownership import commits, evidence, reports, tenures
from services.effects.errors import OutsideError
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost
from tests.catalog.companies import COMPANY

pytestmark = pytest.mark.django_db
CART, PAYMENTS, CHECKOUT = "component:default/cart", "group:default/payments", "group:default/checkout"


@pytest.fixture
def company(checkout, mira) -> None:
    actions.import_documents(files={"all.yaml": COMPANY.encode()}, title="All", by=mira)
    ines = User.objects.create_user("ines", "Ines@larkfield.example", "x" * 16, name="Inês Castro")
    Membership.objects.create(user=ines, team=Team.objects.create(slug="payments", name="Payments"))
    tenures.refresh()


@pytest.fixture
def told(monkeypatch):
    """A source of evidence whose words a test writes; the only one there is."""
    said: list[Deed] = []
    broken: list[Exception] = []

    def gather(refs, since):
        if broken:
            raise broken[0]
        return [deed for deed in said if deed.ref in refs and deed.last_at >= since]

    monkeypatch.setattr(registry.deeds, "_items", {})
    registry.deeds.add(Deeds("commits", 1, "commit", "commits", gather))
    return said, broken


def deed(person: str, count: int, days: int = 1) -> Deed:
    return Deed(CART, person, count, timezone.now() - timedelta(days=days))


def later(hours: int):
    return timezone.now() + timedelta(hours=hours)


def test_evidence_is_gathered_once_and_again_after_hours(company, told):
    said, _ = told
    said += [deed("ines@LARKFIELD.example", 3), deed("ines", 2, 4), deed("Some One", 1), deed("mira", 9, 100)]
    assert evidence.gather() == Weighed.objects.count() > 3
    rows = {row.person: row.count for row in Evidence.objects.all()}
    assert rows == {"ines": 5, "Some One": 1}
    said.clear()
    assert evidence.gather() == 0
    assert Evidence.objects.count() == 2
    evidence.gather(later(7))
    assert not Evidence.objects.exists()


def test_what_a_host_does_not_tell_just_now_stays_as_it_was(company, told):
    said, broken = told
    said.append(deed("ines", 6))
    evidence.gather()
    broken.append(OutsideError("not now"))
    evidence.gather(later(7))
    assert Evidence.objects.get().count == 6


@pytest.mark.parametrize(
    ("did", "against"),
    [
        ({"ines": 6}, True),
        ({"ines": 4}, False),  # too little to ask about
        ({"ines": 6, "mira": 3}, False),  # the owner does a good part
        ({"ines": 9, "mira": 3}, True),
        ({"mira": 9}, False),
        ({"priya": 50, "mira": 1}, False),  # the platform team helps everybody
        ({"priya": 50, "ines": 6}, True),
        ({"Some One": 50}, False),  # nobody's team is known
    ],
)
def test_a_mismatch_is_most_of_the_work_by_another_team(company, priya, told, did, against):
    said, _ = told
    said += [deed(person, count) for person, count in did.items()]
    evidence.gather()
    weighed = Weighed.objects.get(entity__ref=CART)
    assert weighed.speaks_against is against
    found = [row.name for row in reports.page_of("elsewhere", reports.Narrow(), "").rows]
    assert found == (["cart"] if against else [])
    if against:
        assert (weighed.leader_ref, weighed.owner_ref) == (PAYMENTS, CHECKOUT)


def test_the_page_shows_who_works_on_it_and_the_report_who_is_named(company, told, client, mira):
    said, _ = told
    said += [deed("ines", 6), deed("mira", 1)]
    evidence.gather()
    client.force_login(mira)
    html = client.get(Entity.objects.get(ref=CART).get_absolute_url()).content.decode()
    assert "6 commits" in html
    assert "1 commit," in html
    assert "Most of it was payments’s work: 6 to 1." in html
    html = client.get("/catalog/health/elsewhere/").content.decode()
    assert "payments</a>: 6 to 1" in html


def test_commits_are_those_of_the_place_a_descriptor_stands_in(company, tmp_path, settings):
    settings.GIT_ROOT = tmp_path / "git"
    host = LocalHost()
    host.create("shop/things")
    author, other = Person("ines", "Inês", "ines@larkfield.example"), Person("x", "X", "x@larkfield.example")
    source = Source.objects.create(kind=Source.Kind.GIT, title="g", location="shop/things", branch="main")
    Entity.objects.filter(ref=CART).update(source=source, location="cart/catalog-info.yaml")
    Entity.objects.filter(name="typo").update(source=source, location="others.yaml")
    lost = Source.objects.create(kind=Source.Kind.GIT, title="l", location="shop/gone", branch="main")
    Entity.objects.filter(name="ghostly").update(source=lost, location="a.yaml")
    folder = Source.objects.create(kind=Source.Kind.GIT, title="f", location="/srv/git", branch="main")
    Entity.objects.filter(name="loyalty").update(source=folder, location="a.yaml")
    seed = {"cart/catalog-info.yaml": b"a", "others.yaml": b"b"}
    for files, by in ((seed, author), ({"cart/main.py": b"1"}, author), ({"others.yaml": b"2"}, other)):
        host.commit("shop/things", files=files, message="Change", author=by)
    refs = list(Entity.objects.values_list("ref", flat=True))
    found = {(d.ref, d.person): d.count for d in commits.gather(refs, timezone.now() - timedelta(days=9))}
    assert found == {
        (CART, "ines@larkfield.example"): 2,
        ("component:default/typo", "ines@larkfield.example"): 1,
        ("component:default/typo", "x@larkfield.example"): 1,
    }
    assert list(commits.gather(refs, timezone.now() + timedelta(days=1))) == []
    assert commits.place_of("services", "a/catalog-info.yml") == "services/a"
    assert commits.place_of("", "catalog-info.yaml") == "catalog-info.yaml"
