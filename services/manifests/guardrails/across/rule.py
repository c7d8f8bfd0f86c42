"""The shape of a rule over several documents."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from services.manifests.objects import Object, kind, name, namespace
from services.manifests.problems import Problem, Rule

Judgement = Callable[[Rule, "Together"], Iterator[tuple[int, Problem]]]


@dataclass(frozen=True)
class AcrossRule:
    """`off` names the environments it says nothing in; "" is every environment without a severity."""

    rule: Rule
    function: Judgement
    off: frozenset[str] = frozenset()
    within_file: bool = False

    def is_off(self, environment: str) -> bool:
        return environment in self.off if environment in self.rule.severities else "" in self.off

    def judge(self, objects: "Together") -> Iterator[tuple[int, Problem]]:
        """Each problem with the index of the object it is told of."""
        return self.function(self.rule, objects)


class Together(list[Object]):
    """The objects of one folder or file, found by their kinds."""

    def __init__(self, objects: Iterable[Object]) -> None:
        super().__init__(objects)
        self._by_kind: dict[str, list[tuple[int, Object]]] = {}
        for index, obj in enumerate(self):
            self._by_kind.setdefault(kind(obj), []).append((index, obj))

    def of_kind(self, *kinds: str) -> Iterable[tuple[int, Object]]:
        """Each with its index, in their order."""
        found = [each for which in kinds for each in self._by_kind.get(which, ())]
        return sorted(found, key=itemgetter(0)) if len(kinds) > 1 else found


def of_kind(objects: "Together", *kinds: str) -> Iterable[tuple[int, Object]]:
    return objects.of_kind(*kinds)


def together(one: Object, other: Object) -> bool:
    """Whether both are in one namespace; a manifest without a namespace is applied beside the others."""
    return namespace(one) == namespace(other) or not namespace(one) or not namespace(other)


def named(objects: "Together", kinds: tuple[str, ...], name_: Any, beside: Object) -> Object | None:
    """The object of that name beside another one."""
    for _, obj in of_kind(objects, *kinds):
        if name(obj) == name_ and together(obj, beside):
            return obj
    return None
