"""What Slack takes as blocks and views. Each check says what is wrong, and nothing when all is fine.

https://docs.slack.dev/reference/block-kit/blocks
"""

import re
from collections.abc import Iterator
from typing import Any

IN_MESSAGE = {"section", "divider", "context", "actions", "header", "image", "rich_text"}
IN_VIEW = IN_MESSAGE | {"input"}
INPUTS = {"plain_text_input", "static_select", "checkboxes", "number_input"}
CONTROL = re.compile(r"<([^<>]*)>")


def wrong_blocks(blocks: Any, allowed: set[str], most: int) -> Iterator[str]:
    if not isinstance(blocks, list):
        yield "blocks: no list"
        return
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:/blocks]"
    names = [block["block_id"] for block in blocks if "block_id" in block]
    if len(names) != len(set(names)):
        yield "block_id is not unique"
    for number, block in enumerate(blocks):
        for told in _wrong_block(block, allowed):
            yield f"{told} [json-pointer:/blocks/{number}]"


def _wrong_block(block: Any, allowed: set[str]) -> Iterator[str]:
    kind = block.get("type")
    if kind not in allowed:
        yield f"unsupported type: {kind}"
    elif kind == "section":
        yield from _text(block.get("text"), 3000)
        if "accessory" in block:
            yield from _element(block["accessory"])
    elif kind == "header":
        yield from _text(block.get("text"), 150, plain=True)
    elif kind == "context":
        if not 1 <= len(block.get("elements", [])) <= 10:
            yield "between 1 and 10 elements"
        for element in block["elements"]:
            yield from _text(element, 3000)
    elif kind == "actions":
        if not 1 <= len(block.get("elements", [])) <= 25:
            yield "between 1 and 25 elements"
        for element in block["elements"]:
            yield from _element(element)
    elif kind == "input":
        yield from _text(block.get("label"), 2000, plain=True)
        if "hint" in block:
            yield from _text(block["hint"], 2000, plain=True)
        if block.get("element", {}).get("type") not in INPUTS:
            yield f"no input: {block.get('element')}"
        yield from _element(block["element"])
    if len(block.get("block_id", "")) > 255:
        yield "block_id is too long"


def _text(text: Any, most: int, plain: bool = False) -> Iterator[str]:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield "missing required field: text"
        return
    if text["type"] not in ("plain_text", *(() if plain else ("mrkdwn",))):
        yield f"unsupported type of text: {text['type']}"
    if not 1 <= len(text["text"]) <= most:
        yield f"must be between 1 and {most} characters, is {len(text['text'])}"
    if text["type"] == "mrkdwn" and "emoji" in text:
        yield "additional property: emoji"
    if text["type"] == "plain_text" and "verbatim" in text:
        yield "additional property: verbatim"


def _element(element: Any) -> Iterator[str]:
    kind = element.get("type")
    if not 1 <= len(element.get("action_id", "")) <= 255:
        yield "action_id between 1 and 255 characters"
    if kind == "button":
        yield from _text(element.get("text"), 75, plain=True)
        if element.get("style", "primary") not in ("primary", "danger"):
            yield "style"
        if len(element.get("value", "")) > 2000 or len(element.get("url", "")) > 3000:
            yield "value or url is too long"
    elif kind in ("static_select", "checkboxes"):
        yield from _options(element, most=100 if kind == "static_select" else 10)
    elif kind == "plain_text_input":
        if len(element.get("initial_value", "")) > element.get("max_length", 3000) or not (
            1 <= element.get("max_length", 3000) <= 3000
        ):
            yield "initial_value or max_length"
    elif kind == "number_input":
        if "is_decimal_allowed" not in element:
            yield "missing required field: is_decimal_allowed"
    else:
        yield f"unsupported element: {kind}"


def _options(element: Any, most: int) -> Iterator[str]:
    options = element.get("options", [])
    if not 1 <= len(options) <= most:
        yield f"between 1 and {most} options, are {len(options)}"
    if len({each["value"] for each in options}) != len(options):
        yield "values of options are not unique"
    for each in options:
        yield from _text(each.get("text"), 75)
        if not 1 <= len(each["value"]) <= 150:
            yield "value of an option"
    first = element.get("initial_options", [element[k] for k in ("initial_option",) if k in element])
    if any(each not in options for each in first):
        yield "initial option is not one of the options"


def wrong_view(view: Any, kind: str) -> Iterator[str]:
    if view.get("type") != kind:
        yield f"type is {view.get('type')}"
    if kind == "modal":
        for name in ("title", *(each for each in ("submit", "close") if each in view)):
            yield from _text(view.get(name), 24, plain=True)
        if any(block["type"] == "input" for block in view["blocks"]) and "submit" not in view:
            yield "missing required field: submit"
    if len(view.get("private_metadata", "")) > 3000 or len(view.get("callback_id", "")) > 255:
        yield "private_metadata or callback_id is too long"
    yield from wrong_blocks(view.get("blocks"), IN_VIEW, 100)


def mentions(said: dict[str, Any]) -> list[str]:
    """What Slack would act on in a message: people and channels told, links under another name."""
    texts = [] if said.get("mrkdwn") is False else [said.get("text", "")]
    # Names and channels are looked for in a fallback text whether it is markup or not.
    texts += [said.get("text", "")]
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("type") == "mrkdwn":
                texts.append(value["text"])
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(said.get("blocks", []))
    for text in texts:
        found += CONTROL.findall(text)
        if said.get("link_names") or said.get("parse") == "full":
            found += re.findall(r"@(?:channel|here|everyone)\b", text)
    return found
