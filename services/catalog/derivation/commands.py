"""Command lines: flags with their values, waits for a port, and hosts among the words."""

import re
from collections.abc import Iterator

from services.catalog.derivation.vocabulary import CALLS

WORD = re.compile(r"[^\s;|&()\"'`<>]+")
DEVICE = re.compile(r"/dev/tcp/([\w.-]+)/(\d+)")
FLAG = re.compile(r"--?[A-Za-z]")
FLAGS_FOR_HOSTS = ("-h", "-H")
MAX_WORDS = 5_000

Said = tuple[str, str]


def of_arguments(arguments: list[str]) -> list[tuple[int, str, str]]:
    """(place, key, text) of arguments: `--addr x` under its flag, the rest to be read as a shell would."""
    said = []
    for place, argument in enumerate(arguments):
        before = arguments[place - 1] if place else ""
        is_value = FLAG.match(before) and "=" not in before and not argument.startswith("-")
        is_text = " " in argument.strip() or "\n" in argument
        said.append((place, "" if is_text or not is_value else before.lstrip("-"), argument))
    return said


def in_words(text: str) -> Iterator[Said]:
    """(key, value) of every word: a flag's value under the flag, a setting's under its name."""
    words = WORD.findall(text)[:MAX_WORDS]
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        yield from _one(word, before, words[max(0, place - 6) : place], words[place + 1 : place + 2])
    for match in DEVICE.finditer(text):
        yield "", f"{match[1]}:{match[2]}"


def _one(word: str, before: str, recent: list[str], after: list[str]) -> Iterator[Said]:
    name, equals, value = word.partition("=")
    if equals and "://" not in name and value:
        yield name.removeprefix("-D").lstrip("-"), value.replace("\\", "")
    elif any(each.rpartition("/")[2] in CALLS for each in recent) and not word.startswith("-"):
        port = after[0] if after and after[0].isdigit() else ""
        yield "host", f"{word}:{port}" if port else word
    elif FLAG.match(before) and "=" not in before and not word.startswith("-"):
        key = "host" if before in FLAGS_FOR_HOSTS else before.lstrip("-")
        yield key, word
    else:
        yield "", word
