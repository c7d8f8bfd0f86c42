"""The words tickets are found by follow what is said, moved and noted, and few or many find the same."""

import pytest

from services.helpdesk import actions, queries, searching
from services.helpdesk.models import Ticket
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import ticket

pytestmark = pytest.mark.django_db


def found(words: str, user, many: int = searching.MANY) -> set[str]:
    rows = searching.with_words(Ticket.objects.all(), words, user, many=many)
    return {row.title for row in rows.order_by("priority", "created_at", "pk")}


@pytest.mark.parametrize("many", [searching.MANY, 0], ids=["few", "many"])
def test_words_are_those_of_title_service_messages_and_for_some_notes(many: int) -> None:
    mira, priya = member("mira", "checkout"), platform_engineer()
    one = ticket(by=mira, title="Budgerigar", body="It says quux.", entity_ref="component:default/pay-desk")
    ticket(by=mira, title="Another", body="It says nothing.", entity_ref="")
    actions.reply(ticket=one, by=priya, body="Is it the flange?")
    actions.reply(ticket=one, by=priya, body="Surely a gasket.", internal=True)
    for words in ("budgerigars", "quux", "flan", "desk", "pay flange quux"):
        assert found(words, mira, many) == found(words, priya, many) == {"Budgerigar"}, words
    assert (found("gasket", priya, many), found("gasket", mira, many)) == ({"Budgerigar"}, set())
    assert found("gasket", None, many) == set()
    assert found("flange nothing", priya, many) == set()


def test_words_go_with_what_is_merged_and_come_back() -> None:
    mira, priya = member("mira", "checkout"), platform_engineer()
    one, two = ticket(by=mira, title="One", body="A quux."), ticket(by=mira, title="Two", body="A flange.")
    actions.merge(ticket=one, into=two, by=priya)
    assert found("quux", mira) == {"Two"}
    one.refresh_from_db()
    actions.change_state(ticket=one, to="new", by=priya)
    assert found("quux", mira) == {"One"}


def test_a_ticket_with_more_words_than_a_vector_holds_is_still_written() -> None:
    mira = member("mira", "checkout")
    one = ticket(by=mira, title="Endless")
    for part in range(8):
        actions.reply(ticket=one, by=mira, body=" ".join(f"w{part}x{n}" for n in range(14_000)))
    assert one.messages.count() == 9
    assert found("w0x77", mira) == {"Endless"}
    assert found("endless", mira) == {"Endless"}


def test_a_long_list_is_counted_and_leafed_through_to_its_limit_only(rf) -> None:
    from portal.shell import tables

    mira = member("mira", "checkout")
    for n in range(5):
        ticket(by=mira, title=f"Number {n}")
    rows = Ticket.objects.order_by("pk")
    page = tables.paginate(rf.get("/?page=9"), rows, 2, most=4)
    assert (page.number, page.paginator.count, page.paginator.is_cut) == (2, 4, True)
    page = tables.paginate(rf.get("/?page=9"), rows, 2, most=5)
    assert (page.number, page.paginator.count, page.paginator.is_cut) == (3, 5, False)


def test_tickets_like_one_share_its_words_or_service() -> None:
    """However many there are: those with all its words, of its service, and the newest."""
    mira, priya = member("mira", "checkout"), platform_engineer()
    same = ticket(by=mira, title="Certificate expires", entity_ref="")
    about = ticket(by=mira, title="Certificate of it", entity_ref="component:default/cart")
    for n in range(3):
        ticket(by=mira, title=f"Other {n}", entity_ref="")
    one = ticket(by=mira, title="Certificate expires", entity_ref="component:default/cart")
    assert {row.title for row in queries.like(one, priya)} == {same.title, about.title}
