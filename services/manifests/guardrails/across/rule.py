"""The shape of a rule over several documents."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.manifests.objects import Object, kind, name, namespace
from services.manifests.problems import Problem, Rule

Judgement = Callable[[Rule, Sequence[Object]], Iterator[tuple[int, Problem]]]


@dataclass(frozen=True)
class AcrossRule:
    """`off` names the environments it says nothing in; "" is every environment without a severity."""

    rule: Rule
    function: Judgement
    off: frozenset[str] = frozenset()
    within_file: bool = False

    def is_off(self, environment: str) -> bool:
        return environment in self.off if environment in self.rule.severities else "" in self.off

    def judge(self, objects: Sequence[Object]) -> Iterator[tuple[int, Problem]]:
        """Each problem with the index of the object it is told of."""
        return self.function(self.rule, objects)


def of_kind(objects: Sequence[Object], *kinds: str) -> Iterator[tuple[int, Object]]:
    for index, obj in enumerate(objects):
        if kind(obj) in kinds:
            yield index, obj


def together(one: Object, other: Object) -> bool:
    """Whether both are in one namespace; a manifest without a namespace is applied beside the others."""
    return namespace(one) == namespace(other) or not namespace(one) or not namespace(other)


def named(objects: Sequence[Object], kinds: tuple[str, ...], name_: Any, beside: Object) -> Object | None:
    """The object of that name beside another one."""
    for _, obj in of_kind(objects, *kinds):
        if name(obj) == name_ and together(obj, beside):
            return obj
    return None
