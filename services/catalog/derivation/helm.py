"""Charts that nobody rendered: values put in where a template names them plainly, the rest left out.

This is no template engine. A condition counts as true and a loop as one turn, so that addresses written into
a chart can be seen; what stays unclear is dropped with its line.
"""

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from services.catalog.derivation.trees import plain
from services.catalog.descriptors.reading import read

ACTION = re.compile(r"\{\{((?:[^{}]|\{(?!\{)|\}(?!\}))*+)\}\}")
CONTROL = re.compile(r"^(?:(?:if|else|end|range|with|define|block|fail)\b|/\*|\$\w+\s*:?=)")
PATH = re.compile(r"^(?:\$)?\.Values\.([\w.-]+)$")
DEFAULT = re.compile(r"\bdefault\s+\"([^\"]*)\"")
LITERAL = re.compile(r"^\"([^\"]*)\"$")
LABELS = re.compile(r"(selector|match)?labels", re.IGNORECASE)
INDENT = re.compile(r"n?indent\s+([0-9]{1,2})\b")
BRANCH = re.compile(r"\{\{-?\s*(if|with|range|define|block|end|else)\b")
MAX_SIZE = 512 * 1024
MAX_VALUE = 1_000


def is_template(path: str, content: bytes) -> bool:
    return "/templates/" in f"/{path}" and b"{{" in content and len(content) <= MAX_SIZE


def rendered(path: str, files: Mapping[str, bytes]) -> bytes:
    """A template as it would roughly come out with the chart's own values; lines keep their numbers."""
    chart = f"/{path}".rpartition("/templates/")[0].lstrip("/")
    values = _values(files.get(posixpath.join(chart, "values.yaml"), b""))
    name = posixpath.basename(chart) or "chart"
    text = files[path].decode(errors="replace")
    return "\n".join(_line(line, values, name) for line in _first_branches(text)).encode()


def _values(content: bytes) -> Any:
    documents = read(content)
    return documents[0].data if documents and not documents[0].problem else {}


def _first_branches(text: str) -> list[str]:
    """The lines, blank where they stand under an `else`."""
    kept, depth, dropped = [], 0, 0
    for line in text.split("\n"):
        for match in BRANCH.finditer(line):
            word = match[1]
            if word == "end":
                dropped = 0 if dropped == depth else dropped
                depth -= 1
            elif word == "else":
                dropped = dropped or depth
            else:
                depth += 1
        kept.append("" if dropped else line)
    return kept


def _line(line: str, values: Any, chart: str) -> str:
    whole = line.strip()
    if whole.startswith("{{") and whole.endswith("}}") and whole.count("{{") == 1:
        return _block(ACTION.sub(_bare, whole), chart)
    return ACTION.sub(lambda match: _action(_bare(match), values, chart), line)


def _bare(match: re.Match[str]) -> str:
    """An action without what trims the space around it."""
    return match[1].removeprefix("-").removesuffix("-").strip()


def _block(action: str, chart: str) -> str:
    """An action that stands alone makes whole lines: only the labels of a selector are worth guessing."""
    depth = INDENT.search(action)
    if action.startswith("include") and LABELS.search(action) and depth:
        return " " * int(depth[1]) + f"app.kubernetes.io/name: {chart}"
    return ""


def _action(action: str, values: Any, chart: str) -> str:
    if CONTROL.match(action):
        return ""
    first, _, rest = action.partition("|")
    told = _told(first.strip(), values, chart)
    default = DEFAULT.search(action)
    told = told or (default[1] if default else "")
    return f'"{told}"' if "quote" in rest else told


def _told(expression: str, values: Any, chart: str) -> str:
    if match := PATH.match(expression):
        for key in match[1].split("."):
            values = values.get(key) if isinstance(values, dict) else None
        return plain(values)[:MAX_VALUE]
    if match := LITERAL.match(expression):
        return match[1]
    if expression.startswith(("include", "template", ".Chart.Name", "$.Chart.Name")):
        return "" if LABELS.search(expression) else chart
    return "default" if "Namespace" in expression else ""
