"""What the simulated cluster `harbour` starts with: the manifests of the company, and what is never in git.

`slipway.dev/simulate-age` tells the cluster how long ago each was applied; what was rolled out lately is
applied twice, in its version before and in today's.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from portal.demo import company, forms, manifests
from portal.demo.company import Place
from portal.demo.history.plan import RELEASES, TRIALS, live_numbers, past_requests, row_at, stuck_request
from services.manifests import emit

AGE = "slipway.dev/simulate-age"
OLDEST = "380d"
# There is no such Secret in staging, which is why tax does not start there.
MISSING_SECRETS = {("shop-staging", "tax-rates-provider")}
# Minutes since production and staging got what is new there.
RELEASED = {release.service: release.minutes_ago for release in RELEASES}
TRIED = {trial.service: trial.minutes_ago for trial in TRIALS} | {stuck_request().service: 150}


def write(folder: Path) -> int:
    """Write every file the cluster loads on its first start; returns how many."""
    files = dict(_files())
    for name, docs in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(emit.dump(docs))
    return len(files)


def _files() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "_cluster/objects.yaml", [_aged(doc, OLDEST) for doc in cluster_only()]
    yield "_cluster/byhand.yaml", [_aged(doc, "23d") for doc in company.by_hand()]
    for place in company.PLACES:
        for name, docs in company.shared_manifests(place).items():
            yield f"shared/{name}-{place.name}.yaml", [_aged(doc, "210d") for doc in docs]
        for name in company.workloads():
            now = [_aged(doc, _age(name, place)) for doc in _living(name, place, _applied(name, place))]
            yield f"services/{name}-{place.name}.yaml", _before(name, place) + now


def _applied(name: str, place: Place) -> Mapping[str, str]:
    """What of the repository has reached this environment: the stuck request never got to production."""
    if place.is_production and name == stuck_request().service:
        return manifests.rendered(forms.today(name))
    return manifests.files_of(name)


def _living(name: str, place: Place, files: Mapping[str, str], uses: int = 0) -> list[dict[str, Any]]:
    """The objects among a service's files, with how its program behaves."""
    folder = f"apps/{company.workloads()[name]['team']}/{name}/{place.name}/"
    found = [
        document.data
        for path, text in files.items()
        if path.startswith(folder)
        for document in emit.load_all(text)
        if document.data["kind"] != "Kustomization"
    ]
    for doc in found:
        if doc["kind"] == "Deployment":
            doc["spec"]["template"]["metadata"]["annotations"] = _simulated(name, place, uses)
    return found


def _simulated(name: str, place: Place, uses: int) -> dict[str, str]:
    row = company.workloads()[name]
    notes = {"slipway.dev/simulate-memory": f"{uses or row['uses']}Mi"}
    answer = {} if place.is_production or uses else row.get("staging", {})
    if "readiness" in answer:
        notes["slipway.dev/simulate-readiness"] = answer["readiness"]
    return notes


def _before(name: str, place: Place) -> list[dict[str, Any]]:
    """The Deployment as it ran until the last rollout, where that was today."""
    if name not in (RELEASED if place.is_production else TRIED):
        return []
    last = live_numbers(name)[-1]
    evaluation = forms.evaluation_of(last)
    docs = _living(name, place, manifests.rendered(evaluation), uses=row_at(name, last)["memory"][0])
    return [_aged(doc, f"{_days(name)}d") for doc in docs if doc["kind"] == "Deployment"]


def _age(name: str, place: Place) -> str:
    lately = RELEASED if place.is_production else TRIED
    return f"{lately[name]}m" if name in lately else f"{_days(name)}d"


def _days(name: str) -> int:
    """Since the last request that changed it; what came without one has been there for long."""
    changed = [past.days_ago for past in past_requests() if past.service == name and past.state == "live"]
    return min(changed, default=140)


def _aged(doc: dict[str, Any], age: str) -> dict[str, Any]:
    metadata = doc["metadata"]
    notes = {**metadata.get("annotations", {}), AGE: age}
    return {**doc, "metadata": {**metadata, "annotations": notes}}


def cluster_only() -> list[dict[str, Any]]:
    """Namespaces and Secrets. The values are placeholders: nothing in the demo opens anything."""
    docs: list[dict[str, Any]] = []
    for place in company.PLACES:
        docs.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place.namespace}})
        docs += [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "Opaque",
                "metadata": {"name": name, "namespace": place.namespace},
                "stringData": dict.fromkeys(sorted(keys), "demo"),
            }
            for name, keys in sorted(_secret_keys(place).items())
            if (place.namespace, name) not in MISSING_SECRETS
        ]
    return docs


def _secret_keys(place: Place) -> dict[str, set[str]]:
    keys: dict[str, set[str]] = {"shop-queue": {"password"}, "session-cache": {"password"}}
    for name in company.workloads():
        row = company.workloads()[name]
        trial = {} if place.is_production else row.get("staging", {})
        for reference in {**row.get("secrets", {}), **trial.get("secrets", {})}.values():
            secret, _, key = reference.partition("/")
            keys.setdefault(secret, set()).add(key)
    return keys
