"""Known answers: where they are offered, what they spare, and what is made of them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from services.helpdesk import actions, answering, fitting
from services.helpdesk.errors import NotAllowed
from services.helpdesk.models import Answer, Category, Deflection
from services.helpdesk.states import State
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import ticket, ticket_in

pytestmark = pytest.mark.django_db
REF = "component:default/checkout"


@pytest.fixture
def priya():
    return platform_engineer()


@pytest.fixture
def noah():
    return member("noah", "checkout")


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def answer(owner, title="A pod that is killed", **more) -> Answer:
    return Answer.objects.create(title=title, owner=owner, **{"body": "Give it **memory**.", **more})


@pytest.mark.parametrize(
    ("attached", "offered"),
    [
        ({}, True),
        ({"title": "Unrelated", "body": "Bananas"}, False),
        ({"title": "Unrelated", "body": "Bananas", "finding": "oom-killed"}, True),
        ({"finding": "image-pull"}, False),
        ({"entity_ref": REF}, True),
        ({"entity_ref": "component:default/cart"}, False),
        ({"condition": '"oom-killed" in findings && environment == "production"'}, True),
        ({"condition": 'environment == "staging"'}, False),
        ({"condition": "nonsense("}, False),
        ({"condition": "service"}, False),
        ({"published": False}, False),
        ({"category": "howto"}, False),
        ({"category": "broken"}, True),
    ],
)
def test_an_answer_is_offered_where_it_fits(priya, noah, attached: dict, offered: bool) -> None:
    if "category" in attached:
        attached = {**attached, "category": Category.objects.get(slug=attached["category"])}
    row = answer(priya, **attached)
    now = {**answering.SAMPLE}
    found = answering.fitting(noah, "my pods are killed again", now, entity_ref=REF)
    assert found == ([row] if offered else [])


def test_what_was_spared_is_counted_honestly(priya, noah) -> None:
    row, now = answer(priya), timezone.now()
    sam, jonas, mira = member("sam", "checkout"), member("jonas", "discovery"), member("mira", "checkout")
    ago = {noah: 3, sam: 3, jonas: 3, mira: 0}
    for person, days in ago.items():
        for _ in range(2):  # pressing twice spares nothing more
            made = actions.solved_by(answer=row, entity_ref=REF, by=person)
            Deflection.objects.filter(pk=made.pk).update(at=now - timedelta(days=days, minutes=1))
    ticket(by=sam, at=now - timedelta(days=2, hours=2))  # the same service within a day: it did not help
    ticket(by=jonas, entity_ref="", at=now - timedelta(days=2, hours=2))  # something else
    assert answering.deflected(now - timedelta(days=90), now) == 2
    assert (row.votes.count(), row.votes.filter(helped=True).count()) == (4, 4)


def test_the_form_shows_what_is_known_and_takes_a_yes(priya, noah) -> None:
    row, problem = answer(priya), ticket(by=priya, title="Pods killed everywhere", entity_ref="")
    actions.make_problem(ticket=problem, by=priya)
    ticket(title="Pods killed in secret", private=True)
    client = client_of(noah)
    page = client.get(
        reverse("helpdesk:ticket_similar"), {"title": "web service pods are killed"}
    ).content.decode()
    for said in (
        row.title,
        "Known: we are on it.",
        problem.key,
        "/new/web-service/",
        "<strong>memory</strong>",
    ):
        assert said in page, said
    assert "in secret" not in page
    vote = reverse("helpdesk:answer_vote", args=[row.pk])
    client.post(vote, {"helped": "yes", "entity": ""})
    assert Deflection.objects.get().person == noah
    assert "/help/ask/" in client.post(vote, {"helped": "no"})["Location"]
    assert (row.votes.get().helped, Deflection.objects.count()) == (False, 1)
    page = client.get(row.get_absolute_url()).content.decode()
    assert "helped 0 of 1" in page


def test_answers_are_searched_written_and_made_of_resolved_tickets(priya, noah) -> None:
    made = ticket_in(State.IN_PROGRESS, title="How do I rotate a password?")
    actions.reply(ticket=made, by=priya, body="Use the form *Secrets*.")
    actions.change_state(ticket=made, to=State.RESOLVED, by=priya, cause="missing_docs", minutes=5)
    client, new = client_of(priya), reverse("helpdesk:setting_new", args=["answers"])
    page = client.get(f"{new}?from={made.key}").content.decode()
    assert ("How do I rotate" in page, "Use the form *Secrets*." in page) == (True, True)
    assert client.get(f"{new}?from={ticket().key}").status_code == 404
    given = {"title": "Rotate a password", "body": "The form does it.", "owner": "priya", "published": "1"}
    for wrong, said in (
        ({"condition": "findings +"}, "condition"),
        ({"entity_ref": "nosuch"}, "is not in the catalog"),
    ):
        refused = client.post(new, {**given, **wrong})
        assert (refused.status_code, said in refused.content.decode()) == (422, True)
    given["review_on"] = f"{timezone.localdate() - timedelta(days=1):%Y-%m-%d}"
    assert client.post(new, {**given, "condition": 'category == "howto"'}).status_code == 302
    answer(priya, "Hidden draft about passwords", published=False)
    seen = client_of(noah).get(reverse("helpdesk:answer_list"), {"q": "passwords"}).content.decode()
    assert ("Rotate a password" in seen, "Hidden draft" in seen, "Look again" in seen) == (True, False, False)
    page = client.get(reverse("helpdesk:answer_list")).content.decode()
    assert ("Hidden draft" in page, "Look again" in page) == (True, True)
    assert client_of(noah).get(Answer.objects.get(published=False).get_absolute_url()).status_code == 404
    for by, one in ((noah, made), (priya, ticket_in(State.RESOLVED, private=True))):
        with pytest.raises(NotAllowed):
            actions.draft_from(one, by)
    with pytest.raises(NotAllowed):
        actions.vote(answer=Answer.objects.get(published=False), helped=True, by=noah)


def test_forms_are_offered_by_shared_words() -> None:
    assert fitting.blueprints("I would like a new web service please")[0].name == "web-service"
    assert fitting.blueprints("zzz qqq") == []
    assert len(fitting.blueprints("zzz", limit=None)) > 5


def test_the_palette_finds_published_answers(priya, noah) -> None:
    found, draft = answer(priya), answer(priya, "A killed draft", published=False)
    options = client_of(noah).get(reverse("palette"), {"q": "killed"}).content.decode()
    assert (found.get_absolute_url() in options, draft.get_absolute_url() in options) == (True, False)
    assert (
        draft.get_absolute_url() in client_of(priya).get(reverse("palette"), {"q": "killed"}).content.decode()
    )
