"""What the set calls itself in texts, and what it calls others: addresses in the cluster's DNS."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.manifests.copying.model import Target

LONGEST = 63
# Texts that are no addresses, whatever they look like.
NOT_TEXT = frozenset(
    {
        "apiVersion", "kind", "image", "name", "namespace", "key", "caBundle", "labels", "matchLabels",
        "selector", "matchExpressions", "labelSelector", "podSelector", "namespaceSelector", "nodeSelector",
    }
)  # fmt: skip


def _any(names: Collection[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)"


@dataclass(frozen=True)
class Names:
    """`own`: Services of the set; `others`: Services beside them in the namespace they come from."""

    own: frozenset[str]
    others: frozenset[str]
    sources: frozenset[str]
    target: Target

    @cached_property
    def _full(self) -> re.Pattern[str]:
        """`wishlist.shop.svc.cluster.local` of the set, also with a pod before it; `wishlist.shop` alone."""
        own, source = _any(self.own), _any(self.sources)
        dns = rf"(?<![\w-])(?P<a>{own})\.(?:{source})(?P<rest>\.svc(?:\.[a-z0-9.-]*[a-z0-9])?)(?![\w-])"
        short = rf"(?<![\w.-])(?P<b>{own})\.(?:{source})(?![\w-]|\.\w)"
        return re.compile(f"{dns}|{short}", re.IGNORECASE)

    def _bare(self, names: Collection[str]) -> re.Pattern[str]:
        """A name alone where an address stands: after `://`, `@` or `(`, before a port, or all there is."""
        some = _any(names)
        return re.compile(
            rf"(?:(?<=://)|(?<=@)|(?<=@tcp\())(?P<a>{some})(?=$|[:/?#,;)\s\"'])"
            rf"|(?<![\w./@-])(?P<b>{some})(?=:\d{{2,5}}(?!\d))|\A(?P<c>{some})\Z"
            rf"|(?<=host=)(?P<d>{some})(?=$|[\s;,\"'])"
        )

    @cached_property
    def _bare_own(self) -> re.Pattern[str]:
        return self._bare(self.own)

    @cached_property
    def _bare_others(self) -> re.Pattern[str]:
        return self._bare(self.others)

    def address(self, name: str, rest: str = "") -> str:
        new = self.renamed(name)
        return f"{new}.{self.target.namespace}{rest}" if self.target.namespace else new

    def renamed(self, name: str) -> str:
        """The name in the copy; of one too long the middle goes, for its end tells it apart."""
        suffix = self.target.suffix
        return name[: LONGEST - len(suffix)].rstrip("-.") + suffix if suffix else name

    def told(self, text: str) -> str:
        """A text with the addresses of the set's own services as they are in the copy."""
        found = self._full.sub(lambda m: self.address((m["a"] or m["b"]).lower(), m["rest"] or ""), text)
        if self.target.suffix:
            found = self._bare_own.sub(lambda m: self.renamed(m.group(0)), found)
        return found

    def mentioned(self, text: str) -> set[str]:
        """Those of the others that a text means as an address, by the name alone."""
        return {match.group(0) for match in self._bare_others.finditer(text)}


def rewrite(value: Any, change: Callable[[str], str], key: str = "") -> Any:
    """The same tree with every text changed that may hold an address."""
    if key in NOT_TEXT:
        return value
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: rewrite(each, change, str(name)) for name, each in value.items()}
    return [rewrite(each, change, key) for each in value] if isinstance(value, list) else value


def texts(value: Any, key: str = "") -> Iterator[str]:
    """Every text of a tree that may hold an address."""
    if key in NOT_TEXT:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from texts(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, key)
