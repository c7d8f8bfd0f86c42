"""From what workloads are told to edges: whom each setting means, and how sure that is."""

import difflib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from services.catalog.derivation import keys, kinds
from services.catalog.derivation.addresses import Mention, in_part, in_urls, in_value
from services.catalog.derivation.commands import in_words
from services.catalog.derivation.expansion import expand
from services.catalog.derivation.masking import as_evidence, masked
from services.catalog.derivation.model import Edge, Evidence, Kind, Note, Setting, System, Workload
from services.catalog.derivation.names import (
    CLUSTER,
    Found,
    Names,
    is_address,
    is_in_cluster,
    is_local,
    is_outside,
)
from services.catalog.derivation.policies import Policy, Who
from services.catalog.derivation.trees import leaves
from services.catalog.derivation.vocabulary import OUTSIDE

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)*\Z")
DIRECTORY = 3
CROWD = 4
MANY_PODS = 3
MOST_EVIDENCE = 12
MOST_HINTS = 100


@dataclass(frozen=True)
class Claim:
    """One piece of evidence for one edge."""

    source: str
    target: str
    outside: bool
    trust: float
    evidence: Evidence
    block: str = ""


@dataclass
class Finder:
    """Collects claims, then weighs them."""

    names: Names
    system: System = field(default_factory=System)
    own_hosts: frozenset[str] = frozenset()
    claims: list[Claim] = field(default_factory=list)
    readers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    dangling: set[tuple[str, str]] = field(default_factory=set)

    def read(self, workload: Workload) -> None:
        """Everything that one workload's configuration says."""
        for setting in workload.settings:
            if setting.block:
                self.readers[setting.block].add(workload.name)
            for key, mention in mentions(setting, workload):
                self._take(workload, replace(setting, key=key), mention)
        for hint in workload.hints:
            found = self.names.find(hint.target.lower(), workload)
            evidence = Evidence(hint.file, hint.line, hint.key, masked(hint.value))
            for name in found.names if found else ():
                self.claims.append(Claim(workload.name, name, False, hint.trust, evidence))

    def allow(self, policies: Iterable[Policy], workloads: list[Workload]) -> None:
        """A policy that lets a few named pods reach a few named pods was written because they do."""
        for policy in policies:
            sources, targets = (
                {w.name for w in self._chosen(who, workloads) if who.matches(w, policy.space)}
                for who in (policy.source, policy.target)
            )
            if len(sources) <= MANY_PODS and len(targets) <= MANY_PODS:
                evidence = Evidence(policy.file, policy.line, policy.key, f"policy {policy.name}")
                self.claims += [
                    Claim(s, t, False, 0.6, evidence) for s in sorted(sources) for t in sorted(targets)
                ]

    def _chosen(self, who: Who, workloads: list[Workload]) -> list[Workload]:
        """Those that may match: found by a label where there is one."""
        return self.names.by_labels.get(who.labels[0], []) if who.labels else workloads

    def _take(self, reader: Workload, setting: Setting, mention: Mention) -> None:
        if is_local(mention.host) or mention.host in self.own_hosts:
            return
        if keys.is_mute(setting.key) and not keys.names_itself(setting.key, mention.host):
            return
        if mention.host.partition(".")[0] == reader.name.lower():
            return
        found = self.names.find(mention.host, reader) or self._discovered(mention)
        if found is None:
            self._unknown(reader, setting, mention)
        elif sureness := how_sure(setting, mention, found, self.system.nodes):
            for name in found.names or (found.outside,):
                trust = setting.trust * sureness * found.sureness
                self._claim(reader, setting, mention, name, not found.names, trust)

    def _discovered(self, mention: Mention) -> Found | None:
        """`lb://orders`: a name in a registry, which is the name the application gives itself."""
        known = (
            self.names.by_app.get(mention.host) if mention.scheme.startswith(("lb", "discovery")) else None
        )
        return Found((known,), sureness=0.95) if known else None

    def _claim(
        self, reader: Workload, setting: Setting, mention: Mention, name: str, outside: bool, trust: float
    ) -> None:
        meant = str(mention)
        shown = as_evidence(setting.value, meant) if setting.kind == "value" and not setting.secret else meant
        evidence = Evidence(setting.file, setting.line, setting.key or "args", shown)
        self.claims.append(Claim(reader.name, name, outside, trust, evidence, setting.block))

    def _unknown(self, reader: Workload, setting: Setting, mention: Mention) -> None:
        """A host nobody here has: outside, leading nowhere, or no host at all."""
        if speaks_of_outside(setting, mention):
            self._claim(reader, setting, mention, mention.host, True, min(setting.trust, 0.75))
        elif leads_nowhere(setting, mention):
            self._note_dangling(reader, setting, mention)

    def _note_dangling(self, reader: Workload, setting: Setting, mention: Mention) -> None:
        if (reader.name, mention.host) in self.dangling:
            return
        self.dangling.add((reader.name, mention.host))
        name = mention.host.split(".")[0]
        is_early = len(self.dangling) <= MOST_HINTS
        near = difflib.get_close_matches(name, self.system.nodes, 1, 0.7) if is_early else []
        hint = f"; did you mean {near[0]}?" if near else ""
        hint = f"; {name} is in another namespace" if near[:1] == [name] else hint
        message = f"nothing here is called {mention.host}{hint}"
        note = Note("dangling", setting.file, setting.line, message, reader.name, setting.key)
        self.system.notes.append(note)

    def finish(self) -> System:
        """Weigh the claims and write the edges, in a fixed order."""
        by_pair: dict[tuple[str, str], list[Claim]] = defaultdict(list)
        for claim in self._weighed():
            if claim.source != claim.target:
                by_pair[claim.source, claim.target].append(claim)
                if claim.outside:
                    self.system.nodes.setdefault(claim.target, "external")
        self.system.edges = [self._edge(*pair, by_pair[pair]) for pair in sorted(by_pair)]
        return self.system

    def _weighed(self) -> Iterator[Claim]:
        """The claims, with less trust in those of a block that several read whole."""
        targets: dict[str, set[str]] = defaultdict(set)
        for claim in self.claims:
            targets[claim.block].add(claim.target)
        for claim in self.claims:
            readers = self.readers.get(claim.block, set())
            if claim.block and len(readers) > 1:
                listed = targets[claim.block]
                few = len(listed) < DIRECTORY
                trust = 0.9 * claim.trust if few else self._of_directory(claim, readers, listed)
                yield replace(claim, trust=trust)
            else:
                yield claim

    def _of_directory(self, claim: Claim, readers: set[str], listed: set[str]) -> float:
        """A block with many addresses is a directory: what it lists is not what each of its readers uses.

        An entry that bears a reader's name is that reader's. Who stands in the directory is one it was
        written about, rather than written for. A crowd shares stores and brokers that bear nobody's name.
        """
        owners = owners_of(claim, readers)
        if owners:
            return min(claim.trust, 0.75) if claim.source in owners else claim.trust * 0.4
        is_store = not claim.outside and self.system.nodes[claim.target] != "service"
        if len(readers) >= CROWD:
            return min(claim.trust, 0.55 if is_store else 0.4)
        return claim.trust * 0.4 if claim.source in listed else min(claim.trust, 0.7)

    def _edge(self, source: str, target: str, claims: list[Claim]) -> Edge:
        proof = sorted({claim.evidence for claim in claims})
        best = max(claim.trust for claim in claims)
        confidence = min(0.99, best + 0.02 * (len(proof) - 1))
        kind = self._kind(source, target)
        return Edge(source, target, kind, confidence, proof[:MOST_EVIDENCE])

    def _kind(self, source: str, target: str) -> Kind:
        nodes = self.system.nodes
        watches = nodes.get(source) == "telemetry" and nodes[target] == "service"
        return "telemetry" if watches else nodes[target]


def leads_nowhere(setting: Setting, mention: Mention) -> bool:
    """Whether an unknown host was surely meant to be somebody in the cluster."""
    told = keys.is_address(setting.key) or (
        mention.form == "url" and mention.port and setting.kind == "value"
    )
    if mention.form == "host" or not told or is_address(mention.host):
        return False
    return is_in_cluster(mention.host) and bool(LABEL.match(mention.host))


def owners_of(claim: Claim, readers: set[str]) -> set[str]:
    """The readers whose name stands in key or target: `OrdersDbHost`, `orders-db` for `orders-service`.

    The name with the most words wins; an entry that is about the target alone has no owner.
    """
    told = {*keys.words(claim.evidence.key), *keys.words(claim.target)}
    sizes = {name: len(own) for name in readers if (own := keys.stem(name)) and own <= told}
    best = {name for name, size in sizes.items() if size == max(sizes.values())}
    return set() if claim.target in best else best


def mentions(setting: Setting, reader: Workload) -> Iterator[tuple[str, Mention]]:
    """(key, host) of everything a setting mentions, with variables put in."""
    text = expand(setting.value, reader.env)
    if setting.kind == "value":
        yield from ((setting.key, mention) for mention in in_value(text))
        if "\n" in text or " -" in text:
            yield from _of_words(text)
        elif text.lstrip()[:1] == "{":
            yield from _of_json(text)
    elif setting.kind == "words":
        yield from _of_words(text)
    else:
        yield from ((setting.key, mention) for mention in _of_line(setting.key, text))


def _of_json(text: str) -> Iterator[tuple[str, Mention]]:
    """A whole configuration in one variable."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return
    for key, value, _ in leaves(data):
        yield from ((key, mention) for mention in in_value(value))


def _of_words(text: str) -> Iterator[tuple[str, Mention]]:
    for key, value in in_words(text):
        yield from ((key, mention) for mention in in_value(value))


def _of_line(key: str, text: str) -> list[Mention]:
    """The hosts of a line of nginx, HAProxy and their like: bare names only where nothing better stands."""
    found = list(in_urls(text))
    parts = [each for part in text.replace(",", " ").split() if (each := in_part(part.strip(";{}()")))]
    pairs = [each for each in parts if each.form == "pair"]
    if found or pairs:
        return [*found, *pairs]
    return parts[:1] if keys.is_address(key) or key.endswith("_pass") else []


def how_sure(setting: Setting, mention: Mention, found: Found, nodes: dict[str, Kind]) -> float:
    """How certainly a known name under this key is an address; 0 for a mere word."""
    if mention.form in ("url", "dsn"):
        return _with_port(mention, found, 1.0)
    if mention.form == "pair":
        return _pair(setting.key, mention, found)
    return _bare(setting.key, mention, found, nodes, setting.kind == "text")


def _with_port(mention: Mention, found: Found, sureness: float) -> float:
    fits = not found.ports or mention.port is None or mention.port in found.ports
    return sureness if fits else sureness * 0.9


def _pair(key: str, mention: Mention, found: Found) -> float:
    if not keys.may_hold_pair(key):
        return 0.0
    fits = mention.port in found.ports
    if fits or keys.is_address(key) or keys.names_technology(key):
        return _with_port(mention, found, 1.0)
    return 0.8 if (mention.port or 0) >= 1000 else 0.0


def _bare(key: str, mention: Mention, found: Found, nodes: dict[str, Kind], is_line: bool) -> float:
    if CLUSTER.search(mention.host) and keys.may_hold_pair(key):
        return 0.95
    if keys.is_address(key) or (is_line and key.endswith("_pass")):
        return 0.95
    kind: str = nodes.get(found.names[0], "service") if found.names else "external"
    if keys.names_technology(key) and kind != "service":
        return 0.75
    if keys.names_store(key) and kind in ("datastore", "queue") and "-" in mention.host:
        return 0.7
    return 0.75 if keys.names_service(key, mention.host) else 0.0


def speaks_of_outside(setting: Setting, mention: Mention) -> bool:
    """Whether an unknown host is one outside that the workload really calls."""
    if (setting.kind != "value" and not setting.key) or keys.is_mute_outside(setting.key):
        return False
    told = keys.words(setting.key)
    is_key = keys.is_address(setting.key) or bool(told and OUTSIDE.intersection(told[-2:]))
    if is_address(mention.host):
        return is_key and mention.form != "host" and not mention.scheme.startswith("http")
    if not is_outside(mention.host):
        return False
    if mention.form == "url":
        return is_key or not mention.scheme.startswith("http")
    return is_key and (
        mention.form != "host" or mention.host.count(".") > 1 or mention.host.endswith((".com", ".net"))
    )


def kinds_of(workloads: Iterable[Workload]) -> dict[str, Kind]:
    """The nodes: each name once; a piece that knows its image tells more than one that does not."""
    nodes: dict[str, Kind] = {}
    for workload in sorted(workloads, key=lambda w: (not w.images, w.name)):
        kind = kinds.of_workload(workload)
        if nodes.setdefault(workload.name, kind) == "service" and workload.images:
            nodes[workload.name] = kind
    return nodes
