"""What owners say: that is ours, that is not ours, and what the other team answers."""

import itertools
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from services.accounts.models import Membership, Team, User
from services.audit.models import Event
from services.catalog import actions, rules, tasks
from services.catalog.models import Confirmation, Entity, Handover, Source, Tenure
from services.catalog.ownership import confirming, handing, tenures
from services.catalog.ownership.resolution import Ownership, Standing
from services.catalog.ownership.states import TRANSITIONS, State
from services.catalog.refusals import Refused
from tests.catalog.companies import COMPANY

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=200)
CHECKOUT, PAYMENTS = "group:default/checkout", "group:default/payments"


@pytest.fixture
def company(checkout, mira) -> None:
    """Checkout's things are due; they come from an upload, so the catalog itself says whose they are."""
    actions.import_documents(files={"all.yaml": COMPANY.encode()}, title="All", by=mira)
    Entity.objects.update(created_at=timezone.now() - LONG_AGO)
    Tenure.objects.all().delete()  # as if everything had come then
    tenures.refresh()


@pytest.fixture
def ines(db) -> User:
    user = User.objects.create_user("ines", "ines@larkfield.example", "x" * 16, name="Inês Castro")
    Membership.objects.create(user=user, team=Team.objects.create(slug="payments", name="Payments"))
    return user


def entity(name: str) -> Entity:
    return Entity.objects.get(name=name)


def is_due(name: str) -> bool:
    return tenures.due().filter(name=name).exists()


def owner_of(name: str) -> str:
    return Tenure.objects.get(name=name).owner_ref


def ask(by: User, name: str = "cart", to: str = PAYMENTS) -> Handover:
    return handing.ask(entity=entity(name), to_ref=to, reason="They run it", by=by)


def test_what_is_confirmed_is_due_again_after_the_period_and_taken_back_is_due_at_once(
    company, mira, settings
):
    assert is_due("cart")
    before = Tenure.objects.get(name="cart").due_at
    done = confirming.confirm(pks=[entity("cart").pk, entity("cart-api").pk], by=mira)
    assert not is_due("cart")
    assert Tenure.objects.get(name="cart").due_at == Confirmation.objects.first().until
    later = timezone.now() + timedelta(days=settings.CATALOG_CONFIRM_DAYS, minutes=1)
    assert tenures.due(later).filter(name="cart").exists()
    tenures.refresh()
    assert not is_due("cart")
    assert confirming.take_back(batch=done.batch, by=mira) == 2
    assert Tenure.objects.get(name="cart").due_at == before
    with pytest.raises(Refused, match="nothing to take back"):
        confirming.take_back(batch=done.batch, by=mira)
    said = Event.objects.filter(action__startswith="catalog.ownership_").values_list("action", flat=True)
    assert sorted(said) == ["catalog.ownership_confirmed"] * 2 + ["catalog.ownership_unconfirmed"] * 2


def test_a_confirmation_lapses_when_the_owner_changes_and_counts_again_when_it_comes_back(company, mira):
    confirming.confirm(pks=[entity("cart").pk], by=mira)
    until = Tenure.objects.get(name="cart").due_at
    payments = entity("payments")
    Entity.objects.filter(name="cart").update(owner_ref=PAYMENTS, owner=payments)
    tenures.refresh()
    assert (owner_of("cart"), is_due("cart")) == (PAYMENTS, True)
    Entity.objects.filter(name="cart").update(owner_ref=CHECKOUT, owner=entity("checkout"))
    tenures.refresh()
    assert Tenure.objects.get(name="cart").due_at == until


def test_a_group_that_is_renamed_keeps_what_it_confirmed(company, mira):
    from services.catalog.importing import continuity

    confirming.confirm(pks=[entity("cart").pk], by=mira)
    continuity.rename({CHECKOUT: "group:default/basket"})
    tenures.refresh()
    assert (owner_of("cart"), is_due("cart")) == ("group:default/basket", False)


def test_nothing_is_confirmed_when_one_of_it_is_somebody_elses(company, mira, ines):
    for pks in ([entity("cart").pk, entity("commerce").pk], [entity("loyalty").pk], [], [10**12]):
        with pytest.raises(Refused):
            confirming.confirm(pks=pks, by=mira)
    ask(mira)
    with pytest.raises(Refused, match="being handed over"):
        confirming.confirm(pks=[entity("cart").pk], by=mira)
    assert not Confirmation.objects.exists()
    done = confirming.confirm(pks=[entity("cart-api").pk], by=mira)
    with pytest.raises(Refused, match="Only who confirmed"):
        confirming.take_back(batch=done.batch, by=ines)


def test_a_handover_changes_the_owner_where_the_catalog_itself_says_whose_it_is(company, mira, ines):
    handover = ask(mira)
    handover = handing.step(handover=handover, step="accept", by=ines)
    assert handover.state == State.SETTLED
    cart = entity("cart")
    assert (cart.owner_ref, cart.owner.name, cart.spec["owner"]) == (PAYMENTS, "payments", PAYMENTS)
    assert list(cart.relations.filter(type="ownedBy").values_list("target_ref", flat=True)) == [PAYMENTS]
    assert cart.relations.filter(type="dependsOn").exists()
    assert not is_due("cart")
    assert Confirmation.objects.get(entity=cart).by == ines
    assert tenures.refresh() == 0


def test_where_a_descriptor_says_whose_it_is_an_accepted_handover_waits_for_it(company, mira, ines, folder):
    Source.objects.update(kind=Source.Kind.FOLDER)
    handover = handing.step(handover=ask(mira), step="accept", by=ines)
    assert (handover.state, entity("cart").owner_ref) == (State.ACCEPTED, CHECKOUT)
    tasks.owners()
    handover.refresh_from_db()
    assert handover.state == State.ACCEPTED
    Entity.objects.filter(name="cart").update(owner_ref=PAYMENTS, owner=entity("payments"))
    tasks.owners()
    handover.refresh_from_db()
    assert handover.state == State.SETTLED
    assert not is_due("cart")
    assert Confirmation.objects.get().by == ines


def test_a_handover_is_let_go_when_the_descriptor_names_a_third(company, mira, ines):
    handover = ask(mira)
    Entity.objects.filter(name="cart").update(owner_ref="user:default/mira", owner=entity("mira"))
    tasks.owners()
    handover.refresh_from_db()
    assert handover.state == State.OVERTAKEN
    assert handing.follow() == 0


def test_what_cannot_be_asked(company, mira, ines):
    refused = [
        ("checkout", PAYMENTS, "no owner"),
        ("cart", CHECKOUT, "already"),
        ("cart", "group:default/nobody", "no group or person"),
        ("cart", "component:default/cart", "no group or person"),
        ("cart", "group:default/ghosts", "nobody could answer"),
        ("commerce", CHECKOUT, "Only its owners"),
    ]
    Entity.objects.filter(name="ruben").delete()
    tenures.refresh()
    for name, to, why in refused:
        with pytest.raises(Refused, match=why):
            ask(mira, name, to)
    ask(mira)
    with pytest.raises(Refused, match="asked already"):
        ask(mira, to="user:default/ines")
    assert Handover.objects.count() == 1


def test_only_the_ways_of_the_table_are_open(company, mira, ines, priya):
    handover = ask(mira)
    for state, step in itertools.product(State.values, ["accept", "decline", "withdraw", "reopen"]):
        Handover.objects.update(state=state, decided_by=priya)
        if (state, step) not in TRANSITIONS:
            with pytest.raises(Refused, match="not possible any more"):
                handing.step(handover=handover, step=step, by=priya)
            continue
        found = handing.step(handover=handover, step=step, by=priya, answer=" We do ")
        expected = State.SETTLED if step == "accept" else TRANSITIONS[state, step]
        assert (state, step, found.state, found.answer) == (state, step, expected, "We do")
    ways = [way for way in TRANSITIONS if way[1] not in ("settle", "overtake")]
    told = Event.objects.filter(action__startswith="catalog.handover_").count()
    assert told == 1 + len(ways) + 1  # asked, each way once, and settled with being accepted


def test_a_declined_handover_is_not_reopened_beside_another(company, mira, ines):
    declined = handing.step(handover=ask(mira), step="decline", by=ines)
    ask(mira, to="user:default/ines")
    with pytest.raises(Refused, match="asked another team"):
        handing.step(handover=declined, step="reopen", by=ines)


HELD, NOBODYS = Ownership(Standing.OWNED, CHECKOUT), Ownership(Standing.NOBODY)
MATRIX = {  # confirm, hand over, propose for what is nobody's, accept or decline, withdraw, reopen
    "mira": (True, True, True, False, True, False),  # of the owning team; she asked
    "noah": (True, True, True, False, True, False),  # of the owning team
    "ines": (False, False, True, True, False, True),  # of the team that is asked; she decided
    "both": (True, True, True, True, True, False),  # of both teams, and did not ask
    "priya": (True, True, True, True, True, False),  # runs the platform
    "jonas": (False, False, True, False, False, False),  # of neither
}


def test_who_may_what(company, mira, ines, priya, checkout):
    for name, teams in (("noah", [checkout]), ("both", [checkout, ines.teams.get()]), ("jonas", [])):
        user = User.objects.create_user(name, f"{name}@larkfield.example", "x" * 16, name=name)
        for team in teams:
            Membership.objects.create(user=user, team=team)
    handover = ask(mira)
    handover.decided_by = ines
    found = {}
    for who in MATRIX:
        user = User.objects.get(username=who)
        steps = {name: rules.can_take_step(user, handover, name) for name in ("accept", "withdraw", "reopen")}
        assert rules.can_take_step(user, handover, "decline") is steps["accept"]
        assert not rules.can_take_step(user, handover, "settle")
        gives = rules.can_hand_over(user, HELD), rules.can_hand_over(user, NOBODYS)
        found[who] = (rules.can_confirm(user, CHECKOUT), *gives, *steps.values())
    assert found == MATRIX


def test_nobody_decides_their_own_question_not_even_the_platform(company, priya, mira):
    handover = ask(priya)
    with pytest.raises(Refused, match="never who asked"):
        handing.step(handover=handover, step="accept", by=priya)


# Pages


@pytest.fixture
def browse(client):
    def as_(user: User):
        client.force_login(user)
        return client

    return as_


def test_confirming_by_the_button_says_so_and_can_be_undone(company, mira, browse):
    client = browse(mira)
    html = client.get(reverse("catalog:confirm_list")).content.decode()
    pks = re.findall(r'name="entity" value="(\d+)"', html)
    assert len(pks) == Tenure.objects.filter(owner_ref=CHECKOUT).count() > 1
    home = client.get("/").content.decode()
    assert f"{len(pks)} things of checkout" in home
    answer = client.post(
        reverse("catalog:ownership_confirm"), {"entity": pks, "next": "https://evil.example/"}, follow=True
    )
    html = answer.content.decode()
    assert answer.redirect_chain[0][0] == reverse("catalog:confirm_list")
    assert "Nothing to confirm" in html
    undo = re.search(r'action="(/catalog/confirm/[^"]+/undo/)"', html)[1]
    html = client.post(undo, {"next": reverse("catalog:confirm_list")}, follow=True).content.decode()
    assert f"Taken back: {len(pks)} wait" in html
    for data in ({"entity": ["x", "9" * 30]}, {"only": str(entity("commerce").pk)}):
        client.post(reverse("catalog:ownership_confirm"), data)
    assert not Confirmation.objects.exists()
    assert "nothing to take back" in client.post(undo, follow=True).content.decode()


def test_a_handover_from_page_to_page(company, mira, ines, browse):
    where = reverse("catalog:handover_new", args=["component", "default", "cart"])
    client = browse(mira)
    assert "payments" in client.get(where).content.decode()
    assert "names nobody" in client.post(where, {"to": "group:"}).content.decode()
    assert "no group or person" in client.post(where, {"to": "nobody"}).content.decode()
    html = client.post(where, {"to": "payments", "reason": "<b>Theirs</b>"}, follow=True).content.decode()
    assert "&lt;b&gt;Theirs" in html
    assert "It is ours, accept" not in html
    page = Handover.objects.get().get_absolute_url()
    accept = reverse("catalog:handover_step", args=[Handover.objects.get().pk, "accept"])
    assert "never who asked" in client.post(accept, follow=True).content.decode()
    assert "is asked whether it is theirs" in client.get(entity("cart").get_absolute_url()).content.decode()
    client = browse(ines)
    assert "Is cart yours, payments?" in client.get("/").content.decode()
    assert "It is ours, accept" in client.get(page).content.decode()
    assert "You took cart" in client.post(accept, follow=True).content.decode()
    assert client.post(page + "settle/").status_code == 404
    refused = client.get(reverse("catalog:handover_new", args=["api", "default", "cart-api"]), follow=True)
    assert "Its owners say" in refused.content.decode()


def test_whoever_asked_is_told_to_change_the_descriptor(company, mira, ines, browse):
    Source.objects.update(kind=Source.Kind.FOLDER)
    handover = handing.step(handover=ask(mira), step="accept", by=ines)
    client = browse(mira)
    assert "Change the owner of cart" in client.get("/").content.decode()
    html = client.get(handover.get_absolute_url()).content.decode()
    assert f"spec.owner: {PAYMENTS}" in html
    assert "all.yaml:" in html


def test_a_team_page_lists_what_is_due_with_buttons_for_its_members_only(company, mira, ines, browse):
    ask(mira, "cart-api")
    html = browse(mira).get(entity("checkout").get_absolute_url()).content.decode()
    assert "Confirm all" in html
    assert "Handing over" in html
    html = browse(ines).get(entity("checkout").get_absolute_url()).content.decode()
    assert "Confirm all" not in html
    assert 'id="h-due"' in html


@pytest.mark.parametrize(
    ("typed", "kept"), [("no\x00t ours ", "not ours"), ("password: hunter2-hunter2", "password: •••")]
)
def test_an_answer_is_kept_without_what_cannot_be_kept(company, client, mira, ines, typed, kept):
    handover = ask(mira)
    client.force_login(ines)
    answer = client.post(reverse("catalog:handover_step", args=[handover.pk, "decline"]), {"reason": typed})
    handover.refresh_from_db()
    assert (answer.status_code, handover.state, handover.answer) == (302, "declined", kept)
