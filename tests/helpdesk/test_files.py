"""Files with what somebody says: known by their bytes, sealed when they leave, seen with their message."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from services.helpdesk import actions, files
from services.helpdesk.models import Attachment, Pending, Ticket
from services.helpdesk.states import State
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import ticket, ticket_in

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/png")


def send(client: Client, made: Ticket, *given: SimpleUploadedFile, **fields: str):
    url = reverse("helpdesk:ticket_reply", args=[made.key])
    return client.post(url, {"body": "See there.", "nonce": "n", "attached": list(given), **fields})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0abc", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", ""),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"\x1f\x8b\x08\x00", "application/gzip"),
        ("replicas: 2 # größer\n\x1b[31mred".encode(), "text/plain"),
        (SCRIPT, "text/plain"),
        (b"MZ\x90\x00\x03", ""),
        (b"\x7fELF\x02", ""),
        (b"caf\xe9 latin", ""),
        (b"", ""),
    ],
)
def test_what_a_file_is_is_read_from_its_bytes(content: bytes, kind: str) -> None:
    assert files.kind_of(content) == kind


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.png", "b.png"),
        ("a\x00\n\u202eb.txt", "ab.txt"),
        ("", "file"),
    ],
)
def test_names_are_text_without_folders(given: str, kept: str) -> None:
    assert files.name_of(given) == kept


def test_a_reply_carries_files_once_and_shows_pictures() -> None:
    made, mira = ticket(), member("mira", "checkout")
    client = client_of(mira)
    for _ in range(2):
        given = upload("<b>shot.png", PNG), upload("page.png", SCRIPT)
        assert send(client, made, *given, soon="1").status_code == 302
    picture, other = Attachment.objects.order_by("pk")
    assert (picture.kind, other.kind, Pending.objects.count()) == ("image/png", "text/plain", 0)
    page = client.get(made.get_absolute_url()).content.decode()
    address = reverse("helpdesk:ticket_file", args=[made.key, picture.pk])
    assert (page.count("<img"), "&lt;b&gt;shot.png" in page, f'src="{address}?show=1"' in page) == (
        1,
        True,
        True,
    )


@pytest.mark.parametrize("show", ["", "?show=1"])
@pytest.mark.parametrize(("content", "drawn"), [(PNG, True), (SCRIPT, False), (b"%PDF-1.7", False)])
def test_only_pictures_are_shown_and_nothing_runs(content: bytes, drawn: bool, show: str) -> None:
    made, mira = ticket(), member("mira", "checkout")
    send(client_of(mira), made, upload("a b.html", content))
    row = Attachment.objects.get()
    answer = client_of(mira).get(reverse("helpdesk:ticket_file", args=[made.key, row.pk]) + show)
    inline = drawn and bool(show)
    assert answer.content == content
    assert answer["Content-Type"] == ("image/png" if inline else "application/octet-stream")
    assert answer["Content-Disposition"] == (
        "inline" if inline else "attachment; filename*=UTF-8''a%20b.html"
    )
    assert (answer["X-Content-Type-Options"], "sandbox" in answer["Content-Security-Policy"]) == (
        "nosniff",
        True,
    )


def test_files_are_seen_with_their_message_only() -> None:
    made, priya, mira = ticket(private=True), platform_engineer(), member("mira", "checkout")
    send(client_of(priya), made, upload("note.png", PNG), vis="note")
    send(client_of(mira), made, upload("asked.png", PNG))
    note, asked = (
        reverse("helpdesk:ticket_file", args=[made.key, row.pk]) for row in Attachment.objects.all()
    )
    elsewhere = reverse("helpdesk:ticket_file", args=[ticket().key, Attachment.objects.last().pk])

    def seen(user) -> list[int]:
        return [client_of(user).get(url).status_code for url in (note, asked, elsewhere)]

    assert seen(priya) == [200, 200, 404]
    assert seen(mira) == [404, 200, 404]
    assert seen(member("noah", "checkout")) == [404, 404, 404]
    assert "note.png" not in client_of(mira).get(made.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([upload("setup.exe", b"MZ\x90\x00")], "“setup.exe” is none of pictures"),
        ([upload("big.txt", b"a" * (files.LARGEST + 1))], "“big.txt” is larger than 5 MB"),
        ([upload(f"{n}.txt", b"a") for n in range(6)], "5 files at once are enough"),
    ],
)
def test_what_is_not_taken_is_named_and_the_words_stay(given: list, said: str) -> None:
    made, mira = ticket(), member("mira", "checkout")
    answer = send(client_of(mira), made, *given, body="A long story")
    page = answer.content.decode()
    assert (answer.status_code, said in page, "A long story" in page) == (422, True, True)
    assert (made.messages.count(), Attachment.objects.count()) == (1, 0)


def test_a_question_is_asked_with_files_and_follow_ups_keep_theirs() -> None:
    mira, closed = member("mira", "checkout"), ticket_in(State.CLOSED)
    asked = {"title": "It blinks", "body": "Look.", "category": "broken", "impact": "me", "urgency": "soon"}
    client_of(mira).post("/help/ask/", {**asked, "attached": [upload("shot.png", PNG)]})
    assert Attachment.objects.get().message.ticket.title == "It blinks"
    send(client_of(mira), closed, upload("again.png", PNG))
    assert Attachment.objects.last().message.ticket.follows == closed


def test_files_go_with_their_message_when_tickets_merge() -> None:
    priya, mira = platform_engineer(), member("mira", "checkout")
    one, two = ticket(title="One"), ticket(title="Two")
    send(client_of(mira), one, upload("shot.png", PNG))
    actions.merge(ticket=one, into=two, by=priya)
    url = reverse("helpdesk:ticket_file", args=[two.key, Attachment.objects.get().pk])
    assert client_of(mira).get(url).status_code == 200
