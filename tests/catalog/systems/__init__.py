"""Small systems in the styles people write them, each with the edges its files show and traps beside them.

One text file each: `=== path` begins a file, `=== EDGES` the truth (`from -> to kind`), `=== DANGLING` the
addresses that lead nowhere (`from: host`).
"""

from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Written:
    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    edges: dict[tuple[str, str], str] = field(default_factory=dict)
    dangling: set[tuple[str, str]] = field(default_factory=set)


def load() -> list[Written]:
    return [parse(path.stem, path.read_text()) for path in sorted(HERE.glob("*.txt"))]


def parse(name: str, text: str) -> Written:
    system = Written(name)
    for part in ("\n" + text).split("\n=== ")[1:]:
        title, _, body = part.partition("\n")
        if title == "EDGES":
            system.edges = dict(_edge(line) for line in body.strip().splitlines())
        elif title == "DANGLING":
            pairs = (line.split(": ") for line in body.strip().splitlines())
            system.dangling = {(source, host) for source, host in pairs}
        else:
            system.files[title.strip()] = body.encode() + b"\n"
    return system


def _edge(line: str) -> tuple[tuple[str, str], str]:
    source, _, target, kind = line.split()
    return (source, target), kind
