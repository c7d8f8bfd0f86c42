"""Telling people once, the page that shows it, and the mail that follows."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from services.effects.models import Effect
from services.notices import actions, queries, tasks
from services.notices.actions import Words
from services.notices.models import Notice, Wish
from tests.effects_driver import run_due_effects
from tests.factories.people import UserFactory, member
from tests.fakes.smtp import Mailbox

pytestmark = pytest.mark.django_db
WORDS = Words(
    "Onboard wishlist (R-1001)", "Mira waits for a review.", "/requests/R-1001/", "bell", waits=True
)


@pytest.fixture
def sam():
    return member("sam", "checkout")


@pytest.fixture
def mailbox(settings):
    mailbox = Mailbox()
    settings.MAIL_URL = mailbox.url
    settings.BASE_URL = "https://portal.example"
    yield mailbox
    mailbox.close()


def tell(*people, key="R-1001/proposed/3", words=WORDS):
    return actions.tell(people=people, key=key, words=words, about=people[0])


def test_the_same_thing_is_told_once_and_the_next_time_it_happens_again(sam):
    mira = member("mira", "checkout")
    tell(sam)
    assert {row.person for row in tell(mira, sam)} == {mira, sam}
    tell(sam, mira)
    assert Notice.objects.count() == 2
    tell(sam, key="R-1001/proposed/9")
    assert queries.told(sam).unread().count() == 2


def test_the_database_refuses_what_two_workers_tell_at_once(sam):
    tell(sam)
    with pytest.raises(IntegrityError, match="notices_notice_once"), transaction.atomic():
        Notice.objects.create(person=sam, key="R-1001/proposed/3", icon="bell", title="x", url="/")


@pytest.mark.parametrize(
    ("wish", "waits", "mailed"),
    [
        (None, True, 1),
        (None, False, 0),
        (Wish.Mail.ALL, False, 1),
        (Wish.Mail.NOTHING, True, 0),
        (Wish.Mail.WAITS, True, 1),
    ],
)
def test_by_mail_comes_what_one_wants(sam, mailbox, wish, waits, mailed):
    if wish:
        actions.save_wish(by=sam, mail=wish)
    tell(sam, words=Words("Live", "It is live.", "/requests/R-1001/", "rocket", waits=waits))
    run_due_effects()
    tell(sam)
    run_due_effects()
    assert len(mailbox.taken) == mailed
    if mailed:
        letter = mailbox.taken[0]
        assert (letter["To"], letter["Subject"]) == ("sam@example.com", "Live")
        assert b"https://portal.example/requests/R-1001/" in letter.get_payload(decode=True)


def test_without_a_server_or_an_address_there_is_no_mail(sam, mailbox, settings):
    tell(UserFactory(username="machine", email=""))
    settings.MAIL_URL = ""
    tell(sam)
    assert not Effect.objects.exists()


@pytest.mark.parametrize("gone", ["read", "left", "no address", "forgotten"])
def test_what_nobody_waits_for_any_more_is_not_sent(sam, mailbox, gone):
    (notice,) = tell(sam)
    if gone == "read":
        actions.read(notice=notice)
    elif gone == "forgotten":
        notice.delete()
    else:
        type(sam).objects.filter(pk=sam.pk).update(
            **({"is_active": False} if gone == "left" else {"email": ""})
        )
    run_due_effects()
    effect = Effect.objects.get()
    assert (effect.state, bool(effect.result["skipped"]), mailbox.taken) == ("done", True, [])


def test_a_mail_whose_answer_was_lost_is_sent_again_and_shown_once(sam, mailbox):
    tell(sam)
    mailbox.orders["."] = b""
    run_due_effects()
    assert Effect.objects.get().state == "unknown"
    run_due_effects(skip_waits=True)
    assert (Effect.objects.get().state, len(mailbox.taken), len(mailbox.shown())) == ("done", 2, 1)


def test_what_was_said_long_ago_is_forgotten(sam):
    old, new = tell(sam)[0], tell(sam, key="later")[0]
    Notice.objects.filter(pk=old.pk).update(at=timezone.now() - actions.KEPT - timezone.timedelta(days=1))
    assert (tasks.forget(), Notice.objects.get()) == (1, new)


# the page


def test_notice_list_shows_what_is_mine_and_counts_what_is_new(client, sam, django_assert_max_num_queries):
    client.force_login(sam)
    assert "Nothing yet" in client.get("/notices/").content.decode()
    tell(sam, key="a")
    tell(sam, key="b")
    tell(member("mira", "checkout"), words=Words("For Mira alone", "", "/", "bell"))
    with django_assert_max_num_queries(12):
        html = client.get("/notices/").content.decode()
    assert html.count("Mira waits for a review.") == 2
    assert "For Mira alone" not in html
    assert '<span class="count hot">2' in html


def test_opening_one_reads_it_and_leads_there(client, sam):
    client.force_login(sam)
    notice, other = tell(sam, key="a")[0], tell(sam, key="b")[0]
    assert client.get(f"/notices/{notice.pk}/open/").status_code == 405
    assert client.post(f"/notices/{notice.pk}/open/")["Location"] == "/requests/R-1001/"
    first = Notice.objects.get(pk=notice.pk).read_at
    client.post(f"/notices/{notice.pk}/open/")
    assert Notice.objects.get(pk=notice.pk).read_at == first
    assert list(queries.told(sam).unread()) == [other]
    client.force_login(member("mira", "checkout"))
    assert client.post(f"/notices/{other.pk}/open/").status_code == 404


def test_reading_all_leaves_what_came_since(client, sam):
    client.force_login(sam)
    shown, later = tell(sam, key="a")[0], tell(sam, key="b")[0]
    for until in ("", "x", "9" * 30):
        client.post("/notices/read/", {"until": until})
    client.post("/notices/read/", {"until": shown.pk})
    assert list(queries.told(sam).unread()) == [later]


def test_the_wish_is_kept_where_there_is_mail(client, sam, mailbox, settings):
    client.force_login(sam)
    assert "By mail as well" in client.get("/notices/").content.decode()
    assert client.post("/notices/", {"mail": "all"}).status_code == 302
    assert client.post("/notices/", {"mail": "everything"}).status_code == 422
    assert queries.wish_of(sam).mail == "all"
    settings.MAIL_URL = ""
    assert "sends no mail" in client.get("/notices/").content.decode()


def test_names_are_said_in_words(sam):
    assert str(tell(sam)[0]) == "Onboard wishlist (R-1001), to Sam"
    assert str(queries.wish_of(sam)) == "Sam: what waits for me"
