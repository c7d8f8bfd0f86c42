"""One mail through a real session with a server that answers as servers do."""

import socket

import pytest

from services.integrations import mail
from services.integrations.errors import IntegrationError, Refused, Unavailable
from tests.fakes.smtp import Mailbox

LETTER = mail.Mail("mira@example.com", "Onboard\nwishlist: ünïcode", "Hello.\n", "notice-7")


@pytest.fixture
def mailbox(settings):
    mailbox = Mailbox()
    settings.MAIL_URL = mailbox.url
    settings.MAIL_FROM = "Slipway <slipway@larkfield.shop>"
    yield mailbox
    mailbox.close()


def test_a_mail_arrives_on_one_line_of_subject_under_its_own_name(mailbox):
    mail.send(LETTER)
    mail.send(LETTER)
    first, second = mailbox.taken
    assert first["Message-ID"] == second["Message-ID"] == LETTER.message_id
    assert LETTER.message_id.startswith("<notice-7.")
    assert LETTER.message_id.endswith("@larkfield.shop>")
    assert (first["To"], first["Auto-Submitted"]) == ("mira@example.com", "auto-generated")
    assert "\n" not in str(first["Subject"]).strip()
    assert first.get_payload(decode=True).strip() == b"Hello."
    assert len(mailbox.shown()) == 1


def test_another_mail_and_another_portal_have_other_names(settings):
    names = {LETTER.message_id, mail.Mail("", "", "", "notice-8").message_id}
    settings.BASE_URL = "https://another.example"
    names.add(LETTER.message_id)
    settings.MAIL_FROM = "nobody"
    assert LETTER.message_id.endswith("@localhost>")
    assert len(names) == 3


@pytest.mark.parametrize(
    ("step", "answer", "error", "permanent", "unknown"),
    [
        ("hello", b"421 too busy", Unavailable, False, False),
        ("hello", b"554 not you", Refused, True, False),
        ("hello", b"", Unavailable, False, False),
        ("MAIL", b"451 later", Unavailable, False, False),
        ("RCPT", b"550 no such person", Refused, True, False),
        ("RCPT", b"450 later", Unavailable, False, False),
        ("DATA", b"552 too much", Refused, True, False),
        (".", b"452 full", Unavailable, False, False),
        (".", b"554 spam", Refused, True, False),
        (".", b"", IntegrationError, False, True),
    ],
)
def test_what_the_server_says_is_told_apart(mailbox, step, answer, error, permanent, unknown):
    mailbox.orders[step] = answer
    with pytest.raises(error) as told:
        mail.send(LETTER)
    assert (told.value.permanent, told.value.outcome_unknown) == (permanent, unknown)
    assert len(mailbox.taken) == unknown
    mail.send(LETTER)
    assert len(mailbox.shown()) == 1


def test_a_server_that_is_away_has_taken_nothing(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.MAIL_URL = f"smtp://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(Unavailable):
        mail.send(LETTER)


@pytest.mark.parametrize("scheme", ["smtps", "smtp+tls"])
def test_a_server_without_the_encryption_asked_for_is_sent_nothing(mailbox, settings, scheme):
    settings.MAIL_URL = mailbox.url.replace("smtp:", f"{scheme}:").replace("//", "//me:p%40ss@")
    settings.HTTP_TIMEOUT = 0.3
    with pytest.raises(Unavailable):
        mail.send(LETTER)
    assert mailbox.taken == []
