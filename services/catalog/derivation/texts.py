"""Configuration files of any format into settings: YAML, JSON, TOML, properties, INI, nginx and its like."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from services.catalog.derivation import toml
from services.catalog.derivation.model import Setting
from services.catalog.derivation.trees import leaves, merged
from services.catalog.derivation.vocabulary import NOT_WANTED, endings
from services.catalog.descriptors.reading import read

MAX_LINES, MAX_KEY = 20_000, 200
ASSIGNMENT = re.compile(r"\s*(?:export\s+|ENV\s+)?([A-Za-z_][\w.\-\[\]]{0,150})\s*[=:](.*)\Z")
COMMENT = re.compile(r"^\s*(#|//|;|!|--|/\*|\*|rem\s)|(?<=\s)#.*$")
UPSTREAM = re.compile(r"^[ \t]*upstream[ \t]+[\"']?([\w.-]+)", re.MULTILINE)
TREES = (".yaml", ".yml", ".json")
LINES = (".properties", ".env", ".ini")
TEXTS = endings("conf cfg cnf template tmpl vcl hcl tf config river alloy xml")
SCRIPTS = (".sh", ".py", ".bash", ".ps1", ".bat")
DUMB = endings("sql html htm css js ts md csv svg lua pem crt key proto")

Row = tuple[str, str, int]


def settings_in(name: str, content: str, *, file: str, first: int = 1, trust: float = 0.95) -> list[Setting]:
    """What a configuration file says. `first` is the line of `file` that its first line stands on."""
    kind, rows = "value", _rows(name, content)
    if rows is None:
        script = name.lower().endswith(SCRIPTS)
        kind, rows = ("words", _script(content)) if script else ("text", _lines(content))
        trust = min(trust, 0.7) if script else trust
    return [
        Setting(key[:MAX_KEY], value, file, first + line - 1, trust, kind)  # type: ignore[arg-type]  # one of three
        for key, value, line in rows
    ]


def _rows(name: str, content: str) -> Iterable[Row] | None:
    """Keys and values of a format that has them; None when it is to be read line by line."""
    low = PurePosixPath(name).name.lower()
    if low.endswith(DUMB) or low in NOT_WANTED:
        return []
    if low.endswith(TREES):
        return _tree(low, content)
    if low.endswith(".toml"):
        return toml.rows(content)
    if low.endswith(LINES) or low.startswith(".env") or _is_assignments(low, content):
        return assignments(content)
    return None


def _tree(name: str, content: str) -> list[Row] | None:
    documents = read(content.encode(), as_json=name.endswith(".json"))
    if any(document.problem for document in documents):
        return None
    return [row for document in documents for row in leaves(merged(document.data), document.line_of)]


def _is_assignments(name: str, content: str) -> bool:
    """A file without a telling name that holds nothing but `key=value` lines."""
    if name.endswith(TEXTS) or name.endswith(SCRIPTS):
        return False
    told = [line for line in content.splitlines()[:200] if line.strip() and not COMMENT.match(line)]
    return bool(told) and all("=" in line or line.strip().startswith("[") for line in told)


def assignments(content: str) -> Iterator[Row]:
    """`KEY=value`, `key: value`, `export KEY="value"`; comments and sections left out."""
    section = ""
    for number, line in enumerate(content.splitlines()[:MAX_LINES], 1):
        bare = line.strip()
        if bare.startswith("[") and bare.endswith("]"):
            section = bare.strip("[]").strip()[:MAX_KEY] + "."
        elif bare and bare[0] not in "#;!" and (match := ASSIGNMENT.match(line)):
            yield section + match[1], _unquoted(match[2].strip()), number


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "\"'" and value[0] in value[1:]:
        return value[1 : value.index(value[0], 1)]
    return value.partition(" #")[0].rstrip()


def _lines(content: str) -> Iterator[Row]:
    """(first word, the rest, line) of what is no comment. An upstream's name in nginx is no host."""
    groups = "|".join(re.escape(name) for name in UPSTREAM.findall(content)[:200])
    named = re.compile(rf"://(?:{groups})(?=[/;\s]|$)") if groups else None
    for number, line in enumerate(content.splitlines()[:MAX_LINES], 1):
        told = COMMENT.sub("", line).strip() if not COMMENT.match(line) else ""
        if told:
            told = named.sub("://upstream.invalid", told) if named else told
            key, _, rest = (
                told.replace("=", " ", 1).partition(" ")
                if "://" not in told.split(" ")[0]
                else ("", "", told)
            )
            yield key.strip("\"':<>{}"), rest.strip().rstrip(";{"), number


def _script(content: str) -> Iterator[Row]:
    for number, line in enumerate(content.splitlines()[:MAX_LINES], 1):
        if not COMMENT.match(line) and line.strip():
            yield "", line, number
