"""What files say about other files: Locations and placeholders, within what was imported and nowhere else."""

import json

import pytest

from services.catalog.descriptors.definitions import check_definition
from services.catalog.descriptors.examine import examine
from services.catalog.descriptors.placeholders import Includes, NotInside, inside


def location(name: str, *targets: str, **spec) -> bytes:
    head = {"apiVersion": "backstage.io/v1alpha1", "kind": "Location", "metadata": {"name": name}}
    return json.dumps({**head, "spec": {"targets": list(targets), **spec}}).encode()


SYSTEM = b"apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: shop}\nspec: {owner: a}\n"


def told(files) -> dict[str, list[str]]:
    return {report.file: [f"{w.rule}: {w.message}" for w in report.warnings] for report in examine(files)}


def test_a_location_brings_in_files_of_any_name_once():
    files = {
        "all.yaml": location("all", "./more/*.catalog", "more/a.catalog", "**/deep.entity"),
        "more/a.catalog": SYSTEM,
        "more/b.catalog": location("b", "../more/x/deep.entity"),
        "more/x/deep.entity": SYSTEM.replace(b"shop", b"deep"),
        "more/c.other": SYSTEM,
    }
    assert [report.file for report in examine(files)] == [
        "all.yaml", "more/a.catalog", "more/b.catalog", "more/x/deep.entity",
    ]  # fmt: skip
    assert not any(told(files).values())


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("./none.yaml", "no such file"),
        ("./none/*.yaml", "no file of this import matches"),
        ("https://github.com/acme/shop/blob/main/x.yaml", "not fetched"),
        ("//metadata.internal/x", "not fetched"),
        ("../../etc/passwd", "leads out"),
        ("..", "leads out"),
        ("/etc/passwd", "relative"),
        ("~/.ssh/id_rsa", "relative"),
        ("..\\secrets.yaml", "relative"),
    ],
)
def test_a_location_leads_nowhere_else(target, why):
    notes = told({"deep/all.yaml": location("all", target)})["deep/all.yaml"]
    assert len(notes) == 1
    assert notes[0].startswith("location: ")
    assert why in notes[0]
    assert not any(told({"deep/all.yaml": location("all", target, presence="optional")}).values())


def test_locations_in_a_circle_are_read_once_and_told():
    files = {
        "a.yaml": location("a", "b.yaml"),
        "b.yaml": location("b", "c.yaml"),
        "c.yaml": location("c", "a.yaml"),
    }
    notes = told(files)
    assert notes["a.yaml"] == notes["b.yaml"] == []
    assert notes["c.yaml"] == ["circle: Locations lead in a circle: a.yaml → b.yaml → c.yaml → a.yaml; "
                               "each file is read once"]  # fmt: skip
    assert "a.yaml → a.yaml" in told({"a.yaml": location("a", "*.yaml")})["a.yaml"][0]


def test_a_target_with_many_wildcards_takes_no_time():
    files = {"a.yaml": location("a", "**/" * 200 + "x" + "*x" * 200 + "y"), "x" * 200 + "z": b""}
    assert "matches" in told(files)["a.yaml"][0]


@pytest.mark.parametrize(("target", "path"), [("x", "a/x"), ("./x", "a/x"), ("../x", "x"), ("b/../c", "a/c")])
def test_paths_are_relative_to_the_file_that_says_them(target, path):
    assert inside(target, "a/catalog-info.yaml") == path


def test_nobody_fills_the_memory_by_including_one_file_again_and_again():
    includes = Includes({"big.txt": b"x" * 1024 * 1024})
    _, notes = includes.resolve([{"$text": "big.txt"} for _ in range(70)], "a.yaml")
    assert len(notes) == 6
    assert "64 MB" in notes[0].message
    with pytest.raises(NotInside):
        inside("../../x", "a/b.yaml")


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("openapi", "openapi: 3.1.0\ninfo: {}", ""),
        ("OpenAPI", '{"swagger": "2.0"}', ""),
        ("openapi", "info: {}", "no openapi or swagger"),
        ("openapi", "- a", "no openapi"),
        ("openapi", "a: [", "its line 1"),
        ("openapi", "# nothing", "empty"),
        ("asyncapi", "asyncapi: 3.0.0", ""),
        ("asyncapi", "openapi: 3.0.0", "no asyncapi"),
        ("graphql", 'type Query {\n  "a } b" x: Int # }\n  """ } """\n}', ""),
        ("graphql", "type Query {\n  x: Int\n", "{ is never closed (its line 1)"),
        ("graphql", "hello", "no type"),
        ("grpc", 'syntax = "proto3";\nservice A { rpc B(C) returns (D); } // }', ""),
        ("grpc", "message A {\n}\n}", "} closes nothing (its line 3)"),
        ("grpc", "message A (]", "] closes nothing"),
        ("grpc", "", "no service"),
        ("soap", "anything", ""),
        ("openapi", "$text: ./x.yaml", ""),
        ("openapi", "x" * (1024 * 1024 + 1), ""),
    ],
)
def test_a_definition_that_is_not_what_its_type_says_is_noted(kind, text, says):
    found = check_definition(kind, text)
    assert bool(says) is bool(found)
    assert all(says in one.message for one in found)


def test_the_note_on_a_definition_leaves_the_verdict_alone():
    spec = {"type": "graphql", "lifecycle": "p", "owner": "a", "definition": {"$text": "x.graphql"}}
    api = {"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": {"name": "x"}, "spec": spec}
    report = examine({"a.json": json.dumps(api).encode(), "x.graphql": b"type A {"})[0]
    assert (report.verdict, [w.field for w in report.warnings]) == ("ok", ["spec.definition"])
