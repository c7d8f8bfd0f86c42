"""Backstage's rules one by one: what its own code (catalog-model 1.10) answers at every edge."""

import json
from pathlib import Path

import pytest

from services.catalog.descriptors.addresses import is_url
from services.catalog.descriptors.examine import examine

SPECS = {
    "Component": {"type": "service", "lifecycle": "production", "owner": "a"},
    "API": {"type": "openapi", "lifecycle": "production", "owner": "a", "definition": "openapi: 3.1.0"},
    "Resource": {"type": "database", "owner": "a"},
    "System": {"owner": "a"},
    "Domain": {"owner": "a"},
    "Group": {"type": "team", "children": []},
    "User": {"memberOf": []},
    "Location": {},
}
GONE = object()
LABEL, LONG = "a" * 63, "a" * 64
HOST = ".".join([LABEL] * 4)[:253]


def entity(kind: str, /, **changes):
    """An entity that fits, and then does not: keys are dotted, GONE takes a field away."""
    made = {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": "x"}}
    made["spec"] = dict(SPECS.get(kind, {}))
    for path, value in changes.items():
        *holders, key = path.split("__")
        place = made
        for holder in holders:
            place = place.setdefault(holder, {})
        place[key] = value
        if value is GONE:
            del place[key]
    return made


def verdict(made) -> str:
    return examine({"a.json": json.dumps(made).encode()})[0].verdict


OK = {
    "apiVersion": ["backstage.io/v1beta1"],
    "metadata__name": ["a", "A", "1", "a--b", "a.b", "a_b", "a.-_b", LABEL],
    "metadata__namespace": ["a", "1", "a-b", "a--b", LABEL],
    "metadata__title": ["x", " ", LONG * 9],
    "metadata__description": ["", " ", "two\nlines", LONG * 99],
    "metadata__uid": ["x", " "],
    "metadata__etag": ["x"],
    "metadata__extra": [None, 1, {"a": [1]}],
    "metadata__labels": [
        {}, {"a": ""}, {"A": "B"}, {"a": LABEL}, {LABEL: "a"}, {f"{HOST}/a": "x"}, {"a.b/C_d.e": "1.2_3-4"}
    ],
    "metadata__annotations": [{}, {"a": ""}, {"a": "any text, é\n"}, {f"x/{LABEL}": LONG},
    {f"{HOST}/a": "x"}],
    "metadata__tags": [[], ["a"], ["c++", "c#", ":", "a:b", "+-#", "a-b-c", LABEL], ["a", "a"]],
    "metadata__links": [
        [], [{"url": "https://x"}], [{"url": "mailto:a@b", "title": "x", "icon": "y", "type": " "}],
        [{"url": "foo:", "extra": None}],
    ],
}  # fmt: skip
REFUSED = {
    "apiVersion": [None, 1, "", "1.0", "a/b/c", "A/v1", "/v1", "a/", f"{HOST}a/v1", f"a/{LONG}", "a/v-1",
    GONE],
    "kind": [None, 1, "", "1a", "a-b", LONG, GONE],
    "metadata": [None, [], "x", {}, GONE],
    "spec": [None, [], "x", 1, GONE],
    "relations": [[], None, {}],
    "status": [{}, {"items": []}],
    "extra": [None, 1],
    "metadata__name": [None, 1, True, "", "-a", "a-", ".a", "a b", "é", "a\n", LONG, "a/b", "${{ x }}", GONE],
    "metadata__namespace": [None, 1, "", "A", "a_b", "a.b", "-a", "a-", LONG],
    "metadata__title": [None, 1, ""],
    "metadata__description": [None, 1, []],
    "metadata__uid": [None, "", 1],
    "metadata__etag": [None, "", 1],
    "metadata__labels": [
        None, [], "x", {"a": None}, {"a": 1}, {"a": " "}, {"a": "a b"}, {"a": LONG}, {"": "x"}, {"a b": "x"},
        {"a/b/c": "x"}, {"A.b/c": "x"}, {f"{HOST}a/b": "x"}, {f"a/{LONG}": "x"}, {"/a": "x"}, {"a/": "x"},
        {"a\nb": 1},
    ],
    "metadata__annotations": [None, [], {"a": None}, {"a": 1}, {"a": True}, {"a": {}}, {"": "x"},
    {"a b": "x"}],
    "metadata__tags": [None, {}, "a", [None], [1], [""], ["A"], ["a_b"], ["a.b"], ["a--b"], ["-a"], [LONG],
    [" "]],
    "metadata__links": [
        None, {}, "x", ["https://x"], [{}], [{"url": None}], [{"url": ""}], [{"url": "/a"}], [{"url": "x"}],
        [{"url": "https://x", "title": ""}], [{"url": "https://x", "title": " \t"}],
        [{"url": "https://x", "icon": " "}], [{"url": "https://x", "type": ""}],
        [{"url": "https://x", "type": None}],
    ],
}  # fmt: skip
BAD_TEXT, BAD_LIST = [None, "", 1, True, [], {}], [None, "component:a", 1, {}, [None], [""], [1], [["a"]]]
TEXTS = {
    "Component": ("type lifecycle owner", "system subcomponentOf"),
    "API": ("type lifecycle owner definition", "system"),
    "Resource": ("type owner", "system"),
    "System": ("owner", "domain type"),
    "Domain": ("owner", "subdomainOf type"),
    "Group": ("type", "parent"),
    "User": ("", ""),
    "Location": ("", "type target"),
}
LISTS = {
    "Component": "providesApis consumesApis dependsOn",
    "Resource": "dependsOn",
    "Group": "children members",
    "User": "memberOf",
    "Location": "targets",
}
PROFILES = [None, [], "x", {"email": ""}, {"email": None}, {"displayName": 1}, {"picture": []}]
UNREAD = {"Component": "dependencyOf", "Resource": "dependencyOf", "System": "dependsOn", "API": "dependsOn"}


def table() -> list[tuple[str, dict]]:
    """(the verdict of Backstage, the entity) of every edge."""
    rows = [("ok", entity(kind)) for kind in SPECS]
    rows += [("ok", entity("System", **{path: value})) for path, values in OK.items() for value in values]
    rows += [("refused", entity("User", **{at: value})) for at, values in REFUSED.items() for value in values]
    for kind, (required, optional) in TEXTS.items():
        rows += [("refused", entity(kind, **{f"spec__{f}": GONE})) for f in required.split()]
        rows += [
            ("refused", entity(kind, **{f"spec__{f}": bad}))
            for f in f"{required} {optional}".split()
            for bad in BAD_TEXT
        ]
        rows += [("ok", entity(kind, **{f"spec__{f}": " any: text/é"})) for f in optional.split()]
    for kind, fields in LISTS.items():
        rows += [("refused", entity(kind, **{f"spec__{f}": bad})) for f in fields.split() for bad in BAD_LIST]
        rows += [
            ("ok", entity(kind, **{f"spec__{f}": good})) for f in fields.split() for good in ([], ["a", "a"])
        ]
    rows += [("refused", entity(kind, spec__profile=bad)) for kind in ("Group", "User") for bad in PROFILES]
    rows += [("ok", entity("User", spec__profile={"extra": 1, "email": "no address"}))]
    rows += [
        ("refused", entity("Group", spec__children=GONE)),
        ("refused", entity("User", spec__memberOf=GONE)),
    ]
    rows += [
        ("ok", entity(kind, **{f"spec__{f}": odd}))
        for kind, f in UNREAD.items()
        for odd in (1, None, "a", [1])
    ]
    rows += [("ok", entity("Location", spec__presence=good)) for good in ("required", "optional")]
    rows += [("refused", entity("Location", spec__presence=bad)) for bad in ("", "Optional", None, [])]
    rows += [("ok", entity("Component", spec__extra=None)), ("ok", entity("Location", spec__target="a"))]
    rows += [("refused", entity("API", spec__type="mcp-server", spec__definition=GONE, spec__remotes=[{}]))]
    rows += [("unknown-kind", entity("Component", apiVersion=v)) for v in ("backstage.io/v1", "a.b/v1", "v2")]
    rows += [
        ("unknown-kind", entity(kind)) for kind in ("component", "Api", "Template", "Environment", LABEL)
    ]
    rows += [("unknown-kind", entity("Thing", apiVersion="acme.io/v1", spec__owner=1))]
    rows += [
        ("unknown-kind", entity("AiResource", spec__type="rule")),
        ("unknown-kind", entity("Thing", spec=GONE)),
    ]
    return rows


def test_every_edge_of_every_rule_gets_backstages_verdict(capsys):
    rows = table()
    wrong = [(said, mine, made) for said, made in rows if (mine := verdict(made)) != said]
    with capsys.disabled():
        print(f" {len(rows) - len(wrong)} of {len(rows)} edges agree", end="")
    assert wrong == []
    assert len(rows) > 380


def test_golden_vectors_all_agree(shared_data: Path, capsys):
    from tests.catalog import test_descriptors as single

    golden = json.loads((shared_data.parent / "golden" / "backstage.json").read_text())
    for which in single.FORMATS:
        single.test_formats_agree_with_golden_vectors(golden, which)
    single.test_parse_ref_agrees_with_golden_vectors(golden)
    single.test_stringify_agrees_with_golden_vectors(golden)
    single.test_validate_agrees_with_golden_vectors(golden)
    names = [*single.FORMATS, "parseEntityRef", "stringifyEntityRef", "validate"]
    with capsys.disabled():
        print(f" {sum(len(golden[name]) for name in names)} golden vectors agree", end="")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("https://x", True), (" https://x\n", True), ("ht\ntps://x", True), ("https:x", True), ("https:/x",
        True),
        ("http:\\\\x\\y", True), ("https://", False), ("https:///x", True), ("https://?q", False),
        ("https://a b", False), ("https://a%20b", False), ("https://%41", True), ("https://a_b", True),
        ("https://a<b", False), ("https://x/${{ y }}", True), ("https://${{ y }}/", False), ("https://{x}",
        True),
        ("https://u:p@h", True), ("https://u@", False), ("https://h:", True), ("https://h:80", True),
        ("https://h:80a", False), ("https://h:65536", False), ("https://h:000080", True), ("https://:80",
        False),
        ("http://1.2.3", True), ("http://256.1.1.1", False), ("http://1.2.3.4.5", False), ("http://0x7f.1",
        True),
        ("http://09", False), ("http://4294967295", True), ("http://4294967296", False), ("http://1..2",
        False),
        ("http://a.1", False), ("http://a.1a", True), ("http://a..b", True), ("http://.", True),
        ("http://[::1]", True), ("http://[::1]:8", True), ("http://[::g]", False), ("http://[::1", False),
        ("http://[::1%25e]", False), ("http://ä.de", True), ("http://xn--", False),
        ("http://xn--bcher-kva", True),
        ("http://\u00ad", False), ("http://\u200d", False), ("http://😀", True), ("http://%ff", False),
        ("file:x", True), ("file:///x", True), ("file://C:/x", True), ("file://a b/", False),
        ("mailto:", True), ("foo:bar baz", True), ("foo://", True), ("foo://a b", False), ("foo://a|b",
        False),
        ("foo://a:x", False), ("foo://a@", False), ("foo://%", True), ("foo://[", False), ("C:\\x", True),
        ("a-b+c.1:", True), ("1a:x", False), ("://x", False), ("//x", False), ("/x", False), ("x", False),
        ("", False),
        (None, False), ("git@github.com:a/b", False), ("https://\ud800", False),
    ],
)  # fmt: skip
def test_addresses_are_those_of_a_browser(text, holds):
    assert is_url(text) is holds


AI = {"type": "skill", "lifecycle": "production", "owner": "a"}


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        (AI, []),
        ({**AI, "dependsOn": ["other"], "disciplines": [], "compatibility": "x" * 500}, []),
        ({**AI, "compatibility": "x" * 501, "agents": "a"}, ["spec.agents", "spec.compatibility"]),
        ({**AI, "type": "rule"}, ["spec", "spec"]),
        ({**AI, "type": "rule", "category": "c", "rationale": "r"}, []),
        ({**AI, "type": "plugin"}, ["spec"]),
        ({**AI, "type": "plugin", "skills": ["s"]}, []),
        ({**AI, "type": "marketplace", "plugins": [""]}, ["spec.plugins[0]"]),
        ({**AI, "type": "our-own", "agents": 1}, []),
        ({**AI, "owner": 1, "type": None}, ["spec.type", "spec.owner"]),
        (None, ["(root)"]),
    ],
)
def test_an_ai_resource_comes_in_when_it_keeps_its_own_rules(spec, fields):
    made = entity("AiResource", spec=spec) if spec else entity("AiResource", spec=GONE)
    report = examine({"a.json": json.dumps(made).encode()})[0]
    assert report.verdict == "unknown-kind"
    assert (report.descriptor is not None) is (fields == [])
    if fields:
        assert [error.field for error in report.errors] == fields
    targets = {(r.type, r.target_ref) for r in report.relations}
    assert (("dependsOn", "airesource:default/other") in targets) is (bool(spec) and "dependsOn" in spec)


def test_kinds_of_ones_own_come_in_when_they_are_named():
    made = json.dumps(entity("Environment", spec__owner="a", spec__system=7)).encode()
    assert examine({"a.json": made})[0].descriptor is None
    report = examine({"a.json": made}, kept=["Environment"])[0]
    assert (report.verdict, [r.target_ref for r in report.relations]) == ("unknown-kind", ["group:default/a"])
    assert [(w.field, w.rule) for w in report.warnings] == [("spec.system", "reference")]


# What only other readers of YAML mind


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: b\u0085c", {"a": "b\u0085c"}),
        ("a: b\u2028 c\n", {"a": "b\u2028 c"}),
        ("a: x\ry\nb: 1", {"a": "x\ry", "b": 1}),
        ("a: \x07b", {"a": "\x07b"}),
        ("a: \U000f007f", {"a": "\U000f007f"}),
        ("a\x07: b", {"a\x07": "b"}),
        ("\t# note\na: 1\n\t\n", {"a": 1}),
        ("a:\n  -\tb\n  - c\n", {"a": ["b", "c"]}),
        ("a: 'x\n   y'\n", {"a": "x y"}),
        ("a: 'x\n\n y'\n", {"a": "x\ny"}),
    ],
)
def test_read_takes_what_npms_yaml_takes(text, data):
    from services.catalog.descriptors.reading import read

    assert [document.data for document in read(text.encode())] == [data]


@pytest.mark.parametrize(
    "text",
    ["a: 'x\ny'\n", 'a:\n  b: "x\n  y"\n', "a:\n- 'x\ny: 1'\n", "a:\n  b: {c: 'x\n  y'}\n", "a:\n\tb: 1\n"],
)
def test_read_refuses_what_npms_yaml_refuses(text):
    from services.catalog.descriptors.reading import read

    assert read(text.encode())[0].problem
