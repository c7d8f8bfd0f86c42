"""What is wrong with a descriptor, for a person: field, rule, message and the nearest value that passes."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from services.catalog.descriptors.reading import Path

MOST, LONGEST = 50, 600


@dataclass(frozen=True)
class Problem:
    field: str
    rule: str
    message: str
    suggestion: str = ""
    line: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """A problem at a path; its line is filled in by who knows the document."""

    path: Path
    rule: str
    message: str
    suggestion: str = ""

    def at(self, line: int) -> Problem:
        said = short(self.message), short(self.suggestion)
        return Problem(short(dotted(self.path)), self.rule, *said, line)


def short(text: str) -> str:
    """Nobody reads more than this of one problem."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def first_of(found: Iterable[Found]) -> list[Found]:
    """As many problems of one document as anybody reads at once; that there are more is said at the end."""
    problems = list(islice(found, MOST + 1))
    if len(problems) <= MOST:
        return problems
    more = Found((), "more", f"there are more than {MOST} problems; correct these first", "")
    return [*problems[:MOST], more]


def dotted(path: Path) -> str:
    """`metadata.tags[0]`, and `metadata.annotations["a/b"]` for keys that are no plain words."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z_$][\w$-]*", part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text or "(root)"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that somebody probably meant, or nothing."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def as_name(text: str) -> str:
    """The nearest valid entity name."""
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", re.sub(r"[^A-Za-z0-9_.]+", "-", text)[:63])


def as_label(text: str) -> str:
    """The nearest valid namespace."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:63].strip("-")


def as_tag(text: str) -> str:
    """The nearest valid tag."""
    return re.sub(r"[^a-z0-9:+#]+", "-", text.lower())[:63].strip("-")


def as_key(text: str) -> str:
    """The nearest valid key of a label or an annotation."""
    prefix, slash, name = text.replace(" ", "-").rpartition("/")
    host = ".".join(filter(None, map(as_label, re.split("[./]", prefix))))[:253].strip(".-")
    return f"{host}/{as_name(name)}" if slash and host and as_name(name) else as_name(name or prefix)


def as_url(text: str) -> str:
    """The nearest whole address: a host written without its scheme gets one."""
    rest = text.strip().removeprefix("//")
    return (
        f"https://{rest}"
        if re.match(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+(:\d+)?(/\S*)?$", rest)
        else "https://…"
    )


def shown(value: Any) -> str:
    """A value short enough for a sentence."""
    text = value if isinstance(value, str) else repr(value)
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
