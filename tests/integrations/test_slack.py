"""Slack asked over real HTTP, its webhooks' signatures, blocks and texts."""

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from services.effects.models import Silence
from services.integrations.errors import NotFound, Refused, Unauthorised, Unavailable
from services.integrations.slack import RateLimited, Slack, blocks, signing, texts
from tests.fakes import slack as fakes
from tests.fakes.slack.shapes import IN_MESSAGE, mentions, wrong_blocks, wrong_view

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def workspaces():
    with fakes.serving() as fresh:
        yield fresh


@pytest.fixture
def shop(workspaces, settings):
    made = workspaces()
    settings.SLACK_ADDRESS, settings.SLACK_TOKEN = f"{made.url}/api/", fakes.TOKEN
    settings.HTTP_TIMEOUT = 20.0
    made.person("U0MIRA", "mira@larkfield.shop")
    made.channel("C0ASK")
    return made


@pytest.fixture
def slack(shop):
    with Slack() as asked:
        yield asked


# Signatures.

BODY = b'{"type":"event_callback"}'


@pytest.mark.case("W1")
@pytest.mark.parametrize("signature", ["", "v0=", "v0=00", "v1=" + "0" * 64, "v0=é", "0" * 64])
def test_a_wrong_signature_proves_nothing(signature):
    headers = fakes.signed(BODY, "secret") | {"X-Slack-Signature": signature}
    assert not signing.proves("secret", headers, BODY)


def test_the_vector_that_slack_publishes_is_signed_alike():
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        b"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    told = signing.sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert told == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


@pytest.mark.case("W1")
def test_the_right_signature_counts_for_these_bytes_and_this_secret_alone():
    headers = fakes.signed(BODY, "secret")
    assert signing.proves("secret", headers, BODY)
    assert not signing.proves("secret", headers, BODY + b" ")
    assert not signing.proves("other", headers, BODY)
    assert not signing.proves("", fakes.signed(BODY, ""), BODY)


@pytest.mark.case("W4")
@pytest.mark.parametrize("off", [-301, 301, None])
def test_another_time_proves_nothing(off):
    at = "soon" if off is None else str(int(time.time()) + off)
    assert not signing.proves("secret", fakes.signed(BODY, "secret", at=at), BODY)


# The client.


def test_what_only_reads_is_asked_by_form_and_the_rest_in_json(shop, slack):
    posted = slack.call("chat.postMessage", channel="C0ASK", text="Hello", thread_ts=None)
    found = slack.call("conversations.replies", channel="C0ASK", ts=posted["ts"], include_all_metadata=True)
    assert [each["text"] for each in found["messages"]] == ["Hello"]
    assert [each.said.get("include_all_metadata") for each in shop.asked] == [None, "true"]


def test_rows_come_page_after_page(shop, slack, monkeypatch):
    shop.page = 2
    for number in range(5):
        shop.says("U0MIRA", "C0ASK", str(number))
    rows = slack.rows("conversations.history", "messages", channel="C0ASK")
    assert sorted(row["text"] for row in rows) == ["0", "1", "2", "3", "4"]
    monkeypatch.setattr("services.integrations.slack.client.MOST_PAGES", 1)
    with pytest.raises(Refused, match="pages"):
        list(slack.rows("conversations.history", "messages", channel="C0ASK"))


@pytest.mark.parametrize(
    ("fault", "error", "unknown", "code"),
    [
        ("500", Unavailable, True, ""), ("drop", Unavailable, True, ""), ("html", Unavailable, True, ""),
        ("list", Unavailable, True, ""), ("lost", Unavailable, True, ""), ("huge", Unavailable, True, ""),
        ("trouble", Unavailable, True, "internal_error"), ("revoked", Unauthorised, False, "token_revoked"),
        ("hidden", NotFound, False, "channel_not_found"), ("archived", Refused, False, "is_archived"),
        ("silent", Refused, False, "no reason"),
    ],
)  # fmt: skip
def test_failures_are_told_apart(shop, slack, fault, error, unknown, code):
    shop.misbehave("chat.postMessage", fault)
    with pytest.raises(error) as told:
        slack.call("chat.postMessage", channel="C0ASK", text="Hello")
    assert (type(told.value), told.value.outcome_unknown, told.value.code) == (error, unknown, code)
    shop.misbehave("auth.test", fault)
    with pytest.raises(error) as told:
        slack.call("auth.test")
    assert not told.value.outcome_unknown


def test_a_missing_right_is_named(shop, slack):
    shop.scopes.discard("chat:write")
    with pytest.raises(Unauthorised, match="it needs chat:write"):
        slack.call("chat.postMessage", channel="C0ASK", text="Hello")


def test_nobody_there_means_that_nothing_was_done(settings):
    with Slack(address="http://127.0.0.1:1/api") as asked, pytest.raises(Unavailable) as told:
        asked.call("chat.postMessage", channel="C0ASK", text="Hello")
    assert not told.value.outcome_unknown


@pytest.mark.parametrize(("fault", "wait"), [("429 long", 30), ("429 odd", 30), ("ratelimited", 30)])
def test_slack_is_left_alone_as_long_as_it_asks_for(shop, slack, fault, wait):
    shop.misbehave("chat.postMessage", fault)
    for _ in range(2):
        with pytest.raises(RateLimited) as told:
            slack.call("chat.postMessage", channel="C0ASK", text="Hello")
        assert 1 <= told.value.retry_after <= wait
    assert len(shop.asked) == 1, "the second time nobody asked"
    assert slack.call("auth.test")["user_id"] == "U0BOT", "another method is asked"
    Silence.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert slack.call("chat.postMessage", channel="C0ASK", text="Hello")["ok"]


def test_a_command_is_answered_where_it_came_from(shop, slack):
    url = shop.answer_url()
    slack.answer(url, text="Fine")
    assert shop.answers[url] == [{"text": "Fine"}]
    with pytest.raises(Refused, match="404"):
        slack.answer(f"{shop.url}/commands/0", text="Fine")
    for fault, error in (("429", RateLimited), ("503", Unavailable)):
        shop.misbehave("answer", fault)
        with pytest.raises(error):
            slack.answer(url, text="Fine")


@pytest.mark.case("S10")
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/commands/1", "https://hooks.slack.com/commands/1", "file:///etc/passwd", ""]
)
def test_answers_go_to_slack_alone(shop, slack, url):
    with pytest.raises(Refused, match="none of Slack"):
        slack.answer(url, text="Fine")
    assert shop.asked == []


@pytest.mark.case("S10")
def test_of_the_real_slack_answers_go_to_its_host_for_them_and_to_public_addresses(settings):
    with Slack(token="x", address="https://slack.com/api") as asked:
        for url in ("https://slack.com/commands/1", "https://hooks.slack.com.evil.example/commands/1"):
            with pytest.raises(Refused, match="none of Slack"):
                asked.answer(url, text="Fine")


# Blocks.

HOSTILE = "<!channel> <@U0MIRA> <http://evil.example|bank> *b* _i_ `c` ~s~ & \u202e{0.__class__}\x00"


@pytest.mark.case("E8")
@pytest.mark.case("X1")
def test_values_never_become_structure():
    said = blocks.message(
        [
            blocks.section(blocks.line("*{who}* asked {what}", who=HOSTILE, what=HOSTILE)),
            blocks.header(HOSTILE),
            *blocks.words(HOSTILE),
            blocks.context(
                blocks.line("{link}", link=blocks.link("https://slipway.example/help/T-1/", HOSTILE))
            ),
        ],
        HOSTILE,
    )
    assert list(wrong_blocks(said["blocks"], IN_MESSAGE, 50)) == []
    seen = mentions(said)
    assert [each.partition("|")[0] for each in seen] == ["https://slipway.example/help/T-1/"]
    told = json.dumps(said, ensure_ascii=False)
    assert "\u202e" not in told
    assert not any(mark in said["blocks"][0]["text"]["text"][3:] for mark in ("*b", "_i_", "`", "~"))


@pytest.mark.case("T5")
def test_what_looks_like_a_place_in_a_template_is_kept():
    assert blocks.line("{who}", who="{0.x} ${X} {{ y }} %(x)s") == "{0.x} ${X} {{ y }} %(x)s"


def test_letters_that_format_lose_their_meaning_but_not_within_a_word():
    assert blocks.line("{x}", x="a_b _c_\n> d") == "a_b \uff3fc\uff3f\n\u200b&gt; d"
    assert blocks.link("https://a.example/x|y>z", "a|b<") == "<https://a.example/x%7Cy%3Ez|a¦b&lt;>"


@pytest.mark.parametrize(
    ("given", "told"), [("U0MIRA", "<@U0MIRA>"), ("U0>x", ""), ("channel", ""), ("", "")]
)
def test_only_an_id_names_somebody(given, told):
    assert blocks.person(given) == told


def test_what_is_too_long_is_cut_and_no_entity_in_two():
    assert blocks.plain("&" * 5000)["text"].endswith("&amp;…")
    assert len(blocks.plain("&" * 5000)["text"]) <= 3000
    assert blocks.plain(" \x00 ")["text"] == "—"
    assert blocks.cut("abc&amp;", 6) == "abc…"


@pytest.mark.parametrize("letter", ["a", "&", "<", "\n", "word "])
def test_long_words_are_said_in_several_sections(letter):
    parts = blocks.words(letter * 9000 + "x")
    assert list(wrong_blocks(parts, IN_MESSAGE, 50)) == []
    whole = blocks.words("x " * 40_000, most=3)
    assert (len(whole), whole[-1]["text"]["text"].endswith("…")) == (3, True)
    assert "".join(part["text"]["text"] for part in blocks.words("ab\n" * 3000)).count("ab") == 3000


def test_a_form_keeps_slacks_limits():
    view = blocks.modal(
        "ask",
        "A title that is much too long for Slack",
        [
            blocks.asks("title", "In one line", blocks.text_input("x" * 5000, most=200), needed=True),
            blocks.asks("body", "What happens?", blocks.text_input(lines=True), needed=True, hint="Say it."),
            blocks.asks(
                "many", "Which?", blocks.select([("", "No"), *((str(n), "x" * 90) for n in range(150))], "7"),
                needed=False, watched=True,
            ),
            blocks.asks("none", "None?", blocks.select([]), needed=False),
            blocks.asks("size", "How big?", blocks.number_input(), needed=False),
            blocks.asks("private", "Private?", blocks.tick("Only me", ticked=True), needed=False),
            blocks.asks("other", "Other?", blocks.tick("Only me"), needed=False),
            blocks.divider(),
            blocks.actions(blocks.button("x" * 80, "go", "1", url="https://a.b", style="danger"), name="n"),
            blocks.actions(blocks.button("Go", "stay")),
        ],
        about="{}",
    )  # fmt: skip
    assert list(wrong_view(view, "modal")) == []
    assert list(wrong_view(blocks.home([blocks.header("Hello")] * 200), "home")) == []
    assert "submit" not in blocks.modal("x", "Seen", [blocks.divider()], submit="")


# Texts.

NAMES = {"U0MIRA": "@mira"}.get


@pytest.mark.case("E8")
@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("<@U0MIRA> and <@U0X|zoe> and <@U0Y>", "@mira and zoe and somebody"),
        ("<#C0ASK|ask> <#C0B>", "#ask #C0B"),
        ("<!channel> <!here|here> <!subteam^S1|@rota> <!date^1^x|today> <!odd>",
         "(everybody: channel) (everybody: here) rota today odd"),
        ("<http://evil.example|bank>", "bank (http://evil.example)"),
        ("<https://a.example> <https://a.example|a.example> <mailto:a@b.example|a@b.example>",
         "https://a.example https://a.example a@b.example"),
        ("1 &lt; 2 &amp;&amp; &lt;!channel&gt; &amp;lt;", "1 < 2 && <!channel> &lt;"),
    ],
)  # fmt: skip
def test_references_become_what_one_reads(given, read):
    assert texts.read(given, lambda slack_id: NAMES(slack_id) or "") == read


def test_a_mention_of_the_app_is_no_part_of_what_is_said():
    assert texts.without_mention("<@U0BOT> help <@U0BOT|slipway>", "U0BOT") == "help"


@pytest.mark.case("S10")
def test_files_are_linked_where_slack_keeps_them_and_nowhere_else():
    files = [
        {"name": "log](x).txt", "permalink": "https://shop.slack.com/files/U/F/log.txt"},
        {"name": "own", "permalink": "https://own.example/f"}, "odd", {"permalink": 7},
        *({"name": "evil", "permalink": url} for url in (
            "https://evil.example/slack.com", "https://evilslack.com/f", "http://shop.slack.com/f",
            "javascript:alert(1)", "https://u@slack.com/f", "https://slack.com/a)b", "https://[/",
        )),
    ]  # fmt: skip
    said = texts.said({"text": "See", "files": files}, lambda _: "", "own.example")
    assert said.count("](") == 2
    assert "[log  x .txt](https://shop.slack.com/files/U/F/log.txt)" in said
    assert "evil" in said
    assert "evil.example" not in said


def test_what_has_no_text_says_so():
    assert texts.said({"files": "no"}, lambda _: "") == texts.NO_TEXT
    assert texts.said({"text": 7, "files": [{"name": "[]"}]}, lambda _: "").endswith("- a file")


LONG = {"type": "plain_text", "text": "x" * 3001}
FINE = {"type": "plain_text", "text": "x"}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": LONG}, {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "section", "text": {"type": "plain_text", "text": ""}}, {"type": "input"}, {"type": "odd"},
        {"type": "context", "elements": []},
        {"type": "actions", "elements": [{"type": "button", "text": FINE}]},
        {"type": "section", "text": FINE, "block_id": "x" * 256},
        {"type": "section", "text": {**FINE, "verbatim": True}},
    ],
)  # fmt: skip
def test_the_workspace_of_the_tests_refuses_what_slack_refuses(shop, slack, block):
    with pytest.raises(Refused) as told:
        slack.call("chat.postMessage", channel="C0ASK", text="x", blocks=[block])
    assert told.value.code == "invalid_blocks"
    assert shop.messages["C0ASK"] == {}


def test_the_workspace_of_the_tests_counts_blocks_and_lets_a_trigger_work_once(shop, slack):
    many = [{"type": "divider"}] * 51
    with pytest.raises(Refused, match="invalid_blocks"):
        slack.call("chat.postMessage", channel="C0ASK", text="x", blocks=many)
    trigger, view = shop.trigger(), blocks.modal("x", "Hello", [blocks.divider()], submit="")
    slack.call("views.open", trigger_id=trigger, view=view)
    with pytest.raises(Refused, match="exchanged_trigger_id"):
        slack.call("views.open", trigger_id=trigger, view=view)
    with pytest.raises(Refused, match="invalid_arguments"):
        slack.call("views.open", trigger_id=shop.trigger(), view={**view, "title": LONG})
