"""Closed schemas: what is refused, and what is offered instead."""

import pytest

from services.manifests import schema


def deployment(**spec):
    pod = {"containers": [{"name": "web", "image": "registry.example.com/web:1"}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def errors(obj, kubernetes="1.33"):
    return schema.validate(obj, kubernetes).errors


def test_a_good_object_has_no_errors():
    assert schema.validate(deployment(replicas=2), "1.33") == schema.Verdict("checked")


def test_an_unknown_field_is_refused_and_the_nearest_named():
    obj = deployment()
    obj["spec"]["template"]["spec"]["containers"][0]["imge"] = "x"
    (error,) = errors(obj)
    assert error.path[-1] == "imge"
    assert "did you mean image" not in error.message  # the container has an image already
    del obj["spec"]["template"]["spec"]["containers"][0]["image"]
    (error,) = errors(obj)
    place = ("spec", "template", "spec", "containers", 0)
    assert "did you mean image?" in error.message
    assert error.changes == {(*place, "imge"): None, (*place, "image"): "x"}


def test_every_error_is_told_at_once():
    obj = deployment(replicas="3", paused="yes", nonsense=1)
    assert {error.path for error in errors(obj)} == {
        ("spec", "replicas"),
        ("spec", "paused"),
        ("spec", "nonsense"),
    }


def test_errors_have_an_end():
    labels = {f"key{number}": number for number in range(500)}
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": labels}
    assert schema.MOST_ERRORS <= len(errors(obj)) < schema.MOST_ERRORS + 5


@pytest.mark.parametrize(
    ("field", "value", "better"),
    [("replicas", "3", 3), ("replicas", "three", None), ("paused", "yes", True), ("paused", "maybe", None)],
)
def test_a_wrong_type_offers_the_value_meant(field, value, better):
    (error,) = errors(deployment(**{field: value}))
    assert error.changes.get(("spec", field)) == better


def test_a_number_where_text_is_wanted():
    obj = deployment()
    obj["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": 8080}]
    (error,) = errors(obj)
    assert list(error.changes.values()) == ["8080"]


def test_missing_fields_are_named():
    obj = deployment()
    del obj["spec"]["selector"]
    assert [error.message for error in errors(obj)] == ["selector is missing"]


def test_null_is_a_field_not_given():
    obj = deployment(replicas=None)
    obj["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": None}}
    assert errors(obj) == ()


def test_dates_of_a_yaml_reader_are_text():
    import datetime

    obj = deployment()
    obj["metadata"]["annotations"] = {"since": datetime.date(2024, 1, 1)}
    assert errors(obj) == ()


@pytest.mark.parametrize(
    ("version", "served"),
    [("1.33", "v1.33"), ("v1.33.4", "v1.33"), ("1.9", "v1.25"), ("1.99", "v1.37"), ("2.0", "v1.37")],
)
def test_versions_are_compared_as_numbers(version, served):
    assert schema.served(version).startswith(served)


@pytest.mark.parametrize("version", ["latest", "1", "", "1.x"])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(schema.UnknownKubernetes):
        schema.served(version)


@pytest.mark.parametrize(
    ("api_version", "kind", "better"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
        ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
    ],
)
def test_a_removed_api_names_its_successor(api_version, kind, better):
    verdict = schema.validate({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}, "1.33")
    assert verdict.status == "removed"
    assert verdict.errors[0].changes == {("apiVersion",): better}


def test_an_api_is_removed_from_a_version_on():
    obj = {
        "apiVersion": "autoscaling/v2beta2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "x"},
        "spec": {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "x"}},
    }
    assert schema.validate(obj, "1.25").status == "checked"
    assert schema.validate(obj, "1.26").status == "removed"


@pytest.mark.parametrize("release", [f"1.{minor}" for minor in range(29, 37)])
def test_every_supported_release_has_closed_schemas(release):
    """Each of its own version: nothing falls back to another one."""
    assert schema.served(release) == f"v{release}.0-local-strict"
    assert schema.validate(deployment(replicas=2), release) == schema.Verdict("checked")
    found = errors(deployment(replicsa=2, paused="yes"), release)
    assert {each.path for each in found} == {("spec", "replicsa"), ("spec", "paused")}
    assert "did you mean replicas?" in next(each.message for each in found if "replicsa" in each.path)


@pytest.mark.parametrize(
    ("api_version", "kind", "first", "last"),
    [
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", 29, 31),
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", 29, 36),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", 30, 36),
        ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", 36, 36),
    ],
)
def test_releases_differ_where_kubernetes_does(api_version, kind, first, last):
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}
    served = [minor for minor in range(29, 37) if _is_served(obj, minor)]
    assert served == list(range(first, last + 1))


def _is_served(obj, minor):
    verdict = schema.validate(obj, f"1.{minor}")
    return verdict.status == "checked" and not any(each.rule == "unknown-kind" for each in verdict.errors)


@pytest.mark.parametrize(("asked", "release"), [("1.29", "1.29"), ("v1.33.2", "1.33"), (" 1.36 ", "1.36")])
def test_a_release_is_selected_by_any_of_its_versions(asked, release):
    assert schema.selected(asked) == release


@pytest.mark.parametrize(("asked", "nearest"), [("1.12", "1.25"), ("1.99", "1.37"), ("2.30", "1.30")])
def test_a_release_without_schemas_is_refused_with_the_list(asked, nearest):
    with pytest.raises(schema.UnknownKubernetes, match=f"nearest is {nearest} of 1.25, 1.26"):
        schema.selected(asked)


def test_a_kind_nobody_has_is_refused():
    verdict = schema.validate({"apiVersion": "v1", "kind": "Deploymnt"}, "1.33")
    assert "no kind Deploymnt in v1; did you mean Deployment in apps/v1?" in verdict.errors[0].message
    assert verdict.errors[0].changes == {("kind",): "Deployment", ("apiVersion",): "apps/v1"}
    assert schema.validate({"apiVersion": "v1", "kind": "Zebra"}, "1.33").errors[0].changes == {}


@pytest.mark.parametrize("api_version", ["example.org/v1", "apps.example.org/v1"])
def test_kinds_of_others_are_not_checked_and_said_to_be(api_version):
    """A group that begins like one of Kubernetes' own is still somebody else's."""
    obj = {"apiVersion": api_version, "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"any": 1}}
    assert schema.validate(obj, "1.33").status == "unchecked"


@pytest.mark.parametrize("kind", ["../../etc/passwd", "Deployment/..", ""])
def test_a_kind_is_never_a_path(kind):
    assert "no kind" in schema.validate({"apiVersion": "apps/v1", "kind": kind}, "1.33").errors[0].message


def test_parts_of_objects_are_not_kinds():
    verdict = schema.validate({"apiVersion": "v1", "kind": "Container", "name": "x"}, "1.33")
    assert "no kind Container" in verdict.errors[0].message


def test_our_own_schema_of_routes_is_closed():
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {
            "parentRefs": [{"name": "shared", "namespace": "gateway"}],
            "hostnames": ["web.example.com"],
            "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                       "backendRefs": [{"name": "web", "port": 80}]}],
        },
    }  # fmt: skip
    assert errors(route) == ()
    route["spec"]["rules"][0]["matches"][0]["path"]["type"] = "Prefix"
    route["spec"]["hostname"] = "x"
    assert {error.label for error in errors(route)} == {"Use PathPrefix", ""}


def test_real_manifests_that_build_are_not_refused(shared_data):
    """Rendered by kustomize from public repositories; the few with mistakes of their own are named."""
    from services.manifests.reader import load_all

    wrong = set()
    files = sorted((shared_data / "3-gitops" / "RENDERED").rglob("*.y*ml"))
    for file in files:
        for document in load_all(file.read_bytes(), file.name):
            if document.data.get("kind") and schema.validate(document.data, "1.33").errors:
                wrong.add(file.name.split("_")[0])
    assert len(files) > 50
    assert wrong <= {"1password-connect"}


def route(**backend):
    rules = [{"backendRefs": [{"name": "web", "port": 80, **backend}]}]
    spec = {"parentRefs": [{"name": "shared"}], "rules": rules}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def test_a_number_out_of_range_is_told_in_the_schema_s_words():
    (error,) = errors(route(port=70_000))
    assert (error.rule, error.path[-1]) == ("schema", "port")


def test_a_word_like_none_of_those_allowed_has_no_nearest():
    obj = route()
    obj["spec"]["rules"][0]["matches"] = [{"path": {"type": "zzz", "value": "/"}}]
    (error,) = errors(obj)
    assert "must be one of Exact" in error.message
    assert error.changes == {}


def test_a_kind_in_small_letters_is_none():
    (error,) = errors({"apiVersion": "apps/v1", "kind": "deployment"})
    assert "did you mean Deployment in apps/v1?" in error.message


def test_without_the_schema_files_nothing_is_silently_unchecked(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LookupError, match="not installed"):
        schema.folder.__wrapped__()
