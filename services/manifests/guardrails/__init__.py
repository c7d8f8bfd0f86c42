"""Guardrails: policies with a reason, a severity per environment and the nearest value that passes.

Most are ValidatingAdmissionPolicy files in `policies/`; those that compare several documents are functions in
`across`, under the same metadata.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as File
from typing import Any

from services.manifests.guardrails import across
from services.manifests.guardrails.across import AcrossRule
from services.manifests.guardrails.across.rule import Together
from services.manifests.guardrails.evaluation import Case, Surroundings, problems
from services.manifests.guardrails.leniency import Leniency
from services.manifests.guardrails.matching import names_kind
from services.manifests.guardrails.policy import Policy, PolicyError, read_folder
from services.manifests.guardrails.sieve import Sieve
from services.manifests.objects import Object, kind, name
from services.manifests.problems import Problem, Rule

__all__ = ["Guardrails", "Policy", "PolicyError", "load", "shipped", "with_own"]

MOST_KINDS = 500  # remembered; their names come from other people's files
FOLDER = File(__file__).resolve().parents[1] / "policies"


@dataclass(frozen=True)
class Guardrails:
    policies: tuple[Policy, ...]
    across: tuple[AcrossRule, ...] = ()
    _sieves: dict[tuple[str, ...], Sieve] = field(default_factory=dict, repr=False, compare=False)

    @property
    def rules(self) -> dict[str, Rule]:
        """Every guardrail by its id."""
        mine = [policy.rule for policy in self.policies] + [each.rule for each in self.across]
        return {rule.id: rule for rule in mine}

    def severity(self, id: str, environment: str) -> str:
        """Its word for an environment, `off` included."""
        known: list[Policy | AcrossRule] = [*self.policies, *self.across]
        found = next(each for each in known if each.rule.id == id)
        return "off" if found.is_off(environment) else found.rule.severity(environment)

    def concerning(self, obj: Object, environment: str) -> Sieve:
        """Those that name the kind at all; what else they ask of an object is asked later."""
        key = (str(obj.get("apiVersion")), kind(obj), environment)
        if key not in self._sieves:
            named = (each for each in self.policies if names_kind(each.constraints, obj))
            if len(self._sieves) >= MOST_KINDS:
                self._sieves.clear()
            self._sieves[key] = Sieve(tuple(each for each in named if not each.is_off(environment)))
        return self._sieves[key]

    def broken(
        self,
        objects: Sequence[Object],
        environment: str,
        settings: Mapping[str, Any],
        files: Sequence[str] = (),
    ) -> Iterator[tuple[int, Problem]]:
        """Each problem with the index of its object.

        Documents are compared with those of the same folder (`files` says where each is from): elsewhere
        the same names mean another environment, or another example.
        """
        namespaces = {name(obj): obj for obj in objects if kind(obj) == "Namespace"}
        active = [policy for policy in self.policies if not policy.is_off(environment)]
        around = Surroundings(settings, namespaces, active)
        places = files or [""] * len(objects)
        leniency = Leniency(objects, places, settings)
        for index, obj in enumerate(objects):
            sieve = self.concerning(obj, environment)
            case = Case.of(obj, around, sieve)
            for policy in sieve.policies:
                for problem in problems(policy, case):
                    if not leniency.covers(problem, obj, places[index]):
                        yield index, problem
        yield from self._across(objects, environment, places)

    def _across(
        self, objects: Sequence[Object], environment: str, files: Sequence[str]
    ) -> Iterator[tuple[int, Problem]]:
        groups = {
            within_file: [
                (indexes, Together(objects[index] for index in indexes))
                for indexes in _groups(files, within_file)
            ]
            for within_file in (False, True)
        }
        for each in self.across:
            for indexes, together in () if each.is_off(environment) else groups[each.within_file]:
                yield from ((indexes[at], problem) for at, problem in each.judge(together))


def _groups(files: Sequence[str], within_file: bool) -> Iterable[list[int]]:
    """Indexes of what belongs together: of one folder, or of one file."""
    groups: dict[str, list[int]] = {}
    for index, file in enumerate(files):
        groups.setdefault(file if within_file else file.rpartition("/")[0], []).append(index)
    return groups.values()


@lru_cache(maxsize=1)
def shipped() -> Guardrails:
    """Those that come with the product."""
    return Guardrails(tuple(read_folder(FOLDER)), across.RULES)


def load(folder: File | str) -> Guardrails:
    """The shipped guardrails and an organisation's own; one with a shipped name takes its place."""
    return with_own(read_folder(File(folder)))


def with_own(own: Sequence[Policy]) -> Guardrails:
    """The shipped ones, and these; one with a shipped name takes its place."""
    names = {policy.id for policy in own}
    kept = tuple(policy for policy in shipped().policies if policy.id not in names)
    return Guardrails((*kept, *own), tuple(each for each in across.RULES if each.rule.id not in names))
