"""Documents of other portals among the files of an import: taken in one by one, joined when all are seen."""

from dataclasses import dataclass, field

from services.catalog.descriptors.portals import Taken, take
from services.catalog.descriptors.portals.shapes import Yaml
from services.catalog.descriptors.problems import Found, first_of
from services.catalog.descriptors.reading import Document
from services.catalog.descriptors.refs import ref_of

__all__ = ["Foreign", "Visitor", "take"]


@dataclass
class Visitor:
    """One document of another portal: where it is, what it told."""

    file: str
    document: Document
    taken: Taken


@dataclass
class Foreign:
    """All of them; what one depends on may be another one of them, under the name its portal has for it."""

    visitors: list[Visitor] = field(default_factory=list)

    def join(self) -> None:
        """Write into each entity what it depends on, and note the names that nobody has."""
        known = {
            identity: ref_of(visitor.taken.entities[0])
            for visitor in reversed(self.visitors)
            for identity in visitor.taken.ids
            if visitor.taken.entities and not visitor.taken.errors
        }
        for visitor in self.visitors:
            needed = [known.get(need.name, need.ref) for need in visitor.taken.needs]
            refs = sorted({ref for ref in needed if ref})
            if refs and visitor.taken.entities:
                _depend(visitor.taken.entities[0], refs)
            visitor.taken.notes += [
                Found(need.path, "not-mapped", f"no file of this import is {need.name}")
                for need, ref in zip(visitor.taken.needs, needed, strict=True)
                if ref is None
            ]


def _depend(entity: Yaml, refs: list[str]) -> None:
    if entity["kind"] in ("Component", "Resource"):
        entity["spec"]["dependsOn"] = refs


def problems_of(taken: Taken) -> tuple[list[Found], list[Found]]:
    """What refuses the document, and what is only worth knowing; not more of either than anybody reads."""
    return first_of(taken.errors), first_of(taken.notes)
