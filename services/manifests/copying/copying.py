"""The copy itself: what is left, what is renamed, what leads back, and what would be missing."""

import copy as copies
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.manifests import objects, pointers
from services.manifests.copying import hosts, kinds, labels, references, shrinking, spaces
from services.manifests.copying.model import (
    Copied,
    Item,
    Json,
    Left,
    Missing,
    Noted,
    Routed,
    Target,
    called,
)
from services.manifests.copying.names import Names, rewrite, texts

ROUTES: Final = "routes"  # the part that what leads back belongs to
_ASKED: Final = ("ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount", "SecretStore")
_ALWAYS_THERE: Final = frozenset({("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})


def copy(
    items: Sequence[Item], target: Target, *, source: str = "", beside: Collection[str] = (),
    there: Collection[tuple[str, str]] = (),
) -> Copied:  # fmt: skip
    """The objects of a set as they are in `target`; what is given stays as it was.

    `source` is the namespace of what names none; `beside` the Services there that do not go along: those the
    set speaks to are routed back. `there` are kind and name of what the target has already.
    """
    return _Copying(items, target, source, frozenset(beside), frozenset(there)).done()


@dataclass
class _Copying:
    items: Sequence[Item]
    target: Target
    source: str
    beside: frozenset[str]
    there: frozenset[tuple[str, str]]

    def done(self) -> Copied:
        self.out = Copied()
        kept = [Item(each.part, copies.deepcopy(each.data), each.path) for each in self._kept()]
        datas = [each.data for each in kept]
        self.own = {(objects.kind(each), objects.name(each)) for each in datas}
        self.made = {("Secret", name) for each in datas for name in kinds.secrets_made(each)}
        services = frozenset(name for kind, name in self.own if kind == "Service")
        spaces_of = {self.source, *map(objects.namespace, datas)} - {""}
        self.names = Names(services, self.beside - services, frozenset(spaces_of), self.target)
        self.pairs = labels.selecting(datas) if self.target.suffix else frozenset()
        self.out.hosts = hosts.mapped(datas, self.target)
        routed = self._routed(kept)
        self.out.items = [Item(each.part, self._one(each.data, bool(routed)), each.path) for each in kept]
        self.out.missing = self._missing(kept)
        self._lead_back(routed)
        return self.out

    def _kept(self) -> Iterator[Item]:
        """Also the items of Lists; of two of one kind and name the last, as when they are applied in turn."""
        found: dict[tuple[str, str, str], Item] = {}
        for item in _flat(self.items):
            if reason := kinds.why_not(item.data, small=self.target.small):
                self.out.left.append(Left(called(item.data), reason, item.part))
            else:
                key = (objects.group(item.data), objects.kind(item.data), objects.name(item.data))
                found[key] = item
        yield from found.values()

    def _routed(self, kept: Sequence[Item]) -> dict[str, set[str]]:
        """Services outside the set by who of the set speaks to them."""
        found: dict[str, set[str]] = defaultdict(set)
        for item in kept:
            for text in texts({key: value for key, value in item.data.items() if key != "metadata"}):
                for name in self.names.mentioned(text):
                    found[name].add(item.part)
            for each in references.references(item.data):
                if each.kind == "Service" and each.name in self.names.others:
                    found[each.name].add(item.part)
        return found

    def _one(self, data: Json, routed: bool) -> Json:
        """One object as it is in the copy."""
        self.out.notes += shrinking.cleaned(data, self.target)
        if self.target.small:
            self.out.notes += shrinking.shrunk(data, self.target)
        told = rewrite({key: value for key, value in data.items() if key != "metadata"}, self._told)
        data.update(told)
        marks = data["metadata"].get("annotations")
        if isinstance(marks, dict):
            data["metadata"]["annotations"] = {key: self._told(str(value)) for key, value in marks.items()}
        for host in hosts.named(data, self.target):
            self.out.hosts.setdefault(f"*:{objects.name(data)}", host)
        if self.target.small and hosts.without_certificates(data, self.own | self.made):
            self.out.notes.append(Noted(called(data), "shows the certificate that all previews share"))
        gateways = {name for kind, name in self.own if kind == "Gateway"}
        spaces.gateway_stays(data, self.source, gateways)
        if self.target.suffix:
            data = self._suffixed(data)
        accounts = {name for kind, name in self.own if kind == "ServiceAccount"} | {"default"}
        spaces.moved(data, self.target, self.source, accounts, routed)
        self._mark(data)
        return data

    def _told(self, text: str) -> str:
        for old, new in self.target.swaps.items():
            text = new + text[len(old) :] if text == old or text.startswith(f"{old}/") else text
        return self.names.told(hosts.exchanged_in(text, self.out.hosts))

    def _suffixed(self, data: Json) -> Json:
        """Every name of the set, and every label that selects it, told apart from the original's."""
        for each in list(references.references(data)):
            if (each.kind, each.name) in self.own | self.made:
                references.put(data, each.path, self.names.renamed(each.name))
        for path, subject in objects.entries(data, ("subjects",)):
            if (subject.get("kind"), subject.get("name")) in self.own:
                references.put(data, (*path, "name"), self.names.renamed(subject["name"]))
        data["metadata"]["name"] = self.names.renamed(objects.name(data))
        found: Json = labels.marked(data, self.pairs, self.names)
        return found

    def _mark(self, data: Json) -> None:
        """Labels on the object and its pods, annotations on the object."""
        about, at = data["metadata"], objects.pod_path(data)
        if self.target.labels:
            about["labels"] = {**(about.get("labels") or {}), **self.target.labels}
        if self.target.annotations:
            about["annotations"] = {**(about.get("annotations") or {}), **self.target.annotations}
        template = pointers.find(data, at[:-1]) if at and len(at) > 1 else None
        if isinstance(template, dict) and self.target.labels:
            pods = template["metadata"] = template.get("metadata") or {}
            pods["labels"] = {**(pods.get("labels") or {}), **self.target.labels}

    def _missing(self, kept: Sequence[Item]) -> list[Missing]:
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        here = self.own | self.made | self.there | _ALWAYS_THERE
        for item in () if self.target.suffix else kept:
            for each in references.references(item.data):
                key = (each.kind, each.name)
                if each.kind in _ASKED and not each.optional and key not in here:
                    found[key].add(item.part)
                    keys[key] |= {each.key} - {""}
        return [
            Missing(*key, tuple(sorted(parts)), tuple(sorted(keys[key])))
            for key, parts in sorted(found.items())
        ]

    def _lead_back(self, routed: Mapping[str, set[str]]) -> None:
        """A Service of the same name that leads to the original: no text needs to know."""
        for name, parts in sorted(routed.items()):
            address = f"{name}.{self.source}.svc.cluster.local"
            self.out.routed.append(Routed(name, address, tuple(sorted(parts))))
            if self.target.namespace == self.source or not self.source or ("Service", name) in self.there:
                continue
            data: Json = {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"type": "ExternalName", "externalName": address},
            }  # fmt: skip
            spaces.moved(data, self.target, self.source, (), routed=False)
            self._mark(data)
            self.out.items.append(Item(ROUTES, data))
            self.out.notes.append(Noted(called(data), f"leads to {address}"))


def _flat(items: Iterable[Item]) -> Iterator[Item]:
    for item in items:
        inner = item.data.get("items") if str(item.data.get("kind", "")).endswith("List") else None
        if isinstance(inner, list):
            yield from (Item(item.part, each, item.path) for each in inner if isinstance(each, dict))
        else:
            yield item
