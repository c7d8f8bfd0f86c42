"""Block Kit, built so that a value never becomes structure.

What people wrote stands in `plain_text`, where nothing is markup, or is given to `line`, which escapes it and
takes their meaning from the letters that format. Slack's limits are kept by cutting, visibly.
https://docs.slack.dev/reference/block-kit
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

Block = dict[str, Any]
TEXT, HEADER, BUTTON, OPTION, CHOSEN, TITLE, FIELD = 3000, 150, 75, 75, 150, 24, 3000
VALUE = 2000
MOST_BLOCKS, MOST_IN_VIEW, MOST_OPTIONS, MOST_BUTTONS = 50, 100, 100, 25
CUT = "…"
NOTHING = "—"
# What formats, by what looks like it and does not; an underscore within a word never does.
_ALIKE = {"*": "\u2217", "~": "\u223c", "`": "\u02cb", "_": "\uff3f", "": "\u200b"}
_MARKS = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)|^(?=&gt;)", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ENTITY = re.compile(r"&[a-z]{0,3}$")


class Safe(str):
    """Markup of our own."""


def escape(text: str) -> str:
    """The three characters that mean something to Slack, and none that changes how others are read."""
    return (
        _CONTROL.sub("", text.replace("\r\n", "\n"))
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )


def cut(text: str, most: int) -> str:
    """At most so many characters of escaped text; no entity is cut in two."""
    return text if len(text) <= most else _ENTITY.sub("", text[: most - 1]) + CUT


def plain(text: str, most: int = TEXT) -> Block:
    """Exactly these words; never empty, for Slack refuses that."""
    return {"type": "plain_text", "text": cut(escape(text).strip() or NOTHING, most), "emoji": False}


def line(template: str, **values: str) -> Safe:
    """Markup of ours with values in it: each is escaped unless it is `Safe`."""
    return Safe(template.format(**{name: _quoted(value) for name, value in values.items()}))


def _quoted(value: str) -> str:
    """Letters that format are replaced by others that look like them."""
    return value if isinstance(value, Safe) else _MARKS.sub(lambda found: _ALIKE[found[0]], escape(value))


def link(url: str, label: str) -> Safe:
    """Leads to a page of ours under a short name."""
    return Safe(f"<{url.replace('|', '%7C').replace('>', '%3E')}|{escape(label).replace('|', '¦')}>")


def person(slack_id: str) -> Safe:
    """Names somebody, who is told of it. What is no id names nobody."""
    return Safe(f"<@{slack_id}>" if re.fullmatch(r"[UW][A-Z0-9]{2,20}", slack_id) else "")


def mrkdwn(text: Safe) -> Block:
    """Nothing in it is made a link, a channel or a mention that is not marked as one."""
    return {"type": "mrkdwn", "text": cut(text, TEXT), "verbatim": True}


def section(text: Safe | Block, **more: Any) -> Block:
    return {"type": "section", "text": mrkdwn(text) if isinstance(text, Safe) else text, **more}


def words(text: str, most: int = 12) -> list[Block]:
    """What somebody said, in as many sections as it takes; `most` of them, then it is cut."""
    said = text.strip() or NOTHING
    parts: list[Block] = []
    while said and len(parts) < most:
        here = _fitting(said)
        parts.append(section(plain(said[:here])))
        said = said[here:].strip("\n")
    if said:
        parts[-1]["text"]["text"] = cut(parts[-1]["text"]["text"] + CUT, TEXT - 1) + CUT
    return parts


def _fitting(text: str) -> int:
    """How much of it fits into one section, broken at a line or a word where there is one late enough."""
    most = min(len(text), TEXT)
    while len(escape(text[:most])) > TEXT:
        most -= max(1, (len(escape(text[:most])) - TEXT) // 5)
    if most == len(text):
        return most
    for mark in ("\n", " "):
        if (at := text.rfind(mark, most // 2, most)) > 0:
            return at + 1
    return most


def context(*texts: Safe) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(" ".join(text.split()), HEADER)}


def divider() -> Block:
    return {"type": "divider"}


def button(label: str, action: str, value: str = "", *, url: str = "", style: str = "") -> Block:
    found: Block = {"type": "button", "text": plain(label, BUTTON), "action_id": action}
    extra = {"value": value[:VALUE], "url": url, "style": style}
    return found | {name: given for name, given in extra.items() if given}


def actions(*buttons: Block, name: str = "") -> Block:
    return {
        "type": "actions",
        "elements": list(buttons)[:MOST_BUTTONS],
        **({"block_id": name} if name else {}),
    }


def option(value: str, label: str) -> Block:
    return {"text": plain(label, OPTION), "value": value[:CHOSEN]}


def asks(
    name: str, label: str, element: Block, *, needed: bool, hint: str = "", watched: bool = False
) -> Block:
    """One question of a form. `name` is what it is answered and refused under."""
    found: Block = {
        "type": "input", "block_id": name, "label": plain(label, VALUE), "optional": not needed,
        "element": {**element, "action_id": name},
    }  # fmt: skip
    return (
        found
        | ({"hint": plain(hint, VALUE)} if hint else {})
        | ({"dispatch_action": True} if watched else {})
    )


def text_input(initial: str = "", *, lines: bool = False, most: int = FIELD) -> Block:
    found: Block = {"type": "plain_text_input", "multiline": lines, "max_length": min(most, FIELD)}
    return found | ({"initial_value": initial[: min(most, FIELD)]} if initial else {})


def number_input() -> Block:
    return {"type": "number_input", "is_decimal_allowed": True}


def select(choices: Iterable[tuple[str, str]], chosen: str = "") -> Block:
    """One of up to a hundred; Slack takes no more, and not none."""
    options = [option(value, label) for value, label in dict(choices).items() if value][:MOST_OPTIONS]
    initial = next((each for each in options if each["value"] == chosen), None)
    found: Block = {"type": "static_select", "options": options or [option("-", NOTHING)]}
    return found | ({"initial_option": initial} if initial else {})


def tick(label: str, *, ticked: bool = False) -> Block:
    one = option("yes", label)
    return {"type": "checkboxes", "options": [one]} | ({"initial_options": [one]} if ticked else {})


def modal(
    callback: str, title: str, blocks: Sequence[Block], *, submit: str = "Send", about: str = ""
) -> Block:
    found: Block = {
        "type": "modal", "callback_id": callback, "title": plain(title, TITLE),
        "close": plain("Cancel", TITLE), "blocks": list(blocks)[:MOST_IN_VIEW],
    }  # fmt: skip
    return found | ({"submit": plain(submit, TITLE)} if submit else {}) | {"private_metadata": about[:FIELD]}


def home(blocks: Sequence[Block]) -> Block:
    return {"type": "home", "blocks": list(blocks)[:MOST_IN_VIEW]}


def message(blocks: Sequence[Block], told: str) -> dict[str, Any]:
    """A message: `told` stands in notifications, and nothing anywhere in it is made a link or a mention."""
    return {
        "blocks": list(blocks)[:MOST_BLOCKS],
        "text": cut(escape(told).strip() or NOTHING, TEXT),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
