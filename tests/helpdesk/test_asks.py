"""The few questions of a category."""

import pytest
from django.test import Client
from django.urls import reverse

from services.helpdesk import asks
from services.helpdesk.models import Category, Ticket
from tests.factories.people import member, platform_engineer

LINES = "Which key? | text | required\nHow big? | choice: small, large\nIs it new? | yes\nWhy | long"
QUESTION = {"title": "A key", "body": "Please.", "category": "access", "impact": "me", "urgency": "later"}


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_questions_are_read_as_written() -> None:
    read = asks.read(LINES)
    assert "\n".join(ask.line for ask in read) == LINES.replace("Why | long", "Why | long")
    assert asks.stored([ask.stored for ask in read]) == read


@pytest.mark.parametrize(
    "line", ["| text", "Which? | colour", "Which? | choice", "Which? | text: a, b", "a\n" * 7]
)
def test_what_is_no_question_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        asks.read(line)


@pytest.mark.django_db
def test_a_category_asks_and_the_answers_stand_in_the_message() -> None:
    category = Category.objects.get(slug="access")
    edit = reverse("helpdesk:setting_edit", args=["categories", category.pk])
    given = {"title": "Access", "slug": "access", "icon": "key", "position": 5, "active": "1"}
    engineer, mira = client_of(platform_engineer()), client_of(member("mira", "checkout"))
    assert engineer.post(edit, {**given, "questions": "Which? | colour"}).status_code == 422
    assert engineer.post(edit, {**given, "questions": LINES}).status_code == 302
    assert "How big? | choice: small, large" in engineer.get(edit).content.decode()
    shown = mira.get(reverse("helpdesk:ticket_asks"), {"category": "access"}).content.decode()
    key, size, new, why = (ask.name for ask in asks.read(LINES))
    assert (f'name="{key}"' in shown, "large" in shown, "Ask for help" in shown) == (True, True, False)
    ask = reverse("helpdesk:ticket_new")
    refused = mira.post(ask, {**QUESTION, size: "large"})
    assert refused.status_code == 422
    assert "is needed to answer you" in refused.content.decode()
    secret = "gh" + "p_" + "a1B2" * 9
    assert mira.post(ask, {**QUESTION, key: "one", why: f"token {secret}"}).status_code == 422
    assert (
        mira.post(ask, {**QUESTION, key: "the one", size: "large", new: "on", why: "a\nb"}).status_code == 302
    )
    body = Ticket.objects.get().messages.get().body
    assert (
        body
        == "Please.\n\n**Which key?** the one\n\n**How big?** large\n\n**Is it new?** yes\n\n**Why**\n\na\nb"
    )
    assert mira.post(ask, {**QUESTION, "category": "other"}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("kind", asks.KINDS)
def test_every_kind_has_a_field(kind: str) -> None:
    line = f"Which? | {kind}{': a, b' if kind == 'choice' else ''}"
    assert list(asks.fields(asks.read(line))) == ["ask_1_which"]
