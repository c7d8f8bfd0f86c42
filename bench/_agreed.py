"""What the judges of `bench.agreement` share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Judged:
    file: str
    of: str
    expected: str
    found: str

    @property
    def agrees(self) -> bool:
        return self.found == self.expected


class Text(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # whichever this machine has
    """YAML as a Kubernetes API would give it back: no dates."""


Text.yaml_implicit_resolvers = {
    first: [each for each in known if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def first(path: Path) -> Iterator[dict[str, Any]]:
    """The object of a file; times stay text, as the API gives them."""
    yield next(each for each in yaml.load_all(path.read_bytes(), Loader=Text) if each)


def rows(judged: list[Judged]) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    for of in sorted({each.of for each in judged}):
        chosen = [each for each in judged if each.of == of]
        agreed = sum(each.agrees for each in chosen)
        listed.append({"of": of, "verdicts": len(chosen), "agreed": agreed, "share": agreed / len(chosen)})
    return listed
