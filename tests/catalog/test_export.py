"""What is exported comes in again as the same thing."""

import io

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.actions import import_documents
from services.catalog.descriptors.examine import examine
from services.catalog.export import plain
from services.catalog.models import Entity
from services.manifests import emit
from tests.catalog.test_rules import SPECS

NAMES = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
FULL = TEXT.filter(bool)
HARD = st.sampled_from(
    [
        "yes",
        "no",
        "null",
        "~",
        "1.0",
        "0x1F",
        "1e3",
        "- a",
        "a: b",
        "#c",
        "'",
        '"',
        "${{ x }}",
        "\t",
        "%",
        "2024-01-01",
        " x ",
        "a\n\nb\n",
        "\u2028",
        "\x85",
        "<<",
        "---",
        "!!str x",
        "é",
    ]
)
VALUES = st.recursive(
    TEXT
    | HARD
    | st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FULL, inner, max_size=3),
    max_leaves=6,
)
METADATA = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "title": FULL,
        "description": TEXT | HARD,
        "namespace": st.sampled_from(["default", "eu-1"]),
        "labels": st.dictionaries(NAMES, NAMES | st.just(""), max_size=2),
        "annotations": st.dictionaries(
            NAMES.map(lambda name: f"shop.example/{name}"), TEXT | HARD, max_size=3
        ),
        "tags": st.lists(st.sampled_from(["java", "c++", "a:b", "1"]), max_size=2),
        "links": st.lists(
            st.fixed_dictionaries({"url": st.just("https://x.example/")}, optional={"title": st.just("x y")}),
            max_size=2,
        ),
        "extra": VALUES,
    },
)


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(sorted(SPECS)), metadata=METADATA, extra=VALUES)
def test_import_of_an_export_is_the_same(kind, metadata, extra):
    spec = {**SPECS[kind], "extra": extra}
    made = {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    report = examine({"catalog-info.yaml": emit.dump([plain(made)]).encode()})[0]
    assert report.verdict == "ok", report.errors
    assert report.descriptor == made


def test_what_a_catalog_adds_is_not_exported():
    added = {"backstage.io/managed-by-location": "url:x", "backstage.io/orphan": "true"}
    metadata = {"name": "a", "uid": "u", "etag": "e", "annotations": added}
    assert plain({"kind": "A", "metadata": metadata, "spec": {}})["metadata"] == {"name": "a"}
    metadata["annotations"] = {**added, "mine": "x"}
    assert plain({"kind": "A", "metadata": metadata, "spec": {}})["metadata"]["annotations"] == {"mine": "x"}


def exported(*arguments: str) -> tuple[str, str]:
    out, told = io.StringIO(), io.StringIO()
    call_command("export_catalog", *arguments, stdout=out, stderr=told)
    return out.getvalue(), told.getvalue()


@pytest.mark.django_db
def test_export_catalog_prints_what_an_import_takes(files):
    import_documents(files=files, title="shop", by=None, kind="folder", location="/shop")
    text, told = exported()
    assert told.startswith("5 entities")
    before = {e.ref: e.descriptor for e in Entity.objects.all()}
    assert {r.ref: r.descriptor for r in examine({"all.yaml": text.encode()})} == before
    assert text.count("---\n") == 5
    some, _ = exported("--kind", "group", "--kind", "USER")
    assert [report.ref for report in examine({"x.yaml": some.encode()})] == [
        "group:default/checkout",
        "user:default/mira",
    ]


@pytest.mark.django_db
def test_export_catalog_leaves_orphans_and_names_what_lacks_an_owner(files):
    import_documents(files=files, title="shop", by=None, kind="folder", location="/shop")
    Entity.objects.filter(name="cart").update(state="orphan")
    Entity.objects.filter(name="cart-cache").update(spec={"type": "redis"})
    text, told = exported()
    assert "name: cart\n" not in text
    assert told == "4 entities\n1 of them name no owner: imports refuse those until they do\n"
