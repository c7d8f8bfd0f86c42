"""Many policies judged in one call of the library, to look closer only at those an object may break.

Each call, and each variable handed over, costs more than most expressions do. So the expressions of several
policies become one list, with their variables bound around it: `[meaning].map(name, …)[0]`. What comes out as
true has passed; anything else, an error included, is evaluated again on its own and told in its own words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.manifests.cost import MAX_COST, TEXT, Size, Sizes, size
from services.manifests.expressions import ExpressionError, Program, Scope
from services.manifests.guardrails.policy import Policy

MOST_CHARACTERS = (
    6_000  # of the policies evaluated together: an error among them costs all of them a second look
)
USUAL = Size(nodes=800, characters=20_000, largest=40)  # larger objects are judged policy by policy
_NONE_OF = re.compile(r"size\((variables_\w+)\) == 0")
_FILTER = re.compile(r"(variables_\w+)\.filter\((\w+),(.*)\)", re.DOTALL)
_VARIABLE = re.compile(r"\bvariables_\w+")


@dataclass(frozen=True)
class Sieve:
    """The policies for one kind of object."""

    policies: tuple[Policy, ...]

    @cached_property
    def _batches(self) -> list[tuple[tuple[Policy, ...], Program]]:
        cheap = [policy for policy in self.policies if _is_cheap(policy)]
        return [(batch, Program(_together(batch))) for batch in _batches(cheap)]

    def passed(self, scope: Scope) -> frozenset[str]:
        """The ids of policies all of whose validations hold."""
        if not scope.sizes.whole.fits(USUAL):
            return frozenset()
        return frozenset(id for batch, program in self._batches for id in _passed(batch, program, scope))


def _is_cheap(policy: Policy) -> bool:
    """Whether each of its expressions keeps the bounds for usual objects, so that all together may run."""
    sizes = Sizes({"": USUAL})
    if policy.params is not None:
        sizes.add(policy.params_name, size(policy.params))
    for name, expression in policy.variables:
        if not expression.shape.uses:
            sizes.add(name, Size(1, len(expression.source)))
    asked = [each for _, each in policy.variables] + [each.expression for each in policy.validations]
    return all(each.shape.cost(sizes) <= MAX_COST for each in asked)


def _passed(batch: Sequence[Policy], program: Program, scope: Scope) -> Iterator[str]:
    try:
        answers = program.run(scope)
    except ExpressionError:
        return
    for policy, validations in zip(batch, answers, strict=True):
        if all(each is True for each in validations):
            yield policy.id


def _batches(policies: Iterable[Policy]) -> Iterator[tuple[Policy, ...]]:
    batch: list[Policy] = []
    size = 0
    for policy in policies:
        length = len(_asked(policy))
        if batch and size + length > MOST_CHARACTERS:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(policy)
        size += length
    if batch:
        yield tuple(batch)


def _asked(policy: Policy) -> str:
    """What its validations say, as a list; each on a line of its own, for a comment may end it."""
    meanings = {name: each.source for name, each in policy.variables}
    asked = [_quickly(each.expression.source, meanings) for each in policy.validations]
    return "[" + ", ".join(f"{each}\n" for each in asked) + "]"


def _quickly(source: str, meanings: Mapping[str, str]) -> str:
    """`size(list.filter(x, at fault)) == 0` as `list.all(x, !(at fault))`, which copies nothing.

    Where both have an answer it is the same; `all` may have one where `filter` meets an error, but not true.
    """
    match = _NONE_OF.fullmatch(source.strip())
    filtered = _FILTER.fullmatch(meanings[match[1]].strip()) if match else None
    if filtered is None or not _is_one(filtered[3]):
        return source
    return f"{filtered[1]}.all({filtered[2]}, !({filtered[3]}\n))"


def _is_one(source: str) -> bool:
    """Whether brackets in it close only what it opened: else it is the end of something longer."""
    depth = 0
    for mark in re.sub(TEXT, "", source, flags=re.DOTALL):
        depth += (mark in "([{") - (mark in ")]}")
        if depth < 0:
            return False
    return depth == 0


def _together(batch: Sequence[Policy]) -> str:
    meanings = {name: each.source for policy in batch for name, each in policy.variables}
    text = "[" + ", ".join(_asked(policy) for policy in batch) + "]"
    needed = _needed(text, meanings)
    for name in reversed([each for each in meanings if each in needed]):
        text = f"[{meanings[name]}\n].map({name}, {text})[0]"
    return text


def _needed(text: str, meanings: Mapping[str, str]) -> set[str]:
    """The variables the text uses, and those that they use."""
    found: set[str] = set()
    names = set(_VARIABLE.findall(text))
    while names:
        found |= names
        names = {name for each in names for name in _VARIABLE.findall(meanings[each])} - found
    return found


NOTHING = Sieve(())
