"""What a newer Kubernetes does without: interfaces, annotations, volumes."""

from typing import Any

import pytest

from services.diagnosis.findings.operators import REMOVED
from services.manifests.apis import FATES, SUSPECT, Fate, standing, uses, version
from services.manifests.emit import dump


def obj(api: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}} | rest


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": spec.pop("notes", {})}, "spec": spec}}}


CASES: list[tuple[dict[str, Any], list[str]]] = [
    (obj("batch/v1beta1", "CronJob"), ["batch/v1beta1 CronJob"]),
    (obj("batch/v1", "CronJob", spec={"schedule": "CRON_TZ=UTC 1 * * * *"}), ["time zone in spec.schedule"]),
    (obj("v1", "Endpoints"), ["v1 Endpoints"]),
    (
        obj("apps/v1", "Deployment", **pod(volumes=[{"name": "g", "gitRepo": {}}, None])),
        ["volume of type gitRepo"],
    ),
    (
        obj("apps/v1", "Deployment", **pod(notes={"seccomp.security.alpha.kubernetes.io/pod": "x"})),
        ["annotation seccomp.security.alpha.kubernetes.io/pod"],
    ),
    (obj("apps/v1", "Deployment", **pod(volumes="odd")), []),
    (obj("v1", "ConfigMap", data={"a": "batch/v1beta1"}), []),
]


@pytest.mark.parametrize(("data", "whats"), CASES)
def test_what_some_version_does_without(data: dict[str, Any], whats: list[str]) -> None:
    assert [each.what for each in uses(data)] == whats
    if whats:
        assert SUSPECT.search(dump([data]))


def test_a_version_decides() -> None:
    fate = Fate("1.21", "1.25", "batch/v1")
    assert [standing(fate, each) for each in ("1.20", "v1.21.3", "1.24", "1.25", "1.9")] == [
        "", "deprecated", "deprecated", "removed", "",
    ]  # fmt: skip
    assert version("odd") == (0, 0)


def test_what_the_diagnosis_calls_gone_is_gone_here_too() -> None:
    named = {key: gone for key, gone in REMOVED.items() if key[1] != "*"}
    assert {key: FATES[key].removed for key in named} == {key: gone for key, (gone, _) in named.items()}
