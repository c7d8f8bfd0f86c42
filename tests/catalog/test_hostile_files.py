"""Files that mean ill or are merely odd: each gets a reason with its line, in a moment,
and the others come in."""

import json
import time

import pytest

from services.catalog.actions import import_documents
from services.catalog.descriptors import reading
from services.catalog.descriptors.examine import examine
from services.catalog.importing.copying import uncollected
from services.catalog.models import Entity, Relation
from services.catalog.sources.fetching import from_folder
from tests.catalog.conftest import COMPONENT

GOOD = COMPONENT.format(name="good", owner="a").encode()
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(12)
)
FILES = {
    "billion laughs": (LAUGHS.encode(), "more than", 6),
    "a quadratic bomb": (b"a: &a " + b"x" * 10_000 + b"\nb: [" + b"*a," * 250_000 + b"]\n", "more than", 2),
    "10 MB": (b"a: " + b"x" * 10 * 1024 * 1024, "larger than 5 MB", 1),
    "lists 10,000 deep": (b"a: " + b"[" * 10_000, "nested deeper", 1),
    "mappings 3,000 deep": (b"".join(b" " * n + b"a:\n" for n in range(3_000)), "nested deeper", 65),
    "JSON 100,000 deep": (b'{"a":' * 100_000, "nested deeper", 1),
    "NUL": (b"a: 1\nb: x\x00y\n", "NUL character", 2),
    "an escaped NUL": (b'a: 1\nb: "x\\0y"\n', "NUL", 2),
    "UTF-16 with a mark": ("a: 1\n".encode("utf-16"), "UTF-16 text: save it as UTF-8", 1),
    "Latin-1": ("a: 1\nb: Müller\n".encode("latin-1"), "not UTF-8", 2),
    "a half character": (b"a: 1\nb: \xc3", "not UTF-8", 2),
    "a lone surrogate": (b'{"a": "\\ud800"}', "", 1),
    "a key twice": (b"a: 1\nb:\n  c: 1\n  c: 2\n", "stands twice", 4),
    "a key twice in JSON": (b'{"a": 1,\n"a": 2}', "stands twice", 2),
    "an anchor in itself": (b"a: &a\n  b: *a\n", "points to nothing", 2),
    "many open quotes": (b"- 'x\n" * 100_000, "", 1),
    "one long line of brackets": (b"{[" * 100_000, "nested deeper", 1),
}


@pytest.mark.parametrize("what", FILES)
def test_what_cannot_be_read_says_why_and_where_in_a_moment(what):
    content, says, line = FILES[what]
    suffix = "json" if content.startswith(b"{") else "yaml"
    started = time.process_time()
    bad, good = examine({f"a.{suffix}": content, "b.yaml": GOOD})
    assert time.process_time() - started < 4
    assert (bad.verdict, good.verdict) == ("unparsable", "ok")
    assert says in bad.errors[0].message
    assert bad.errors[0].line == line


def test_quotes_in_a_large_file_take_time_in_proportion():
    text = "".join(f"k{n}: 'v\n  w'\n" for n in range(20_000))
    started = time.process_time()
    assert len(reading.read(text.encode())[0].data) == 20_000
    assert time.process_time() - started < 4


def test_10_000_documents_are_read_and_too_many_are_told(monkeypatch):
    many = b"---\na: 1\n" * 10_000
    assert len(reading.read(many)) == 10_000
    monkeypatch.setattr(reading, "MAX_DOCUMENTS", 50)
    documents = reading.read(many)
    assert len(documents) == 51
    assert ("more than 50 documents" in documents[-1].problem, documents[-1].line) == (True, 101)


def test_links_lead_nowhere(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret.yaml").write_bytes(GOOD)
    (inside / "b.yaml").write_bytes(GOOD)
    (inside / "file.yaml").symlink_to(outside / "secret.yaml")
    (inside / "folder").symlink_to(outside)
    (inside / "round").symlink_to(inside)
    (inside / "nowhere.yaml").symlink_to(tmp_path / "none")
    assert list(from_folder(str(inside)).files) == ["b.yaml"]


def test_nobody_else_waits_for_the_garbage():
    import gc

    with pytest.raises(KeyError), uncollected():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


# Many rows at once


def content() -> tuple[list, list]:
    entities = Entity.objects.order_by("ref").values_list(
        "ref", "owner__ref", "system__ref", "spec", "metadata", "title", "digest", "state", "document"
    )
    relations = Relation.objects.order_by("source__ref", "type", "target_ref", "field")
    columns = (
        "source__ref",
        "type",
        "target_ref",
        "target__ref",
        "field",
        "origin",
        "evidence",
        "confidence",
    )
    return list(entities), list(relations.values_list(*columns))


@pytest.mark.django_db
def test_many_entities_are_written_as_few_are(files, monkeypatch):
    odd = json.dumps({"tab\t": "new\nline", "back\\slash": None, "é": [1.5, True, "\\N"]})
    for number in range(150):
        text = COMPONENT.format(name=f"s{number}", owner="checkout") + f"  odd: {odd}\n"
        files[f"{number}.yaml"] = text.encode()
    bring = {"title": "shop", "by": None, "kind": "folder", "location": "/shop"}
    import_documents(files=files, **bring)
    by_copy = content()
    Entity.objects.all().delete()
    monkeypatch.setattr("services.catalog.importing.writing.MANY", 10_000)
    import_documents(files=files, **bring)
    assert content() == by_copy
    assert len(by_copy[1]) > 450
    monkeypatch.setattr("services.catalog.importing.writing.MANY", 1)
    changed = {name: text.replace(b"Keeps", b"Held") for name, text in files.items()}
    assert import_documents(files=changed, **bring).counts["changed"] == 151
    assert Entity.objects.get(name="s7").description.startswith("Held")
    assert not Entity.objects.filter(created_at=None).exists()


@pytest.mark.django_db
def test_a_long_list_is_one_parameter():
    rows = Entity.objects.filter(ref__any_of=(f"component:default/{n}" for n in range(70_000)))
    assert list(rows) == []
    assert str(rows.query).count("ANY(") == 1
    assert not Entity.objects.filter(ref__any_of=[]).exists()
