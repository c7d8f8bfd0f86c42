"""Labels of a copy beside its original: what selects the one must not select the other."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.manifests import objects
from services.manifests.copying.names import Names

Pair = tuple[str, str]
_HOLDERS = frozenset({"matchLabels", "selector", "labels"})
_NOT_OURS = frozenset({"nodeSelector", "namespaceSelector"})


def selecting(datas: Iterable[Mapping[str, Any]]) -> frozenset[Pair]:
    """Every label by which something of the set is selected, and which something of it carries."""
    datas = list(datas)
    asked = {pair for data in datas for pair in _asked(data)}
    carried = {pair for data in datas for pair in objects.pod_labels(data).items()}
    return frozenset(pair for pair in asked & carried if all(isinstance(part, str) for part in pair))


def _asked(data: Mapping[str, Any]) -> Iterator[Pair]:
    plain = data.get("kind") in ("Service", "ReplicationController")
    spec = data.get("spec")
    selector = spec.get("selector") if isinstance(spec, Mapping) else None
    if isinstance(selector, Mapping):
        wanted = selector if plain else selector.get("matchLabels")
        yield from (wanted if isinstance(wanted, Mapping) else {}).items()


def marked(value: Any, pairs: frozenset[Pair], names: Names, key: str = "") -> Any:
    """The same tree with those labels' values told apart, wherever they are carried or asked for."""
    if isinstance(value, Mapping):
        if key in _NOT_OURS:
            return value
        if key in _HOLDERS:
            return {each: _told_apart(each, below, pairs, names) for each, below in value.items()}
        return {each: marked(below, pairs, names, each) for each, below in value.items()}
    return [marked(each, pairs, names, key) for each in value] if isinstance(value, list) else value


def _told_apart(key: str, value: Any, pairs: frozenset[Pair], names: Names) -> Any:
    if isinstance(value, str):
        return names.renamed(value) if (key, value) in pairs else value
    return marked(value, pairs, names, key)
