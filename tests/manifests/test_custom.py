"""Kinds of operators: a name they do not know is refused with the nearest they do, and no real one is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.manifests import custom
from services.manifests.check import check
from services.manifests.reader import ManifestError, load_all
from services.onboarding.blueprints import SHIPPED

SECRET = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: cart-db, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: vault, kind: ClusterSecretStore}
  target: {name: cart-db}
  data: [{secretKey: password, remoteRef: {key: shop/cart-db, property: password}}]
"""


def found(text: str) -> list[tuple[str, str, str]]:
    rows = check(load_all(text), environment="production")
    return [(each.rule, each.path, each.message) for each in rows]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("refreshInterval", "refreshIntervall", "did you mean refreshInterval?"),
        ("secretStoreRef", "secretStoreref", "did you mean secretStoreRef?"),
        ("property:", "propertys:", "spec.data[0].remoteRef has no field propertys"),
        ("spec:", "specs:", "the object has no field specs; did you mean spec?"),
        ("refreshInterval: 1h", "refreshInterval: 3600", "must be text, not 3600"),
        ("target: {name: cart-db}", "target: cart-db", "spec.target must be a mapping"),
        ("data: [{", "data: {0: {", "spec.data must be a list"),
    ],
)
def test_a_slip_is_told_with_the_nearest_name(old, new, says) -> None:
    text = SECRET.replace(old, new)
    text = text.replace("property: password}}]", "property: password}}}") if "{0:" in new else text
    assert any(rule == "schema" and says in message for rule, _, message in found(text)), found(text)


FAR = [
    ("spec:", "spec:\n  zzz: 1", "spec has no field zzz; it has refreshInterval, refreshPolicy"),
    ("{key:", "{whatever: 1, key:", "remoteRef has no field whatever; it has key, property"),
    ("kind: ExternalSecret", "kind: ExternalSecret\nextra: 1", "the object has no field extra; it has api"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), FAR)
def test_a_name_that_is_like_none_known_is_refused_too_unless_the_cluster_is_newer(old, new, says) -> None:
    text = SECRET.replace(old, new)
    assert [(rule, says in message) for rule, _, message in found(text)] == [("schema", True)], found(text)
    newer = {"newer_kinds": ["external-secrets.io"]}
    assert check(load_all(text), environment="production", settings=newer) == []
    misspelt = load_all(SECRET.replace("refreshInterval", "refreshIntervall"))
    assert check(misspelt, environment="production", settings=newer) != []


def test_of_many_names_the_nearest_is_told() -> None:
    text = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: a}\nspec: {backupsNightly: 1}"
    assert [message for _, _, message in found(text)] == [
        "spec has no field backupsNightly; the nearest it has is backup"
    ]


def test_every_kind_that_is_known_refuses_what_it_does_not_know() -> None:
    for name, fields in custom.known().items():
        data = {"apiVersion": name.rpartition("/")[0], "kind": name.rpartition("/")[2], "spec": {"qqqq": 1}}
        assert [each.path for each in custom.slips(data, fields)] == [("spec", "qqqq")], name
    argo = {"kind": "Application", "operation": {}, "spec": {"sources": [{"helmet": {}}]}}
    told = [each.path for each in custom.slips(argo, custom.known()["argoproj.io/v1alpha1/Application"])]
    assert told == [("spec", "sources", 0, "helmet")]


def test_what_is_right_passes_and_kinds_without_a_schema_are_said_to_be_unchecked() -> None:
    assert found(SECRET) == []
    assert [rule for rule, *_ in found(SECRET.replace("ExternalSecret", "PushSecret"))] == ["unchecked-kind"]


def test_whole_numbers_are_no_switches() -> None:
    shape = {"a": "i", "b": "b", "c": ["s"], "d": "a"}
    told = list(custom.slips({"spec": {"a": True, "b": 1, "c": ["x", None, 2], "d": object()}}, shape))
    assert [(each.path[1:], each.types) for each in told] == [
        (("a",), ("integer",)), (("b",), ("boolean",)), (("c", 2), ("string",)),
    ]  # fmt: skip


def test_every_kind_that_a_shipped_form_writes_is_known() -> None:
    for path in SHIPPED.rglob("manifests/*.yaml"):
        text = path.read_text()
        data = yaml.safe_load(text)
        api_version, kind = data.get("apiVersion", ""), data.get("kind", "")
        if "." in api_version.partition("/")[0] and ".k8s.io/" not in api_version:
            assert custom.fields_of(api_version, kind), f"{path}: {api_version} {kind}"


def test_no_real_manifest_is_refused(shared_data: Path) -> None:
    """Those of kinds known here in the real trees, dumps and suites."""
    groups = {name.partition("/")[0].encode() for name in custom.known()}
    checked, told = 0, []
    for file in sorted(shared_data.rglob("*.y*ml")):
        text = file.read_bytes()
        if not any(group in text for group in groups):
            continue
        for data in documents(text):
            fields = custom.fields_of(str(data.get("apiVersion")), str(data.get("kind")))
            if fields is not None:
                checked += 1
                told += [(file.name, each.path) for each in custom.slips(data, fields)]
    assert told == []
    assert checked > 200


def documents(text: bytes) -> list[dict[str, Any]]:
    try:
        return [each.data for each in load_all(text) if isinstance(each.data, dict)]
    except ManifestError:  # some are broken on purpose
        return []


def test_examples_of_the_operators_themselves_pass(shared_data: Path) -> None:
    file = shared_data.parent / "reference" / "crd-examples.yaml"
    documents = [each for each in load_all(file.read_text()) if isinstance(each.data, dict)]
    told = [each for each in check(documents, environment="staging") if each.rule == "schema"]
    assert [(each.object, each.path, each.message) for each in told] == []
