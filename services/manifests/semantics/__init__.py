"""What a schema cannot see: quantities, names, words, references inside one object.

Every check is a function from an object to problems; `problems` runs those that concern its kind.
"""

from collections.abc import Iterator

from services.manifests.objects import Object, pod_path
from services.manifests.problems import Problem
from services.manifests.semantics import config, names, network, pods, quantities, schedules, words, workloads

OF_PODS = (*quantities.OF_PODS, *pods.CHECKS)
CHECKS = (
    *names.CHECKS,
    *words.CHECKS,
    *quantities.CHECKS,
    *workloads.CHECKS,
    *schedules.CHECKS,
    *network.CHECKS,
    *config.CHECKS,
)


def problems(obj: Object) -> Iterator[Problem]:
    """Everything that makes no sense in this one object. The schema check has its own word on wrong types."""
    for check in CHECKS if pod_path(obj) is None else (*OF_PODS, *CHECKS):
        yield from check(obj)
