"""Mails out of an inbox and by a webhook, and the pages that show them."""

import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError

from services.helpdesk import tasks
from services.helpdesk.actions import mailing
from services.helpdesk.models import InboxLook, Mail, Ticket
from services.integrations.mail import incoming
from tests.factories.people import member, platform_engineer
from tests.fakes.imap import Inbox
from tests.helpdesk.test_mailing import letter

pytestmark = pytest.mark.django_db
WITH_FILE = (
    b"From: mira@larkfield.shop\nTo: help@larkfield.shop\nSubject: A file\nMessage-ID: <f@x>\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee there.\n> old\n--b\n"
    b'Content-Type: text/html\nContent-Disposition: attachment; filename="a\\"<script>.html"\n\n'
    b"<script>alert(1)</script>\n--b--\n"
)


@pytest.fixture(autouse=True)
def strangers(settings):
    settings.MAIL_STRANGERS = True


@pytest.fixture
def inbox(settings):
    box = Inbox(letter(Message_ID="<1@x>"), letter(Message_ID="<2@x>"))
    settings.MAIL_INBOX = box.url
    yield box
    box.close()


def test_what_is_unseen_becomes_tickets_and_is_marked(inbox):
    tasks.fetch_mail()
    tasks.fetch_mail()
    assert (Ticket.objects.count(), inbox.seen) == (2, {101, 102})
    assert InboxLook.objects.get().failing_since is None


@pytest.mark.case("E7")
def test_what_was_taken_and_not_marked_is_taken_once(inbox):
    inbox.orders["UID STORE"] = b""
    tasks.fetch_mail()
    assert (Ticket.objects.count(), inbox.seen) == (1, set())
    assert "cannot be reached" in InboxLook.objects.get().error
    tasks.fetch_mail()
    assert (Ticket.objects.count(), inbox.seen) == (2, {101, 102})


@pytest.mark.parametrize(
    ("step", "answer", "said"),
    [
        ("LOGIN", b"NO [AUTHENTICATIONFAILED] no", "The inbox says"),
        ("LOGIN", b"", "cannot be reached"),
        ("SELECT", b"NO no such folder", "The inbox says"),
        ("UID SEARCH", b"BAD what?", "The inbox says"),
        ("UID FETCH", b"", "cannot be reached"),
    ],
)
def test_an_inbox_that_fails_is_told_and_looked_into_again(inbox, step, answer, said):
    inbox.orders[step] = answer
    tasks.fetch_mail()
    look = InboxLook.objects.get()
    assert said in look.error
    assert look.failing_since is not None
    tasks.fetch_mail()
    assert Ticket.objects.count() == 2


def test_a_server_that_is_away_is_told(settings):
    settings.MAIL_INBOX = "imap://a:b@127.0.0.1:1"
    tasks.fetch_mail()
    assert "cannot be reached" in InboxLook.objects.get().error


def test_without_an_inbox_nobody_looks(settings):
    settings.MAIL_INBOX = ""
    tasks.fetch_mail()
    assert not InboxLook.objects.exists()


def test_a_poisoned_mail_is_kept_and_stops_nothing(inbox, monkeypatch):
    def poisoned(mail: Any) -> Any:
        if "<1@x>" in mail.message_id:
            raise RecursionError
        return real(mail)

    real = mailing.key_of
    monkeypatch.setattr(mailing, "key_of", poisoned)
    tasks.fetch_mail()
    assert sorted(Mail.objects.values_list("action", flat=True)) == ["new", "unreadable"]
    assert inbox.seen == {101, 102}


def test_without_a_database_mails_stay_in_the_inbox(inbox, monkeypatch):
    def away(mail: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(mailing, "key_of", away)
    with pytest.raises(OperationalError):
        tasks.fetch_mail()
    assert inbox.seen == set()


BASIC = "Basic " + base64.b64encode(b"mail:sesame").decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("Bearer sesame", 200), (BASIC, 200), ("Bearer other", 403), ("Basic ???", 403), ("", 403)],
)
def test_the_webhook_asks_for_the_secret(client, settings, authorization, status):
    settings.MAIL_SECRET = "sesame"
    answer = client.post(
        "/hooks/mail/", letter(), content_type="message/rfc822", headers={"Authorization": authorization}
    )
    assert (answer.status_code, Ticket.objects.count()) == (status, int(status == 200))


def test_without_a_secret_the_webhook_is_shut(client, settings):
    settings.MAIL_SECRET = ""
    sent = {"content_type": "message/rfc822", "headers": {"Authorization": "Bearer "}}
    assert client.post("/hooks/mail/", letter(), **sent).status_code == 403


@pytest.mark.parametrize("field", ["body-mime", "email"])
def test_mail_services_send_forms(client, settings, field):
    settings.MAIL_SECRET = "sesame"
    sent = {field: letter().decode(), "x": SimpleUploadedFile("a", b"b")}
    answer = client.post("/hooks/mail/", sent, headers={"Authorization": BASIC})
    assert answer.json() == {"action": "new", "ticket": Ticket.objects.get().key}


def test_the_webhook_says_what_is_wrong(client, settings, monkeypatch):
    settings.MAIL_SECRET = "sesame"
    monkeypatch.setattr(incoming, "LARGEST", 10)
    sent = {"content_type": "message/rfc822", "headers": {"Authorization": "Bearer sesame"}}
    assert client.post("/hooks/mail/", b" ", **sent).status_code == 400
    assert client.post("/hooks/mail/", b"x" * 11, **sent).status_code == 413


@pytest.fixture
def taken():
    person = member("mira", "checkout")
    person.email = "mira@larkfield.shop"
    person.save()
    return mailing.take(raw=WITH_FILE, transport="file")


def test_the_conversation_shows_files_and_folds_what_is_quoted(client, taken):
    client.force_login(taken.ticket.asker)
    page = client.get(taken.ticket.get_absolute_url()).content.decode()
    assert "Original" in page
    assert "&lt;script&gt;.html" in page
    assert "<script>.html" not in page


def test_files_are_downloads_and_nothing_else(client, taken):
    client.force_login(taken.ticket.asker)
    file = client.get(f"/help/mails/{taken.pk}/files/1/")
    assert file["Content-Disposition"] == "attachment; filename*=UTF-8''ascript.html"
    assert (file["Content-Type"], file["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    assert client.get(f"/help/mails/{taken.pk}/original/").content == WITH_FILE
    assert client.get(f"/help/mails/{taken.pk}/files/9/").status_code == 404


def test_originals_of_private_tickets_are_private(client, taken):
    Ticket.objects.update(private=True)
    client.force_login(member("jonas", "discovery"))
    assert client.get(f"/help/mails/{taken.pk}/original/").status_code == 404
    client.force_login(platform_engineer())
    assert client.get(f"/help/mails/{taken.pk}/original/").status_code == 200


@pytest.mark.parametrize(
    ("query", "shown"), [("", True), ("?action=new", True), ("?action=bounce", False), ("?q=a+FILE", True),
                         ("?q=nobody", False), ("?action=nonsense&q=%00", True)],
)  # fmt: skip
def test_the_list_of_mails(client, taken, query, shown):
    client.force_login(platform_engineer())
    assert ("mira@larkfield.shop" in client.get(f"/help/mails/{query}").content.decode()) is shown


def test_the_list_tells_what_stops_the_inbox(client, taken, settings):
    client.force_login(platform_engineer())
    assert "SLIPWAY_MAIL_HELP" in client.get("/help/mails/").content.decode()
    settings.MAIL_HELP, settings.MAIL_INBOX = "help@larkfield.shop", "imap://x"
    mailing.note_look()
    assert "was looked into" in client.get("/help/mails/").content.decode()
    mailing.note_look(error="The inbox says: no")
    assert "The inbox says: no" in client.get("/help/mails/").content.decode()
    client.force_login(taken.ticket.asker)
    assert client.get("/help/mails/").status_code in (403, 404)


def test_a_strangers_mail_becomes_a_ticket_when_somebody_says_so(client, settings):
    settings.MAIL_STRANGERS = False
    row = mailing.take(raw=letter("Where do I send it?", by="Zoë <zoe@elsewhere.example>"), transport="imap")
    address = f"/help/mails/{row.pk}/ticket/"
    client.force_login(member("mira", "checkout"))
    assert (client.post(address).status_code, Ticket.objects.count()) == (403, 0)
    client.force_login(platform_engineer())
    assert b"Make it a ticket" in client.get("/help/mails/").content
    made = {client.post(address).headers["location"] for _ in range(2)}
    opened = Ticket.objects.get()
    assert made == {opened.get_absolute_url()}
    assert (opened.asker.email, opened.messages.get().body) == (
        "zoe@elsewhere.example",
        "Where do I send it?",
    )
    row.refresh_from_db()
    assert (row.action, row.ticket, row.reason) == ("new", opened, "Priya made it a ticket.")
    assert b"Make it a ticket" not in client.get("/help/mails/").content


def test_what_a_machine_sent_becomes_no_ticket(client):
    row = mailing.take(raw=letter(Auto_Submitted="auto-replied"), transport="imap")
    client.force_login(platform_engineer())
    shown = client.post(f"/help/mails/{row.pk}/ticket/", follow=True).content
    assert (b"Only what a person wrote" in shown, Ticket.objects.count()) == (True, 0)
