"""A desk connected with a workspace: deliveries as Slack sends them, and workers that do what follows."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from services.accounts.models import User
from services.effects.models import Effect, Silence
from services.helpdesk import actions
from services.helpdesk.models import Category, SlackLook, SlackPerson, Ticket
from services.helpdesk.slack import wording
from services.integrations.slack import blocks
from tests.effects_driver import run_due_effects
from tests.factories.people import member, platform_engineer
from tests.fakes.slack import METHODS, SIGNING_SECRET, TOKEN, Workspace, signed

ASK, TEAM = "C0ASK", "G0TEAM"
MIRA, PRIYA, JONAS, ZOE = "U0MIRA", "U0PRIYA", "U0JONAS", "U0ZOE"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass
class Desk:
    """`mira` asks, `jonas` is a colleague of another team, `priya` is of the platform; Zoe is a stranger."""

    shop: Workspace
    client: Client
    mira: User
    jonas: User
    priya: User

    def send(self, door: str, body: bytes, kind: str = JSON, **headers: str) -> Any:
        given = signed(body, SIGNING_SECRET) | headers
        return self.client.post(f"/hooks/slack/{door}/", body, content_type=kind, headers=given)

    def event(self, *payloads: dict[str, Any]) -> None:
        """Deliver events and do what follows."""
        for payload in payloads:
            assert self.send("events", json.dumps(payload).encode()).status_code == 200
        self.work()

    def act(self, payload: dict[str, Any]) -> Any:
        answer = self.send("actions", urlencode({"payload": json.dumps(payload)}).encode(), FORM)
        self.work()
        return answer

    def command(self, text: str, user: str = MIRA, channel: str = ASK) -> list[dict[str, Any]]:
        """What is answered to a command."""
        said = self.shop.command(user, channel, text)
        assert self.send("commands", urlencode(said).encode(), FORM).content == b""
        self.work()
        return self.shop.answers[said["response_url"]]

    def shop_time_passes(self) -> None:
        """Slack may be asked again."""
        Silence.objects.all().delete()

    def work(self) -> None:
        run_due_effects(rounds=12, skip_waits=True)

    def mention(self, text: str = "Checkout is slow", user: str = MIRA, **more: Any) -> str:
        """Ask by a mention; the name of the message."""
        heard = self.shop.says(user, ASK, f"<@U0BOT> {text}", **more)
        self.event({**heard, "event": {**heard["event"], "type": "app_mention"}})
        return str(heard["event"]["ts"])

    def asked(self, text: str = "Checkout is slow", user: str = MIRA) -> tuple[Ticket, str]:
        """What comes of a mention, put there at once: a ticket, and its thread on either side."""
        ts = str(self.shop.says(user, ASK, f"<@U0BOT> {text}")["event"]["ts"])
        by = {MIRA: self.mira, JONAS: self.jonas}[user]
        given = {"title": text, "body": text, "impact": "me", "urgency": "soon", "channel": "slack"}
        made = actions.open_ticket(by=by, category=Category.objects.get(slug="other"), **given)
        event = made.events.get()
        for side, channel, root in (("asker", ASK, ts), ("team", TEAM, "")):
            rows, told = wording.told(event, made, side, direct=not root)
            said = {"channel": channel, **blocks.message(rows, told), **({"thread_ts": root} if root else {})}
            post = METHODS["chat.postMessage"](self.shop, said)
            thread = made.slack_threads.create(side=side, channel=channel, ts=root or post["ts"])
            thread.posts.create(ts=thread.ts, message=event.message, ours=not root, text=f"<@U0BOT> {text}")
        Effect.objects.filter(kind__startswith="slack.").delete()
        return made, ts

    def team_thread(self, of: Ticket) -> str:
        return str(of.slack_threads.get(side="team", active=True).ts)

    def said(self, channel: str, ts: str) -> list[str]:
        """What the app said in a thread, each message as one text."""
        rows = self.shop.thread(channel, ts)
        return [json.dumps(row.get("blocks"), ensure_ascii=False) for row in rows if row.get("bot_id")]

    def client_said(self) -> str:
        """What the page says that became of what came."""
        self.client.force_login(self.priya)
        return str(self.client.get("/help/slack/").content.decode())

    def trouble(self) -> list[str]:
        rows = Effect.objects.exclude(state="done").order_by("pk")
        return [f"{row.key} {row.state}: {row.last_error}" for row in rows]


def make(shop: Workspace, client: Client, settings: Any) -> Desk:
    settings.SLACK_ADDRESS, settings.SLACK_TOKEN = f"{shop.url}/api", TOKEN
    settings.SLACK_SIGNING_SECRET, settings.SLACK_TEAM_CHANNEL = SIGNING_SECRET, TEAM
    settings.BASE_URL, settings.HTTP_TIMEOUT = "https://slipway.example", 20.0
    shop.channel(ASK)
    shop.channel(TEAM, private=True)
    people = {
        MIRA: member("mira", "checkout"),
        JONAS: member("jonas", "discovery"),
        PRIYA: platform_engineer(),
    }
    for slack_id, user in people.items():
        shop.person(slack_id, user.email, name=user.name)
        SlackPerson.objects.create(slack_id=slack_id, user=user, name=user.name)
    shop.person(ZOE, "zoe@elsewhere.example", name="Zoe")
    SlackLook.objects.create(pk=1, team="Shop", team_id="T0SHOP", bot="U0BOT", is_closed=True)
    return Desk(shop, client, people[MIRA], people[JONAS], people[PRIYA])
