"""Forms in Slack: the same questions as on the portal's pages, under the same names."""

import json
from collections.abc import Mapping
from typing import Any

from services.helpdesk import asks, live
from services.helpdesk.models import Category, Ticket
from services.helpdesk.states import CAUSE_HINTS, Cause, Impact, Urgency
from services.integrations.slack import blocks
from services.integrations.slack.blocks import Block

ASK, RESOLVE, REPLY = "ask", "resolve", "reply"
CATEGORY = "category"
Given = Mapping[str, str]


def ask(given: Given | None = None, *, about: Mapping[str, Any] | None = None) -> Block:
    """The asking form with the chosen category's own questions; `given` is what is filled in already."""
    known = given or {}
    categories = list(Category.objects.filter(active=True))
    chosen = next((each for each in categories if each.slug == known.get(CATEGORY)), None)
    rows = [*_first(known, categories), *_own(chosen, known), *_last(known)]
    return blocks.modal(ASK, "Ask for help", rows, submit="Ask", about=json.dumps(about or {}))


def _first(known: Given, categories: list[Category]) -> list[Block]:
    options = [(each.slug, each.title) for each in categories]
    category = blocks.select(options, known.get(CATEGORY, ""))
    title = blocks.text_input(known.get("title", ""), most=200)
    body = blocks.text_input(known.get("body", ""), lines=True)
    return [
        blocks.asks(CATEGORY, "What is it about?", category, needed=True, watched=True),
        blocks.asks("title", "In one line", title, needed=True),
        blocks.asks("body", "What happens, and what did you expect?", body, needed=True),
    ]


def _own(category: Category | None, known: Given) -> list[Block]:
    return [_asked(each, known) for each in asks.stored(category.fields)] if category else []


def _asked(each: asks.Ask, known: Given) -> Block:
    if each.kind == "yes":
        return blocks.asks(each.name, each.label, blocks.tick(each.label), needed=False)
    if each.kind in ("choice", "environment", "team"):
        return blocks.asks(each.name, each.label, blocks.select(asks.choices(each)), needed=each.required)
    if each.kind == "number":
        return blocks.asks(each.name, each.label, blocks.number_input(), needed=each.required)
    hint = "Its name in the catalog" if each.kind == "service" else ""
    element = blocks.text_input(
        known.get(each.name, ""), lines=each.kind == "long", most=3000 if each.kind == "long" else 300
    )
    return blocks.asks(each.name, each.label, element, needed=each.required, hint=hint)


def _last(known: Given) -> list[Block]:
    entity = blocks.text_input(known.get("entity", ""), most=400)
    environment = blocks.select(live.environments(), known.get("environment", ""))
    impact = blocks.select(Impact.choices, known.get("impact", Impact.TEAM))
    urgency = blocks.select(Urgency.choices, known.get("urgency", Urgency.SOON))
    hint = "Its name in the catalog, such as checkout"
    return [
        blocks.asks("entity", "About which service?", entity, needed=False, hint=hint),
        blocks.asks("environment", "In which environment?", environment, needed=False),
        blocks.asks("impact", "Who is held up by it?", impact, needed=True),
        blocks.asks("urgency", "How soon?", urgency, needed=True),
        blocks.asks(
            "private", "Who may read it?", blocks.tick("Only me and the platform team"), needed=False
        ),
    ]


def resolve(ticket: Ticket) -> Block:
    """Why it had to be a ticket, and how long it took."""
    causes = [(value, f"{label}: {CAUSE_HINTS[value]}") for value, label in Cause.choices]
    rows = [
        blocks.section(blocks.plain(ticket.title, 300)),
        blocks.asks("cause", "Why did this have to be a ticket?", blocks.select(causes), needed=True),
        blocks.asks("minutes", "How many minutes did it take?", blocks.text_input(most=6), needed=True),
    ]
    return blocks.modal(
        RESOLVE, ticket.key, rows, submit="Resolve", about=json.dumps({"ticket": ticket.number})
    )


def reply(ticket: Ticket) -> Block:
    """A public reply."""
    who = f"{ticket.asker} and everybody who sees the ticket reads it."
    rows = [
        blocks.section(blocks.plain(ticket.title, 300)),
        blocks.asks("body", "Public reply", blocks.text_input(lines=True), needed=True, hint=who),
        blocks.asks("wait", "And then", blocks.tick("Wait for an answer"), needed=False),
    ]
    return blocks.modal(REPLY, ticket.key, rows, submit="Send", about=json.dumps({"ticket": ticket.number}))


def answers(view: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, as a form on a page would send it."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    found: dict[str, str] = {}
    for name, elements in (values if isinstance(values, dict) else {}).items():
        for element in elements.values() if isinstance(elements, dict) else ():
            if isinstance(element, dict) and (value := _value(element)):
                found[str(name)] = value
    return found


def _value(element: Mapping[str, Any]) -> str:
    if element.get("type") == "checkboxes":
        return "on" if element.get("selected_options") else ""
    chosen = element.get("selected_option")
    value = chosen.get("value") if isinstance(chosen, dict) else element.get("value")
    return "" if value in (None, "-") else str(value).replace("\x00", "")


def about(view: Mapping[str, Any]) -> dict[str, Any]:
    """What the form was opened for; only we could write it."""
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
