"""Kinds of operators: a slip is refused with the right name, what may be new is let through."""

from pathlib import Path

import pytest
import yaml

from services.manifests import custom
from services.manifests.check import check
from services.manifests.reader import load_all
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


def test_what_is_right_passes_and_so_does_what_is_like_nothing_known() -> None:
    assert found(SECRET) == []
    assert found(SECRET.replace("spec:", "spec:\n  zzzNewInNextRelease: 1")) == []
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


def test_examples_of_the_operators_themselves_pass(shared_data: Path) -> None:
    file = shared_data.parent / "reference" / "crd-examples.yaml"
    documents = [each for each in load_all(file.read_text()) if isinstance(each.data, dict)]
    told = [each for each in check(documents, environment="staging") if each.rule == "schema"]
    assert [(each.object, each.path, each.message) for each in told] == []
