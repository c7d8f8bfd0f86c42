"""The form that comes nearest to manifests nobody made with one, and its answers as they say them.

A blueprint's `places` lead from a field to its value in the objects; read the other way round they give the
answers. What has no place (a choice, a switch) is tried, and whatever renders most of what is there wins.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from services.manifests import pointers
from services.manifests.expressions import ExpressionError
from services.manifests.merging import same
from services.manifests.render import RenderError
from services.onboarding.blueprints.adopted import Adopted, aligned
from services.onboarding.blueprints.answers import fill, variables_of
from services.onboarding.blueprints.guard import Places
from services.onboarding.blueprints.model import Blueprint, Brought, Context, Field, nothing_exists
from services.onboarding.blueprints.parts import Part
from services.onboarding.blueprints.previous import ANSWERS
from services.onboarding.blueprints.tree import Tree, build

LEAST: Final = 0.12  # of what is there and what the form would make, in common
MOST_OPTIONS: Final = 6
Leaves = dict[tuple[str, ...], Any]


@dataclass(frozen=True)
class Found:
    """One object of a service as the repository has it."""

    environment: str
    file: str
    index: int
    data: dict[str, Any]

    @property
    def identity(self) -> tuple[str, str]:
        return _identity(self.data)


@dataclass(frozen=True)
class Kept:
    """A value that no field stands for, or (without `path`) a whole object."""

    file: str
    object: str
    path: str = ""
    value: str = ""


@dataclass(frozen=True)
class Adoption:
    blueprint: str
    adopted: Adopted
    kept: tuple[Kept, ...]
    share: float


def adoption_of(
    blueprints: Iterable[Blueprint], found: Sequence[Found], known: Mapping[str, Any], context: Context
) -> Adoption | None:
    """The nearest blueprint; None when none comes near.

    `known` is what the catalog says: name, owner, description, system, dependsOn, descriptor, path of it.
    """
    quiet = replace(context, existing=nothing_exists, fixed={}, request="", brought=Brought(), adopted=None)
    tried = [_Reading(each, found, known, quiet) for each in blueprints]
    near = sorted((each for each in tried if each.share > LEAST), key=lambda each: -each.share)
    if not near:
        return None
    best = near[0]
    best.try_choices()
    return best.adoption(context)


class _Reading:
    """One blueprint held against the objects."""

    def __init__(
        self, blueprint: Blueprint, found: Sequence[Found], known: Mapping[str, Any], context: Context
    ) -> None:
        self.blueprint, self.found, self.known = blueprint, found, known
        own = {each.name: self.given(each) for each in blueprint.fields.values() if each.is_identity}
        self.context = replace(context, fixed=own)  # whoever looks: it is whose it is
        self.leaves = [_leaves(each.data) for each in found]
        self.answers = {
            each.name: value for each in blueprint.fields.values() if (value := self.given(each)) is not None
        }
        self.tree = self.rendered(self.answers)
        if self.tree is not None:
            self.answers |= self.read(self.tree)
            self.tree = self.rendered(self.answers)
        self.share = self.likeness(self.tree)

    def given(self, field: Field) -> Any:
        """What is known without the manifests."""
        environments = list(dict.fromkeys(each.environment for each in self.found))
        if field.unique:
            return self.known["name"]
        by_source = {
            "teams": self.known.get("owner"), "systems": self.known.get("system"),
            "environments": environments, "components": self.known.get("depends_on"),
        }  # fmt: skip
        return by_source.get(
            field.source, self.known.get("description") if field.name == "description" else None
        )

    def rendered(self, answers: Mapping[str, Any]) -> Tree | None:
        """What these answers make; None where the form takes none of them, or makes nothing of it."""
        try:
            preview = fill(self.blueprint, answers, self.context).preview
            tree = build(self.blueprint, preview, variables_of(self.blueprint, self.context), self.context)
        except (RenderError, ExpressionError):
            return None
        return tree if tree.entity_ref == self.known["ref"] else None

    def read(self, tree: Tree) -> dict[str, Any]:
        """Each field from the first of its places that is there; production's sizes are those asked for."""
        answers: dict[str, Any] = {}
        for environment in sorted(self.context.environments, key=lambda each: not each.is_production):
            places = Places(Part("", self.blueprint), tree, environment)
            for place in places.places:
                if place.field in answers or place.field in self.answers or "*" in place.pattern:
                    continue
                for each in self.of_kind(place.kind, environment.name):
                    value = pointers.find(each.data, place.pattern)
                    value = places.convert(place, value) if value is not None else None
                    if isinstance(value, str | int | float) and place.field not in answers:
                        answers[place.field] = value
        return answers

    def of_kind(self, kind: str, environment: str) -> list[Found]:
        mine = [e for e in self.found if e.environment == environment and e.data.get("kind") == kind]
        own = [e for e in mine if e.identity[1] == self.known["name"]]
        return own or (mine if len(mine) == 1 else [])

    def try_choices(self) -> None:
        """Switches and choices that no place tells: whatever renders more of what is there."""
        for field in self.blueprint.fields.values():
            options: list[Any] = [option.value for option in field.options]
            options = [True, False] if field.type == "boolean" else options
            if field.name in self.answers or not 1 < len(options) <= MOST_OPTIONS:
                continue
            for value in options:
                tree = self.rendered({**self.answers, field.name: value})
                if tree is not None and (share := self.likeness(tree)) > self.share:
                    self.tree, self.share = tree, share
                    self.answers[field.name] = value

    def pairs(self, tree: Tree) -> Iterator[tuple[str, dict[str, Any], int]]:
        """(path of the form, what it renders there, the number of the object that stands for it)."""
        numbers = {(each.environment, *each.identity): number for number, each in enumerate(self.found)}
        for environment, documents in tree.objects.items():
            for document in documents:
                number = numbers.get((environment, *_identity(document.data)))
                if number is not None:
                    yield document.file, document.data, number

    def likeness(self, tree: Tree | None) -> float:
        """What both have, of all that either has."""
        if tree is None:
            return 0.0
        made = sum(len(_leaves(each.data)) for some in tree.objects.values() for each in some)
        common = sum(
            _common(self.ours(data, number), self.leaves[number]) for _, data, number in self.pairs(tree)
        )
        everything = made + sum(map(len, self.leaves))
        return 2 * common / everything if everything else 0.0

    def ours(self, data: dict[str, Any], number: int) -> Leaves:
        return _leaves(aligned(data, data, self.found[number].data))

    def adoption(self, context: Context) -> Adoption:
        assert self.tree is not None
        pairs = list(self.pairs(self.tree))
        places = {path: (self.found[number].file, self.found[number].index) for path, _, number in pairs}
        places |= {path: place for path in self.tree.files if (place := _beside(path, places, context))}
        left = tuple(path for path in self.tree.files if path not in places and not path.endswith(ANSWERS))
        answers = fill(self.blueprint, self.answers, self.context).answers
        adopted = Adopted(answers, places, left, self.known.get("descriptor"))
        return Adoption(self.blueprint.name, adopted, tuple(self.kept(pairs)), self.share)

    def kept(self, pairs: list[tuple[str, dict[str, Any], int]]) -> Iterator[Kept]:
        made = {number: data for _, data, number in pairs}
        for number, each in enumerate(self.found):
            name = "/".join(each.identity)
            if number not in made:
                yield Kept(each.file, name)
                continue
            ours = self.ours(made[number], number)
            for path, value in self.leaves[number].items():
                if path not in ours or not same(ours[path], value):
                    yield Kept(each.file, name, ".".join(path), str(value))


def _beside(path: str, places: Mapping[str, tuple[str, int]], context: Context) -> tuple[str, int] | None:
    """A file of the form that is no object of a cluster, where the very same path is there."""
    is_other = path not in places and not path.endswith(ANSWERS)
    return (path, 0) if is_other and context.existing(path) is not None else None


def _identity(data: Mapping[str, Any]) -> tuple[str, str]:
    about = data.get("metadata")
    return str(data.get("kind")), str(about.get("name") if isinstance(about, Mapping) else "")


def _leaves(data: Any, at: tuple[str, ...] = ()) -> Leaves:
    """Every value by its path; things in a list that have names by those."""
    found: Leaves = {}
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            found |= _leaves(value, (*at, str(key)))
    elif isinstance(data, list) and data:
        for number, value in enumerate(data):
            name = value.get("name") if isinstance(value, Mapping) else None
            found |= _leaves(value, (*at, f"[{name or number}]"))
    else:
        found[at] = data
    return found


def _common(one: Leaves, other: Leaves) -> int:
    return sum(path in other and same(other[path], value) for path, value in one.items())
