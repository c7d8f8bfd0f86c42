"""YAML out: one text for one meaning, which every reader (Go, PyYAML, ruamel) reads back alike.

Strings stay plain only where no reader could take them for anything else; several lines become a `|` block;
the rest is double-quoted. Keys have a fixed order, nothing is folded, no anchors are written.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from services.manifests.reader import Document, ManifestError, load_all

__all__ = ["Document", "ManifestError", "dump", "load_all", "ordered"]

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
_SIZE = re.compile(r"[1-9][0-9]*(?:m|[KMGT]i)")  # 250m, 128Mi: no reader takes them for a number
_NOT_PLAIN: Final = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "none")
)
_BLOCK = re.compile(
    r"[^\s\x00-\x1f][^\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*"
)
_ASTRAL = re.compile(r"[\U00010000-\U0010ffff]")

_TOP: Final = ("apiVersion", "kind", "metadata", "type", "spec")
_METADATA: Final = ("name", "generateName", "namespace", "title", "description", "labels", "annotations")
_CONTAINER: Final = (
    *("name", "image", "imagePullPolicy", "command", "args", "workingDir", "ports", "envFrom", "env"),
    *("resources", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "securityContext"),
    "volumeMounts",
)
_SORTED: Final = frozenset(("labels", "annotations", "matchLabels", "nodeSelector", "data", "binaryData"))


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _style(text: str) -> str | None:
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN:
        return None
    return None if _SIZE.fullmatch(text) else '"'


def _is_block(text: str) -> bool:
    """Several lines that a `|` block keeps exactly, whoever reads it."""
    if "\n" not in text.rstrip("\n") and not text.endswith("\n"):
        return False
    if not _BLOCK.fullmatch(text) or _ASTRAL.search(text) or text.endswith("\n\n"):
        return False
    return not any(line != line.rstrip() for line in text.split("\n"))


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if _is_block(text) else _style(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _first(mapping: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    ranked = {key: mapping[key] for key in order if key in mapping}
    return ranked | {key: value for key, value in mapping.items() if key not in ranked}


def ordered(value: Any, key: str = "") -> Any:
    """The same data with keys in the order people expect; sorted where the order means nothing."""
    if isinstance(value, list):
        return [ordered(item, f"{key}[]") for item in value]
    if not isinstance(value, Mapping):
        return value
    if key in _SORTED:
        return {name: value[name] for name in sorted(value)}
    if key == "metadata":
        value = _first(value, _METADATA)
    elif key in ("containers[]", "initContainers[]"):
        value = _first(value, _CONTAINER)
    elif "apiVersion" in value and "kind" in value:
        value = _first(value, _TOP)
    return {name: ordered(each, name) for name, each in value.items()}


def dump(documents: Iterable[Document | Mapping[str, Any]], comment: str = "") -> str:
    """Documents as YAML text, `comment` in front of them; the same data always gives the same text."""
    datas = [ordered(each.data if isinstance(each, Document) else each) for each in documents]
    text = yaml.dump_all(
        datas,
        Dumper=_Dumper,
        width=2**31 - 1,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        explicit_start=len(datas) > 1,
    )
    return _comment_lines(comment) + text


def _comment_lines(comment: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
