"""Mails become tickets and words in tickets, once; machines are stored and never answered."""

import json
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.management import call_command

from services.accounts.models import User
from services.effects.models import Effect
from services.helpdesk import actions, mail_ids
from services.helpdesk.actions import mailing
from services.helpdesk.models import Mail, Message, Ticket
from services.helpdesk.states import Cause, Channel, State
from tests.effects_driver import run_due_effects
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import ticket, ticket_in
from tests.fakes.smtp import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def addresses(settings):
    settings.MAIL_FROM = "Slipway <slipway@larkfield.shop>"
    settings.MAIL_HELP = "Help <help@larkfield.shop>"
    settings.MAIL_STRANGERS = True


@pytest.fixture
def mailbox(settings):
    box = Mailbox()
    settings.MAIL_URL = box.url
    yield box
    box.close()


def letter(said: str = "It does not start.", *, by: str = "mira@larkfield.shop", **headers: str) -> bytes:
    message = EmailMessage()
    told = {"From": by, "To": "help@larkfield.shop", "Subject": "Help me", "Message-ID": "<1@desk.example>"}
    for name, value in {**told, **{key.replace("_", "-"): said for key, said in headers.items()}}.items():
        message[name] = value
    message.set_content(said)
    return message.as_bytes()


def take(*args: Any, **kwargs: Any) -> Mail:
    return mailing.take(raw=letter(*args, **kwargs), transport="file")


@pytest.fixture
def mira():
    person = member("mira", "checkout")
    person.email = "mira@larkfield.shop"
    person.save()
    return person


def test_a_mail_opens_one_ticket_however_often_it_comes(mira):
    first, again = take(), take()
    opened = Ticket.objects.get()
    assert (first, again.pk) == (again, first.pk)
    assert (opened.asker, opened.title, opened.channel) == (mira, "Help me", Channel.MAIL)
    assert opened.messages.get().body == "It does not start."
    assert (first.action, first.ticket, bytes(Mail.objects.get().raw)) == ("new", opened, letter())


def test_the_same_bytes_without_an_id_are_one_mail(mira):
    raw = letter().replace(b"Message-ID: <1@desk.example>\n", b"")
    assert mailing.take(raw=raw, transport="hook") == mailing.take(raw=raw, transport="imap")


def test_somebody_unknown_asks_as_a_correspondent_who_cannot_sign_in(mira):
    take(by="Zoë Other <zoe@elsewhere.example>")
    take(by="ZOE@elsewhere.example", Message_ID="<2@desk.example>")
    guest = User.objects.get(username__startswith="mail+")
    assert (guest.name, guest.is_active, guest.has_usable_password()) == ("Zoë Other (by mail)", False, False)
    assert Ticket.objects.filter(asker=guest).count() == 2


@pytest.mark.parametrize(
    "way",
    ["address", "in_reply_to", "references", "body", "subject", "answers their own mail"],
)
def test_an_answer_finds_its_ticket(mira, way):
    first = take()
    number, sign = first.ticket.number, mail_ids.sign(first.ticket.number)
    headers: dict[str, dict[str, str]] = {
        "address": {"To": mail_ids.reply_address(number)},
        "in_reply_to": {"In_Reply_To": f"<{sign}.m7.00@larkfield.shop>"},
        "references": {"References": f"<x@y> <{sign}.m7.00@larkfield.shop> <z@y>"},
        "subject": {"Subject": f"AW: anything [T-{number}]"},
        "answers their own mail": {"In_Reply_To": "<1@desk.example>"},
    }
    said = "More of it.\n\nOn 3 May 2026 at 10:11, Help <help@larkfield.shop> wrote:\n> We look.\n"
    said += f"> {sign}\n" if way == "body" else ""
    row = take(said, Message_ID="<2@desk.example>", **headers.get(way, {}))
    assert (row.action, row.ticket) == ("reply", first.ticket)
    assert row.message.body == "More of it."
    assert "We look." in row.quoted


@pytest.mark.case("E2")
def test_nobody_guesses_a_sign_and_strangers_claim_no_subject(mira):
    first = take()
    forged = f"help+t{first.ticket.number}.{'0' * 16}@larkfield.shop"
    claimed = f"[T-{first.ticket.number}] me too"
    assert take(Message_ID="<2@x>", To=forged).ticket != first.ticket
    assert take(Message_ID="<3@x>", Subject=claimed, by="eve@elsewhere.example").ticket != first.ticket
    answered = {"In_Reply_To": "<1@desk.example>", "References": "<1@desk.example>"}
    assert take(Message_ID="<4@x>", by="eve@elsewhere.example", **answered).ticket != first.ticket


def test_an_answer_of_the_asker_ends_the_wait(mira):
    first = take()
    actions.change_state(ticket=first.ticket, to=State.WAITING_REQUESTER, by=platform_engineer())
    take("Here it is.", Message_ID="<2@x>", In_Reply_To="<1@desk.example>")
    assert Ticket.objects.get().state == State.IN_PROGRESS


def test_an_answer_to_a_duplicate_goes_on_in_the_original(mira):
    original = ticket(by=mira)
    first = take()
    actions.change_state(
        ticket=first.ticket, to=State.DUPLICATE, by=platform_engineer(), duplicate_of=original
    )
    assert take("Still.", Message_ID="<2@x>", In_Reply_To="<1@desk.example>").ticket == original


def test_a_word_long_after_the_end_opens_a_follow_up(mira):
    closed = ticket_in(State.CLOSED, by=mira)
    row = take("Again!", To=mail_ids.reply_address(closed.number))
    assert (row.action, row.ticket.follows) == ("reply", closed)


def test_a_private_ticket_takes_no_words_from_others(mira):
    private = ticket(by=mira, private=True)
    row = take("Let me in.", by="eve@elsewhere.example", To=mail_ids.reply_address(private.number))
    assert (row.action, row.ticket.private, row.ticket == private) == ("new", True, False)
    assert private.messages.count() == 1


@pytest.mark.case("E3")
@pytest.mark.parametrize(
    ("results", "believed"),
    [
        ("", False),
        ("mx.larkfield.shop; dmarc=fail", False),
        ("mx.elsewhere.example; dmarc=pass", False),
        ("mx.larkfield.shop; spf=pass; dmarc=pass header.from=larkfield.shop", True),
    ],
)
def test_a_mail_speaks_for_the_platform_only_when_our_server_proved_it(mira, settings, results, believed):
    settings.MAIL_TRUSTS = "mx.larkfield.shop"
    priya = platform_engineer()
    User.objects.filter(pk=priya.pk).update(email="priya@larkfield.shop")
    asked = ticket(by=mira)
    more = {"Authentication_Results": results} if results else {}
    row = take("I look.", by="priya@larkfield.shop", To=mail_ids.reply_address(asked.number), **more)
    assert (row.message.author == priya) is believed
    asked.refresh_from_db()
    assert (asked.state == State.IN_PROGRESS) is believed


@pytest.mark.case("E1")
@pytest.mark.parametrize(
    ("headers", "action"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto-reply"),
        ({"By": "MAILER-DAEMON@mx.example", "X_Failed_Recipients": "mira@larkfield.shop"}, "bounce"),
        ({"X_Slipway": "mail"}, "loop"),
    ],
)
def test_machines_are_kept_move_nothing_and_get_no_answer(mira, mailbox, headers, action):
    asked = ticket(by=mira, channel=Channel.MAIL)
    by = headers.pop("By", "mira@larkfield.shop")
    row = take(by=by, To=mail_ids.reply_address(asked.number), **headers)
    assert (row.action, row.ticket, row.message) == (action, asked, None)
    assert (Ticket.objects.count(), asked.messages.count(), Effect.objects.count()) == (1, 1, 0)


def test_what_says_nothing_of_its_sender_is_a_ticket_with_the_original(mira):
    row = mailing.take(raw=b"\xff\xfe nothing of this is a mail", transport="file")
    assert (row.action, row.ticket.asker.name) == ("unreadable", "Somebody unknown (by mail)")
    assert bytes(row.raw).startswith(b"\xff\xfe")


def test_what_falls_over_is_kept_too(mira):
    row = mailing.unreadable(raw=b"poison", transport="imap", why="RecursionError")
    again = mailing.unreadable(raw=b"poison", transport="imap", why="RecursionError")
    assert row == again
    assert (row.action, bytes(row.raw), row.ticket.title) == (
        "unreadable", b"poison", "A mail could not be taken in"
    )  # fmt: skip


def test_texts_that_no_database_takes_are_taken(mira):
    raw = letter().replace(b"It does", b"It\x00 does").replace(b"Help me", b"Help\x00 \xed\xa0\x80me")
    row = mailing.take(raw=raw, transport="file")
    assert "\x00" not in row.ticket.title + row.message.body


def test_an_empty_and_an_endless_mail_say_what_they_are(mira):
    assert take("").message.body == "The mail has no text."
    endless = take("x" * 30_000, Message_ID="<2@x>")
    assert endless.message.body.endswith("The rest is in the original mail.")


def test_answers_go_out_in_the_thread_and_confirmations_are_few(mira, mailbox):
    first = take()
    for number in range(2, 9):
        take(Message_ID=f"<{number}@x>", Subject=f"Another {number}")
    run_due_effects()
    assert len(mailbox.shown()) == 4
    confirmed = mailbox.shown()[0]
    assert (confirmed["Auto-Submitted"], confirmed["X-Slipway"]) == ("auto-replied", "mail")
    priya = platform_engineer()
    actions.reply(ticket=first.ticket, by=priya, body="For us alone.", internal=True)
    actions.reply(ticket=first.ticket, by=priya, body="Try again.")
    actions.reply(ticket=first.ticket, by=mira, body="Thank you.")
    run_due_effects()
    (answered,) = mailbox.shown()[4:]
    assert answered["In-Reply-To"] == "<1@desk.example>"
    assert answered["Reply-To"] == mail_ids.reply_address(first.ticket.number)
    assert "Try again." in answered.get_payload(decode=True).decode()


def test_what_we_send_comes_back_to_its_ticket(mira, mailbox):
    first = take()
    actions.reply(ticket=first.ticket, by=platform_engineer(), body="Try again.")
    run_due_effects()
    sent = mailbox.shown()[-1]
    row = take("It works.", Message_ID="<2@x>", In_Reply_To=str(sent["Message-ID"]))
    assert (row.action, row.ticket) == ("reply", first.ticket)
    assert mailing.take(raw=sent.as_bytes(), transport="imap").action == "loop"


def test_tickets_of_the_portal_are_not_mailed(mira, mailbox):
    actions.reply(ticket=ticket(by=mira), by=platform_engineer(), body="Look here.")
    assert not Effect.objects.exists()


def test_without_a_server_or_an_inbox_nothing_goes_out(mira, settings):
    take()
    settings.MAIL_URL, settings.MAIL_HELP = "smtp://localhost:1", ""
    take(Message_ID="<2@x>")
    assert not Effect.objects.exists()


def test_the_command_takes_files_and_folders_in(mira, tmp_path, capsys):
    (tmp_path / "a.eml").write_bytes(letter())
    (tmp_path / "b.mbox").write_bytes(b"From x Thu Jan  1 00:00:00 2026\n" + letter(Message_ID="<2@x>"))
    call_command("ingest_mail", str(tmp_path), "--format", "json")
    told = json.loads(capsys.readouterr().out)["mails"]
    assert [mail["ticket"] for mail in told] == [row.key for row in Ticket.objects.order_by("pk")]
    assert Message.objects.count() == 2


def test_resolving_says_nothing_by_itself(mira, mailbox):
    first = take()
    run_due_effects()
    before = len(mailbox.shown())
    actions.change_state(
        ticket=first.ticket, to=State.RESOLVED, by=platform_engineer(), cause=Cause.MISSING_DOCS, minutes=1
    )
    run_due_effects()
    assert len(mailbox.shown()) == before


@pytest.mark.case("E4")
def test_strangers_open_nothing_by_default_and_hear_nothing(mira, settings, mailbox):
    settings.MAIL_STRANGERS = False
    row = take(by="eve@elsewhere.example")
    assert (row.action, row.ticket, Ticket.objects.count(), Effect.objects.count()) == (
        "stranger",
        None,
        0,
        0,
    )
    settings.MAIL_STRANGERS = True
    assert take(by="eve@elsewhere.example", Message_ID="<2@x>").action == "new"
    assert not Effect.objects.exists()


@pytest.mark.case("E5")
@pytest.mark.parametrize(
    "said",
    [
        b'"mira@larkfield.shop" <eve@elsewhere.example>',
        b"mira@larkfield.shop\n <eve@elsewhere.example>",
        b"mira@larkfield.shop, eve@elsewhere.example",
    ],
)
def test_a_name_that_is_an_address_is_nobodys(mira, said):
    raw = letter().replace(b"From: mira@larkfield.shop", b"From: " + said)
    row = mailing.take(raw=raw, transport="file")
    assert row.ticket.asker.username.startswith("mail+")


@pytest.mark.case("E6")
def test_a_subject_splits_no_header(mira, mailbox):
    raw = letter().replace(b"Subject: Help me", b"Subject: =?utf-8?q?Help=0D=0ABcc:_eve=40x.org?=")
    first = mailing.take(raw=raw, transport="file")
    actions.reply(ticket=first.ticket, by=platform_engineer(), body="Try again.")
    run_due_effects()
    assert len(mailbox.shown()) == 2
    assert all(sent["Bcc"] is None for sent in mailbox.shown())
    assert "\n" not in first.ticket.title


@pytest.mark.case("P3")
@pytest.mark.parametrize(
    "raw",
    [
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1500)),
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000,
        b"Content-Type: text/plain; charset=utf-7; charset=x\n\n+AGEAYg-\xff",
        b"Content-Type: multipart/mixed; boundary=never\n\nno part of it begins",
        b"X-Long: " + b"x" * 5_000_000 + b"\n\nx",
        b"Subject: " + b"=?utf-8?b?" * 20_000 + b"\n\nx",
    ],
    ids=["nested", "parts", "charset", "boundary", "header", "words"],
)
def test_a_broken_mail_is_a_ticket_with_its_original(mira, raw):
    row = mailing.take(raw=b"From: mira@larkfield.shop\n" + raw, transport="hook")
    assert row.action in ("new", "unreadable")
    assert row.ticket.messages.exists()
    assert bytes(row.raw).endswith(raw[-20:])
