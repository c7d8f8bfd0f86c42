"""Descriptors of a company of any size: N entities that say 4 N things of each other. The same each time."""

import random
from collections.abc import Iterator

WORDS = [
    "cart", "order", "price", "stock", "search", "pay", "ship", "return", "media", "review", "tax", "mail",
    "profile", "session", "ledger", "invoice", "refund", "basket", "wishlist", "voucher", "catalogue",
]  # fmt: skip
SYLLABLES = "ka lo mir ten ba ros ni vel du fa gor hi jen pol sa tu wen xi zor bel".split()  # noqa: SIM905  # legible
TYPES = ["service", "service", "service", "website", "worker", "library"]
LIFECYCLES = ["production", "production", "production", "experimental", "deprecated"]
KINDS = ["Component"] * 7 + ["API", "API", "Resource"]
ABOUT = "Keeps {what} for the {where} and tells the {who} about {why}."


class Company:
    """Grows: `more(n)` gives the descriptors of the next n entities."""

    def __init__(self, seed: int = 7) -> None:
        self.chance = random.Random(seed)
        self.count = 0
        self.teams: list[str] = []
        self.systems: list[str] = []
        self.components: list[str] = []

    def more(self, entities: int) -> Iterator[str]:
        teams, systems = max(5, entities // 100), max(5, entities // 50)
        for _ in range(teams):
            yield self._team()
        for _ in range(systems):
            yield self._system()
        for _ in range(entities - teams - systems):
            yield self._other()

    def _team(self) -> str:
        self.teams.append(f"team-{len(self.teams)}")
        return _document("Group", self.teams[-1], "", "type: team\n  children: []")

    def _system(self) -> str:
        self.systems.append(f"system-{len(self.systems)}")
        return _document("System", self.systems[-1], "", f"owner: {self.chance.choice(self.teams)}")

    def _made_up(self) -> str:
        """A word of its own: there are some eight thousand."""
        return "".join(self.chance.choice(SYLLABLES) for _ in range(3))

    def _other(self) -> str:
        pick, self.count = self.chance.choice, self.count + 1
        kind = pick(KINDS)
        name = (
            f"{pick(WORDS)}-{pick(WORDS)}-{self.count}"
            if self.count % 2
            else f"{self._made_up()}-{self.count}"
        )
        spec = f"type: {pick(TYPES) if kind == 'Component' else 'openapi' if kind == 'API' else 'database'}"
        spec += f"\n  owner: {pick(self.teams)}\n  system: {pick(self.systems)}"
        if kind != "Resource":
            spec += f"\n  lifecycle: {pick(LIFECYCLES)}"
        if kind == "API":
            spec += "\n  definition: 'openapi: 3.1.0'"
        if kind == "Component":
            needs = {pick(self.components) for _ in range(pick(range(6)))} if self.components else set()
            spec += f"\n  dependsOn: [{', '.join(f'component:{n}' for n in sorted(needs))}]"
            self.components.append(name)
        told = ABOUT.format(what=pick(WORDS), where=pick(WORDS), who=pick(WORDS), why=pick(WORDS))
        return _document(kind, name, f"  tags: [{pick(WORDS)}]\n  description: {told}\n", spec)


def _document(kind: str, name: str, more: str, spec: str) -> str:
    head = f"apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n{more}"
    return f"{head}spec:\n  {spec}\n"
