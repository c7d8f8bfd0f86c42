"""The engine against Backstage's own verdicts: golden vectors, real files, and odd input."""

import json
from pathlib import Path

import pytest

from services.catalog.descriptors import formats
from services.catalog.descriptors.envelope import check_envelope
from services.catalog.descriptors.examine import counts, examine, is_candidate
from services.catalog.descriptors.kinds import check_kind, is_known, unknown_kind
from services.catalog.descriptors.reading import MAX_DEPTH, MAX_FILE, read
from services.catalog.descriptors.refs import BadReference, EntityRef, parse_ref, ref_of
from services.catalog.descriptors.relations import both_ways, declared

FORMATS = {
    "name": formats.is_name,
    "namespace": formats.is_namespace,
    "kind": formats.is_kind,
    "apiVersion": formats.is_api_version,
    "labelKey": formats.is_label_key,
    "labelValue": formats.is_label_value,
    "tag": formats.is_tag,
    "linkUrl": formats.is_url,
}


def component(**spec):
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "cart"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "checkout", **spec},
    }


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> dict:
    return json.loads((shared_data.parent / "golden" / "backstage.json").read_text())


@pytest.mark.parametrize("which", FORMATS)
def test_formats_agree_with_golden_vectors(golden, which):
    assert [row for row in golden[which] if FORMATS[which](row["in"]) is not row["ok"]] == []


def test_parse_ref_agrees_with_golden_vectors(golden):
    for row in golden["parseEntityRef"]:
        text, options = row["in"][0], row["in"][1] if len(row["in"]) > 1 else {}
        names = {"defaultKind": "default_kind", "defaultNamespace": "default_namespace"}
        known = {names[key]: value for key, value in options.items()}
        if "error" in row:
            with pytest.raises(BadReference) as error:
                parse_ref(text, **known)
            assert str(error.value) == row["error"]
        else:
            assert vars(parse_ref(text, **known)) == row["ok"]


def test_stringify_agrees_with_golden_vectors(golden):
    for row in golden["stringifyEntityRef"]:
        parts = {"namespace": "default", **row["in"]}
        assert str(EntityRef(**parts)) == row["ok"]


def test_validate_agrees_with_golden_vectors(golden):
    for name, row in golden["validate"].items():
        entity = row["entity"]
        assert (check_envelope(entity) == []) is (row["policy"] == "ok"), name
        if row["kindValidator"] == "no validator recognised it":
            assert not is_known(entity), name
        elif row["policy"] == "ok":
            assert (check_kind(entity) == []) is (row["kindValidator"] == "ok"), name


def test_real_descriptors_get_backstages_verdicts(shared_data, capsys):
    root = shared_data / "1-backstage"
    files = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    reports = {(report.file, report.document): report for report in examine(files)}
    expected = json.loads(files["verdicts.json"])
    disagreements = [
        (row, report and report.verdict)
        for row in expected
        if (report := reports.get((row["file"], row["doc"]))) is None or report.verdict != row["verdict"]
    ]
    for row, mine in disagreements:
        print(f"{row['file']} #{row['doc']}: {row['verdict']} expected, {mine} found ({row['message']})")
    assert disagreements == []
    agreed = [row for row in expected if row["verdict"] == "ok"]
    assert {reports[row["file"], row["doc"]].ref for row in agreed} == {row["ref"] for row in agreed}
    assert all(report.errors for report in reports.values() if report.verdict != "ok")


def test_online_boutique_comes_in_as_twelve_components_with_the_true_edges(shared_data):
    root = shared_data / "2-systems" / "online-boutique"
    files = {p.name: p.read_bytes() for p in (root / "manifests").rglob("*.yaml")}
    truth = json.loads((root / "GROUND_TRUTH.json").read_text())
    found = [report for report in examine(files) if report.descriptor]
    assert {report.ref for report in found} == {f"component:default/{name}" for name in truth["workloads"]}
    edges = {(r.source_ref, r.target_ref) for report in found for r in report.relations}
    true = {(edge["from"], edge["to"]) for edge in truth["edges"] if edge["in_manifests"]}
    assert edges == {(f"component:default/{a}", f"component:default/{b}") for a, b in true}
    assert all(report.warnings[0].rule == "no-owner" for report in found)


# Reading


def data_of(text: str):
    return [document.data for document in read(text.encode())]


def test_carriage_returns_of_windows_change_nothing():
    text = "a: {b: c}\n---\nd: [1]\n---\ne: |\n  x\n"
    assert (
        data_of(text.replace("\n", "\r\n")) == data_of(text) == [{"a": {"b": "c"}}, {"d": [1]}, {"e": "x\n"}]
    )


def test_read_keeps_the_line_of_every_value():
    document = read(b"# comment\na: 1\nb:\n  - x\n  - y: z\n")[0]
    assert [document.line_of(p) for p in [("a",), ("b",), ("b", 0), ("b", 1, "y"), ("b", 1, "no")]] == [
        2,
        3,
        4,
        5,
        5,
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("2024-01-01", "2024-01-01"), ("12:30", "12:30"),
        ("0755", 755), ("0o17", 15), ("0x1F", 31), ("1e3", 1000.0), ("1e999", "1e999"), (".5", 0.5),
        ("~", None), ("Null", None),
        ("TRUE", True), ("'1'", "1"), ("!!str 5", "5"), ("1_000", "1_000"), ("+7", 7),
    ],
)  # fmt: skip
def test_read_resolves_plain_scalars_by_the_core_schema(text, value):
    assert data_of(f"a: {text}") == [{"a": value}]


def test_read_leaves_merge_keys_alone():
    assert data_of("base: &b {x: 1}\nuse:\n  <<: *b\n") == [{"base": {"x": 1}, "use": {"<<": {"x": 1}}}]


def test_read_loses_no_document_to_a_broken_one():
    documents = read(b"a: 1\n---\nb: [\n---\nc: 3\n")
    assert [(d.index, d.line, d.data, bool(d.problem)) for d in documents] == [
        (0, 1, {"a": 1}, False),
        (1, 3, None, True),
        (2, 5, {"c": 3}, False),
    ]


def test_read_counts_empty_documents_without_reporting_them():
    documents = read(b"---\n# nothing\n---\na: 1\n...\n# end\n---\n")
    assert [(d.index, d.data) for d in documents] == [(1, {"a": 1})]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", "twice"),
        ("a: *nobody\n", "points to nothing"),
        ("a: &a [*a]\n", "points to nothing"),
        ("[" * (MAX_DEPTH + 2), "nested deeper"),
        ("*x : 1\n", "points to nothing"),
        ("a: &x 1\n*x : 1\n", "alias cannot be a key"),
        ('a: "\\0"\n', "NUL"),
        ("a:\n\t- b\n", "cannot start any token"),
        ("{%- if x %}\n", "cannot start any token"),
    ],
)
def test_read_says_what_is_wrong_and_where(text, says):
    document = read(text.encode())[0]
    assert says in document.problem
    assert document.line >= 1


def test_read_stops_a_billion_laughs():
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
    )
    assert "more than" in read(text.encode())[0].problem


def test_read_counts_depth_through_aliases():
    ladder = "".join(f"k{n}: &k{n} [*k{n - 1}]\n" for n in range(1, 600))
    document = read(f"k0: &k0 [x]\n{ladder}".encode())[0]
    assert "nested deeper" in document.problem
    assert read(b"a: &a [[x]]\nb: &b [*a]\nc: [*b, *b]\n")[0].data["c"] == [[[["x"]]], [[["x"]]]]


def test_read_takes_a_mapping_as_a_key_the_way_a_skeleton_has_it():
    assert data_of("name: {{ x }}\n") == [{"name": {'{"x": null}': None}}]


def test_read_refuses_what_is_no_text_or_too_much():
    assert "UTF-8" in read(b"a: \xff\n")[0].problem
    assert "larger" in read(b"x" * (MAX_FILE + 1))[0].problem


@pytest.mark.parametrize(
    ("text", "data"),
    [('{"a":\t[1]}', {"a": [1]}), ('{"a": NaN}', {"a": "NaN"}), ("a: 1", {"a": 1})],
)
def test_read_json(text, data):
    assert read(text.encode(), as_json=True)[0].data == data


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": "\\u0000"}', '{"a": "\\ud800"}', "[" * 99999])
def test_read_json_refuses_what_cannot_be_kept(text):
    assert read(text.encode(), as_json=True)[0].problem


# Messages


def errors_of(entity) -> dict[str, tuple[str, str]]:
    report = examine({"a.json": json.dumps(entity).encode()})[0]
    return {error.field: (error.rule, error.suggestion) for error in report.errors}


def test_every_error_names_field_rule_and_the_nearest_valid_value():
    entity = component()
    entity["metadata"] = {
        "name": "my cart!",
        "namespace": "Shop_EU",
        "title": "",
        "tags": ["Go Lang", 7],
        "labels": {"a b": "x", "size": "very large"},
        "annotations": {"a/b/c": "x", "n": 1, "e": None},
        "links": ["x", {"url": "/runbook"}, {"title": "t"}],
    }
    entity["dependsOn"], entity["kindd"] = [], "x"
    assert errors_of(entity) == {
        "metadata.name": ("format", "my-cart"),
        "metadata.namespace": ("format", "shop-eu"),
        "metadata.title": ("empty", ""),
        "metadata.tags[0]": ("format", "go-lang"),
        "metadata.tags[1]": ("type", 'put it in quotes: "7"'),
        'metadata.labels["a b"]': ("format", "a-b"),
        "metadata.labels.size": ("format", "very-large"),
        'metadata.annotations["a/b/c"]': ("format", "a.b/c"),
        "metadata.annotations.n": ("type", 'put it in quotes: "1"'),
        "metadata.annotations.e": ("type", "give it a value or remove the line"),
        "metadata.links[0]": ("type", "- url: https://…"),
        "metadata.links[1].url": ("format", "https://…"),
        "metadata.links[2]": ("required", "url: …"),
        "dependsOn": ("unknown-field", "move dependsOn under spec"),
        "kindd": ("unknown-field", "did you mean kind?"),
    }


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"owner": None}, "spec.owner", "type"),
        ({"owner": ""}, "spec.owner", "empty"),
        ({"owner": True}, "spec.owner", "type"),
        ({"system": None}, "spec.system", "type"),
        ({"dependsOn": "component:x"}, "spec.dependsOn", "type"),
        ({"dependsOn": None}, "spec.dependsOn", "type"),
        ({"dependsOn": [1]}, "spec.dependsOn[0]", "type"),
    ],
)
def test_kind_errors_name_the_field(change, field, rule):
    assert errors_of(component(**change))[field][0] == rule


@pytest.mark.parametrize(
    ("entity", "verdict", "rule"),
    [
        ({"kind": "component"}, "unknown-kind", "unknown-kind"),
        ({"apiVersion": "backstage.io/v9"}, "unknown-kind", "unknown-version"),
        ({"metadata": "x"}, "refused", "type"),
        ({"metadata": {}}, "refused", "required"),
        ({"metadata": {"name": "a", "labels": None, "tags": {}, "links": 1}}, "refused", "type"),
        ({"spec": []}, "refused", "type"),
        ({"relations": []}, "refused", "unknown-field"),
        ({"tags": []}, "refused", "unknown-field"),
    ],
)
def test_verdicts_of_broken_envelopes(entity, verdict, rule):
    report = examine({"a.json": json.dumps({**component(), **entity}).encode()})[0]
    assert (report.verdict, report.errors[0].rule) == (verdict, rule)


def test_all_that_is_wrong_is_said_at_once():
    head = "apiVersion: backstage.io/v1alpha1\nkind: {}\n"
    broken = head + "metadata: {{name: my cart}}\nspec: {{type: a, owner: a}}"
    for kind, rules in {
        "Component": [("metadata.name", "my-cart"), ("spec", "lifecycle: production")],
        "Componnt": [("metadata.name", "my-cart"), ("kind", "Component")],
        "Gadget": [("metadata.name", "my-cart")],
        "[]": [("kind", ""), ("metadata.name", "my-cart")],
    }.items():
        (report,) = examine({"a.yaml": broken.format(kind).encode()})
        assert report.verdict == "refused"
        assert [(problem.field, problem.suggestion) for problem in report.errors] == rules


def test_an_entity_without_spec_or_metadata_is_refused():
    for missing in ("spec", "metadata", "kind"):
        entity = component()
        del entity[missing]
        assert examine({"a.json": json.dumps(entity).encode()})[0].verdict == "refused"


def test_unknown_kind_suggests_the_one_that_was_meant():
    assert (
        unknown_kind({"apiVersion": "backstage.io/v1alpha1", "kind": "Componant"}).suggestion == "Component"
    )


def test_profile_and_presence_are_checked():
    group = {**component(), "kind": "Group", "spec": {"type": "team", "children": [], "profile": "x"}}
    assert check_kind(group)[0].path == ("spec", "profile")
    group["spec"]["profile"] = {"email": 1}
    assert check_kind(group)[0].path == ("spec", "profile", "email")
    assert check_kind({**component(), "kind": "Location", "spec": {"presence": "x"}})[0].rule == "enum"


def test_other_formats_are_named_and_odd_documents_are_no_descriptors():
    files = {"o.yaml": b"openapi: 3.0.0\n", "l.yaml": b"- a\n", "README.md": b"x: ["}
    reports = examine(files)
    assert [(r.file, r.verdict, r.errors[0].rule) for r in reports] == [
        ("l.yaml", "not-a-descriptor", "type"),
        ("o.yaml", "refused", "other-format"),
    ]
    assert counts(reports)["documents"] == 2
    assert is_candidate("A.YML")


# Relations


def test_relations_run_both_ways():
    relations, problems = declared(
        component(
            system="shop", subcomponentOf="big", providesApis=["cart-api"], consumesApis=["api:x/tax"],
            dependsOn=["resource:db", "nokind"], dependencyOf=["component:web"],
        )
    )  # fmt: skip
    assert [(r.type, r.target_ref) for r in relations] == [
        ("consumesApi", "api:x/tax"),
        ("dependencyOf", "component:default/web"),
        ("dependsOn", "resource:default/db"),
        ("ownedBy", "group:default/checkout"),
        ("partOf", "component:default/big"),
        ("partOf", "system:default/shop"),
        ("providesApi", "api:default/cart-api"),
    ]
    assert [(p.path, p.rule, p.suggestion) for p in problems] == [
        (("spec", "dependsOn", 1), "reference", "component:nokind")
    ]
    back = [r for r in both_ways(relations) if r.source_ref != "component:default/cart"]
    assert ("dependsOn", "component:default/web") in {(r.type, r.source_ref) for r in back}
    assert len(both_ways(relations)) == 14


def test_group_and_user_relations_default_to_their_own_namespace():
    group = {
        "kind": "Group",
        "metadata": {"name": "A", "namespace": "eu"},
        "spec": {"parent": "p", "children": ["c"], "members": ["m"]},
    }
    user = {"kind": "User", "metadata": {"name": "u"}, "spec": {"memberOf": ["eu/A"]}}
    assert [(r.type, r.target_ref) for r in declared(group)[0]] == [
        ("childOf", "group:eu/p"),
        ("hasMember", "user:eu/m"),
        ("parentOf", "group:eu/c"),
    ]
    assert [(r.type, r.target_ref) for r in declared(user)[0]] == [("memberOf", "group:eu/a")]
    assert ref_of(group) == "group:eu/a"


# Placeholders


def api(definition) -> bytes:
    spec = {"type": "openapi", "lifecycle": "production", "owner": "a", "definition": definition}
    return json.dumps({**component(), "kind": "API", "spec": spec}).encode()


def test_placeholders_are_read_from_the_same_source_only():
    files = {
        "a/api.yaml": api({"$text": "../specs/x.graphql"}),
        "b/api.yaml": api({"$text": "https://example.org/x"}),
        "c/api.yaml": api({"$openapi": "./none.yaml"}),
        "d/api.yaml": api({"$file": "x"}),
        "specs/x.graphql": b"type Query",
    }
    first, second, third, fourth = examine(files)
    assert first.descriptor["spec"]["definition"] == "type Query"
    assert [second.verdict, second.warnings[0].rule] == ["ok", "placeholder"]
    assert "no such file" in third.warnings[0].message
    assert fourth.verdict == "refused"


@pytest.mark.parametrize(
    ("key", "content", "value"),
    [
        ("$json", b'{"a": 1}', {"a": 1}),
        ("$yaml", b"a: 1\n", {"a": 1}),
        ("$json", b"{", {"$json": "x.inc"}),
        ("$text", b"a\x00b\xff", "ab\ufffd"),
        ("$yaml", b"a: 1\n---\nb: 2\n", {"$yaml": "x.inc"}),
        ("$text", b"x" * (1024 * 1024 + 1), "$text: x.inc"),
    ],
)
def test_placeholders_parse_what_they_include(key, content, value):
    entity = component(extra={key: "x.inc"}, many=[{key: "x.inc"}])
    report = examine({"c.json": json.dumps(entity).encode(), "x.inc": content})[0]
    assert report.descriptor["spec"]["extra"] == value
    assert report.descriptor["spec"]["many"] == [value]


# Workloads


def workload(name, env=(), *, kind="Deployment", image="web:1", labels=None, **metadata):
    pod = {"containers": [{"name": "c", "image": image, "env": list(env)}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec = {"template": template}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    meta = {"name": name, "labels": labels or {}, **metadata}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": spec}


def service(name, selects=None, port=80):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": selects or name}, "ports": [{"port": port}]},
    }


def found_in(*objects):
    files = {"all.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()}
    return {report.ref: report for report in examine(files) if report.ref}


@pytest.mark.parametrize(
    ("key", "value", "is_edge"),
    [
        ("CART_ADDR", "cart:80", True),
        ("CART_URL", "http://cart:80/v1", True),
        ("CART", "cart:80", True),
        ("CART", "cart:81", False),
        ("CART_ADDR", "cart.default.svc.cluster.local:80", True),
        ("CART_ADDR", "nobody:80", False),
        ("CART_ADDR", "cart", True),
        ("GREETING", "say cart:80 please", False),
        ("DATABASE_URL", "postgres://u:p@cart:80/db", True),
    ],
)
def test_only_a_certain_address_is_a_dependency(key, value, is_edge):
    web = workload("web", [{"name": key, "value": value}, {"name": "X", "valueFrom": {}}, "odd"])
    found = found_in(web, workload("cart"), service("cart"))["component:default/web"]
    assert [r.target_ref for r in found.relations] == (["component:default/cart"] if is_edge else [])
    if is_edge:
        evidence = found.needs["component:default/cart"].evidence[0]
        assert (evidence.key, evidence.file) == (key, "all.json")
        assert "u:p" not in evidence.value


def test_a_service_that_selects_two_workloads_leads_to_both():
    a, b = workload("a"), workload("b")
    b["spec"]["template"]["metadata"]["labels"] = {"app": "a"}
    web = workload("web", [{"name": "A_ADDR", "value": "a:80"}])
    found = found_in(a, b, web, service("a"))["component:default/web"].relations
    assert [r.target_ref for r in found] == ["component:default/a", "component:default/b"]


def test_workloads_carry_owner_system_type_and_image():
    labels = {"slipway.dev/team": "checkout", "app.kubernetes.io/part-of": "Order Flow"}
    made = workload("nightly", kind="CronJob", image="registry/x/redis:7@sha256:abc", labels=labels)
    named = workload("db", labels={"backstage.io/kubernetes-id": "orders-db"}, image="postgres")
    found = found_in(made, named, {"kind": "Secret", "apiVersion": "v1", "metadata": None})
    descriptor = found["component:default/nightly"].descriptor
    assert descriptor["spec"] == {"type": "cache", "owner": "checkout", "system": "Order-Flow"}
    assert descriptor["metadata"]["annotations"]["slipway.dev/image"].startswith("registry/x/redis:7")
    assert found["component:default/orders-db"].descriptor["spec"]["type"] == "database"


def test_a_descriptor_comes_before_a_manifest_of_the_same_name():
    files = {"a.json": json.dumps(workload("cart")).encode(), "b.json": json.dumps(component()).encode()}
    manifest, described = examine(files)
    assert manifest.descriptor is None
    assert "b.json:1" in manifest.warnings[-1].message
    assert described.descriptor is not None


@pytest.mark.parametrize(
    "manifest", [{"spec": 1}, {"spec": {"template": []}}, {"metadata": {"name": 3}}, {"metadata": []}]
)
def test_odd_manifests_do_no_harm(manifest):
    report = examine({"a.json": json.dumps({**workload("x"), **manifest}).encode()})[0]
    assert report.verdict in ("ok", "not-a-descriptor")
