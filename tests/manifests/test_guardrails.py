"""Guardrails: each notices its bad example, lets its good one pass, and is missed when it is gone."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from services.manifests import guardrails, pointers, schema
from services.manifests.check import check
from services.manifests.emit import dump
from services.manifests.guardrails import FOLDER, Guardrails, PolicyError, export, shipped
from services.manifests.guardrails.evaluation import without_nulls
from services.manifests.guardrails.matching import plural
from services.manifests.guardrails.policy import read, read_folder
from services.manifests.reader import load_all
from services.manifests.report import guardrail_table

EXAMPLES = FOLDER / "examples"
RULES = sorted(shipped().rules)
SETTINGS = {
    "registries": ["registry.larkfield.shop"],
    "smallest_node_memory": "30Gi",
    "cpu_limits": "required",
}


def example(id, which):
    return load_all((EXAMPLES / id / f"{which}.yaml").read_bytes(), f"{which}.yaml")


def found(id, documents, rails=None):
    findings = check(documents, environment="production", settings=SETTINGS, guardrails=rails)
    return [each for each in findings if each.rule == id]


def without_validations(rails, id):
    """The guardrails with the one's policy still there, but judging nothing."""
    policies = [replace(each, validations=()) if each.id == id else each for each in rails.policies]
    return Guardrails(tuple(policies), tuple(each for each in rails.across if each.rule.id != id))


def test_there_are_examples_of_every_guardrail_and_of_nothing_else():
    assert sorted(each.name for each in EXAMPLES.iterdir()) == RULES


@pytest.mark.parametrize("id", RULES)
def test_the_good_example_passes(id):
    assert found(id, example(id, "good")) == []


@pytest.mark.parametrize("id", RULES)
def test_the_bad_example_fails_at_a_place_and_with_a_reason(id):
    for finding in found(id, example(id, "bad")) or pytest.fail("not found"):
        assert finding.message
        assert len(finding.reason) > 20
        assert finding.line > 0
        assert "could not be judged" not in finding.message


@pytest.mark.parametrize("id", RULES)
def test_the_bad_example_passes_without_the_guardrail(id):
    assert found(id, example(id, "bad"), without_validations(shipped(), id)) == []


VALIDATIONS = [(each.id, n) for each in shipped().policies for n in range(len(each.validations))]


@pytest.mark.parametrize(("id", "number"), VALIDATIONS)
def test_every_single_validation_is_missed_when_it_is_gone(id, number):
    """The bad example has something for each of them, which is then no longer found."""
    (policy,) = (each for each in shipped().policies if each.id == id)
    kept = policy.validations[:number] + policy.validations[number + 1 :]
    with_all, without = (
        {
            (each.document, each.path, each.message)
            for each in found(id, example(id, "bad"), Guardrails((rail,)))
        }
        for rail in (policy, replace(policy, validations=kept))
    )
    assert without < with_all


@pytest.mark.parametrize("id", RULES)
def test_examples_are_what_the_api_accepts(id):
    for which in ("good", "bad"):
        for document in example(id, which):
            assert schema.validate(document.data, "1.33").errors == ()


@pytest.mark.parametrize("id", RULES)
def test_a_fix_makes_the_bad_example_pass(id):
    """One fix after the other, as somebody clicks them."""
    objects = [copy.deepcopy(document.data) for document in example(id, "bad")]
    for _ in range(20):
        fixable = [each for each in found(id, objects) if each.fix]
        if not fixable:
            break
        target = objects[fixable[0].document]
        for place, value in fixable[0].fix.changes.items():
            target = pointers.with_value(target, pointers.parse(place), value)
        objects[fixable[0].document] = without_nulls(target)
    assert [each for each in found(id, objects) if each.fix] == []


def test_severities_depend_on_the_environment():
    documents = example("mem-ratio-prod", "bad")
    rule = "mem-ratio-prod"
    production = [each.severity for each in check(documents, environment="prod") if each.rule == rule]
    staging = [each for each in check(documents, environment="staging") if each.rule == rule]
    named = check(documents, environment="blue", settings={"is_production": True})
    assert production == ["block"]
    assert staging == []
    assert rule in {each.rule for each in named}


def test_settings_move_the_limit():
    documents = example("mem-ratio-prod", "bad")
    findings = check(documents, environment="production", settings={"memory_ratio": 4})
    assert "mem-ratio-prod" not in {each.rule for each in findings}


def test_what_an_environment_usually_says_makes_no_guardrail_too_costly():
    """Settings that a guardrail does not name are none of its business, however many there are."""
    said = {f"price-of-{number}": "4.20 EUR" for number in range(60)}
    registries = ["registry.larkfield.shop", "ghcr.io/larkfield", "docker.io", "quay.io/larkfield"]
    for name in ("image-tag", "service-port", "cron-overlap"):
        documents = example(name, "good")
        containers = [each for each in documents if "template" in each.data.get("spec", {})]
        for each in containers:
            pod = each.data["spec"]["template"]["spec"]
            pod["containers"] = [{**pod["containers"][0], "name": f"c{n}"} for n in range(3)]
        settings = {**said, **SETTINGS, "registries": registries, "host_ports": "8000-9000"}
        found = check(documents, environment="production", settings=settings)
        assert [each.message for each in found if "could not be judged" in each.message] == []


def test_the_container_at_fault_is_named():
    (document,) = example("mem-ratio-prod", "bad")
    obj = copy.deepcopy(document.data)
    good = copy.deepcopy(
        example("mem-ratio-prod", "good")[0].data["spec"]["template"]["spec"]["containers"][0]
    )
    obj["spec"]["template"]["spec"]["containers"].insert(0, {**good, "name": "proxy"})
    (finding,) = found("mem-ratio-prod", [obj])
    assert finding.path == "spec.template.spec.containers[1].resources.limits.memory"
    assert finding.fix.changes == {finding.path: "384Mi"}
    assert "container web" in finding.message


def test_a_secret_is_named_and_never_shown():
    (finding,) = found("secret-in-env", example("secret-in-env", "bad"))
    assert "DB_PASSWORD" in finding.message
    assert "correct-horse" not in str(finding)


SECRETS = [
    ("DB_PASSWORD", "hunter2", True),
    ("PASSWORD", "x", True),
    ("apiKey", "abc", True),
    ("API_KEY", "abc", True),
    ("GITHUB_TOKEN", "abc", True),
    ("AWS_SECRET_ACCESS_KEY", "abc", True),
    ("pwd", "Hpwd", True),
    ("X", "postgres://user:pw@db/x", True),
    ("X", "-----BEGIN RSA PRIVATE KEY-----", True),
    ("X", "AKIAIOSFODNN7EXAMPLE", True),
    ("TOKEN_URL", "https://idp.example.com/token", False),
    ("PASSWORD_FILE", "/run/secrets/x", False),
    ("SECRET_NAME", "wishlist", False),
    ("DB_HOST", "db", False),
    ("DB_PASSWORD", "$(FROM_ELSEWHERE)", False),
    ("DB_PASSWORD", "", False),
    ("REQUIRE_TOKEN", "true", False),
    ("URL", "postgres://db/wishlist", False),
    ("TOKENIZER", "bert", False),
    ("KEYBOARD", "de", False),
]


@pytest.mark.parametrize(("name", "value", "secret"), SECRETS)
def test_what_looks_like_a_secret(name, value, secret):
    obj = copy.deepcopy(example("secret-in-env", "good")[0].data)
    obj["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": name, "value": value}]
    assert bool(found("secret-in-env", [obj])) is secret
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {name: value}}
    assert bool(found("secret-in-configmap", [config])) is secret


@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ("registry.larkfield.shop/web:1", True),
        ("registry.larkfield.shop.evil.example/web:1", False),
        ("nginx:1", True),
        ("library/nginx:1", True),
        ("docker.io/nginx:1", True),
        ("evil.example/registry.larkfield.shop/web:1", False),
        ("localhost:5000/web:1", False),
    ],
)
def test_registries(image, allowed):
    obj = copy.deepcopy(example("image-registry", "good")[0].data)
    obj["spec"]["template"]["spec"]["containers"][0]["image"] = image
    settings = {"registries": "registry.larkfield.shop, docker.io"}
    findings = check([obj], environment="staging", settings=settings)
    assert ("image-registry" not in {each.rule for each in findings}) is allowed


def policy(name="own", *, binding=None, notes=None, **spec):
    rules = [
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    ]
    spec = {
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": "object.spec.replicas <= 5", "message": "at most five"}],
        **spec,
    }
    documents = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name, "annotations": notes or {}},
            "spec": spec,
        }
    ]
    if binding is not None:
        documents.append(
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": name},
                "spec": {"policyName": name, **binding},
            }
        )
    return documents


def loaded(*documents):
    return Guardrails(tuple(read(load_all(dump(documents)))))


def deployment(replicas=9, api_version="apps/v1", **metadata):
    return {
        "apiVersion": api_version,
        "kind": "Deployment",
        "metadata": {"name": "web", **metadata},
        "spec": {"replicas": replicas},
    }


def judged(rails, *objects):
    return [problem.message for _, problem in rails.broken(objects, "production", {})]


def test_a_policy_of_an_organisation():
    rails = loaded(*policy())
    assert judged(rails, deployment(9)) == ["at most five"]
    assert judged(rails, deployment(5)) == []
    assert rails.rules["own"].severity("production") == "block"


def test_former_groups_and_versions_are_matched_unless_exactly():
    assert judged(loaded(*policy()), deployment(api_version="extensions/v1beta1")) == ["at most five"]
    constraints = policy()[0]["spec"]["matchConstraints"]
    exact = loaded(*policy(matchConstraints={**constraints, "matchPolicy": "Exact"}))
    assert judged(exact, deployment(api_version="apps/v1beta1")) == []
    assert judged(exact, deployment()) == ["at most five"]


@pytest.mark.parametrize(
    ("actions", "severity"),
    [(["Deny"], "block"), (["Warn"], "warn"), (["Audit"], "info"), (["Audit", "Deny"], "block")],
)
def test_a_binding_gives_the_severity(actions, severity):
    rails = loaded(*policy(binding={"validationActions": actions}))
    assert rails.severity("own", "staging") == severity


def test_selectors_narrow():
    constraints = policy()[0]["spec"]["matchConstraints"]
    selector = {"matchLabels": {"tier": "web"}}
    rails = loaded(*policy(matchConstraints={**constraints, "objectSelector": selector}))
    assert judged(rails, deployment()) == []
    assert judged(rails, deployment(labels={"tier": "web"})) == ["at most five"]
    binding = {
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
    }
    rails = loaded(*policy(binding=binding))
    assert judged(rails, deployment(namespace="shop")) == ["at most five"]
    assert judged(rails, deployment(namespace="other")) == []
    binding = {"matchResources": {"resourceRules": [{"apiGroups": [""], "resources": ["pods"]}]}}
    assert judged(loaded(*policy(binding=binding)), deployment()) == []
    excluded = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}]
    rails = loaded(*policy(matchConstraints={**constraints, "excludeResourceRules": excluded}))
    assert judged(rails, deployment()) == []


def test_rules_may_name_objects_and_scopes():
    rule = policy()[0]["spec"]["matchConstraints"]["resourceRules"][0]
    named = {"resourceRules": [{**rule, "resourceNames": ["web"]}]}
    assert judged(loaded(*policy(matchConstraints=named)), deployment()) == ["at most five"]
    cluster = {"resourceRules": [{**rule, "scope": "Cluster"}]}
    assert judged(loaded(*policy(matchConstraints=cluster)), deployment()) == []
    deleted = {"resourceRules": [{**rule, "operations": ["DELETE"]}]}
    assert judged(loaded(*policy(matchConstraints=deleted)), deployment()) == []


def test_conditions_variables_and_messages():
    rails = loaded(
        *policy(
            matchConditions=[{"name": "not-big", "expression": "object.metadata.name != 'big'"}],
            variables=[
                {"name": "most", "expression": "5"},
                {"name": "over", "expression": "object.spec.replicas - variables.most"},
            ],
            validations=[
                {
                    "expression": "variables.over <= 0",
                    "messageExpression": "'variables.over is ' + string(variables.over)",
                }
            ],
        )
    )
    assert judged(rails, deployment(9)) == ["variables.over is 4"]
    assert judged(rails, {**deployment(9), "metadata": {"name": "big"}}) == []


def test_a_message_that_fails_leaves_the_plain_one():
    validation = {"expression": "false", "messageExpression": "object.nowhere"}
    assert judged(loaded(*policy(validations=[{**validation, "message": "plain"}])), deployment()) == [
        "plain"
    ]
    assert judged(loaded(*policy(validations=[validation])), deployment()) == ["failed expression: false"]


def test_what_cannot_be_judged_is_refused_or_ignored():
    validations = [{"expression": "object.spec.nowhere > 1"}]
    (message,) = judged(loaded(*policy(validations=validations)), deployment())
    assert "could not be judged" in message
    assert judged(loaded(*policy(validations=validations, failurePolicy="Ignore")), deployment()) == []
    conditions = [{"name": "x", "expression": "object.spec.nowhere"}]
    assert "could not be judged" in judged(loaded(*policy(matchConditions=conditions)), deployment())[0]
    (message,) = judged(loaded(*policy(validations=[{"expression": "1 + 1"}])), deployment())
    assert "true or false" in message


def test_parameters_from_an_object():
    params = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits"}, "data": {"most": "3"}}
    documents = policy(
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        binding={"paramRef": {"name": "limits"}},
        validations=[{"expression": "object.spec.replicas <= int(params.data.most)", "message": "too many"}],
    )
    rails = loaded(*documents, params)
    assert judged(rails, deployment(4)) == ["too many"]
    assert judged(rails, deployment(3)) == []


def test_the_namespace_among_the_documents_is_known():
    validations = [{"expression": "namespaceObject.metadata.labels.tier == 'gold'", "message": "gold only"}]
    rails = loaded(*policy(validations=validations))
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {"tier": "gold"}},
    }
    assert judged(rails, namespace, deployment(namespace="shop")) == []


REFUSED = [
    ({"validations": [{"expression": "object.?spec.orValue(1) == 1"}]}, "unsupported"),
    ({"validations": [{"expression": "authorizer.group('').check('x').allowed()"}]}, "authorizer"),
    ({"validations": [{"expression": "params.data.x == 1"}]}, "params"),
    ({"validations": [{"expression": "variables.x == 1"}]}, "variables.x"),
    ({"validations": [{"expression": "true", "severity": "x"}]}, "severity"),
    ({"validations": [{"expression": "((("}]}, "own"),
    ({"surprise": 1}, "surprise"),
    ({"matchConstraints": {"surprise": 1}}, "surprise"),
    ({"notes": {"slipway.dev/severity": "terrible"}}, "terrible"),
    ({"notes": {"slipway.dev/lessons": "x"}}, "own"),
    ({"notes": {"slipway.dev/fix": "label: 'a'"}}, "own"),
]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_we_do_not_understand_is_refused(change, said):
    with pytest.raises(PolicyError, match=said):
        loaded(*policy(**change))


def test_another_api_is_refused():
    (document,) = policy()
    with pytest.raises(PolicyError, match="apiVersion"):
        loaded({**document, "apiVersion": "kyverno.io/v1"})


def test_a_folder_of_an_organisation_adds_and_replaces(tmp_path: Path):
    (tmp_path / "own.yaml").write_text(dump(policy("own") + policy("nodeport") + policy("pdb-missing")))
    (tmp_path / "notes.txt").write_text("not a policy")
    rails = guardrails.load(tmp_path)
    assert set(rails.rules) == {*RULES, "own"}
    assert rails.rules["nodeport"].title == "nodeport"
    assert "pdb-missing" not in {each.rule.id for each in rails.across}


def test_an_unreadable_policy_file_is_named(tmp_path: Path):
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(PolicyError, match=r"broken\.yaml"):
        read_folder(tmp_path)


def test_evaluation_is_bounded():
    rails = loaded(
        *policy(validations=[{"expression": "object.spec.l.all(a, object.spec.l.all(b, a != b + 1000000))"}])
    )
    obj = {**deployment(), "spec": {"l": list(range(2000))}}
    (message,) = judged(rails, obj)
    assert "could not be judged" in message


def test_a_large_list_is_said_rather_than_passed():
    obj = copy.deepcopy(example("secret-in-env", "good")[0].data)
    env = [{"name": f"N{number}", "value": "x"} for number in range(400)]
    obj["spec"]["template"]["spec"]["containers"][0]["env"] = env
    (finding,) = found("secret-in-env", [obj])
    assert "could not be judged" in finding.message


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Ingress", "ingresses"),
        ("NetworkPolicy", "networkpolicies"),
        ("Pod", "pods"),
        ("Gateway", "gateways"),
        ("Proxy", "proxies"),
        ("Bus", "buses"),
        ("Endpoints", "endpoints"),
    ],
)
def test_plurals(kind, name):
    assert plural(kind) == name


def test_documents_of_other_folders_are_not_compared():
    staging = load_all((EXAMPLES / "duplicate-object" / "good.yaml").read_bytes(), "staging/all.yaml")
    production = load_all((EXAMPLES / "duplicate-object" / "good.yaml").read_bytes(), "production/all.yaml")
    findings = check([*staging, *production], environment="production")
    assert {"duplicate-object", "duplicate-route"}.isdisjoint(each.rule for each in findings)


def test_the_export_is_applicable():
    """Every guardrail file can go to the cluster as it is; its bindings deny, warn or audit."""
    documents = list(export.documents(shipped()))
    for document in documents:
        assert schema.validate(document, "1.33").errors == ()
    policies = [each for each in documents if each["kind"] == "ValidatingAdmissionPolicy"]
    assert len(policies) == len(shipped().policies)
    bindings = {
        each["metadata"]["name"]: each["spec"] for each in documents if each["kind"].endswith("Binding")
    }
    assert bindings["mem-ratio-prod-production"]["validationActions"] == ["Deny"]
    assert "mem-ratio-prod" not in bindings
    assert bindings["nodeport"]["validationActions"] == ["Warn"]
    assert bindings["requests-missing"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert bindings["image-registry"]["paramRef"]["name"] == documents[0]["metadata"]["name"]


def test_the_documentation_lists_every_guardrail():
    text = (Path(__file__).resolve().parents[2] / "docs" / "guardrails.md").read_text()
    assert guardrail_table(shipped()) in text


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}


@pytest.mark.parametrize(
    ("id", "context", "offered"),
    [
        ("privilege-escalation", {}, True),
        ("privilege-escalation", {"privileged": False}, True),
        ("privilege-escalation", {"privileged": True}, False),
        ("run-as-root", {}, True),
        ("run-as-root", {"runAsUser": 0}, False),
    ],
)
def test_a_fix_that_would_contradict_the_rest_is_not_offered(id, context, offered):
    container = {"name": "web", "image": "web:1", "securityContext": context}
    (problem,) = found(id, [{**POD, "spec": {"containers": [container]}}])
    assert bool(problem.fix) is offered


def test_a_message_that_cannot_be_made_is_the_title():
    (problem,) = found(
        "privileged", [{**POD, "spec": {"containers": [{"securityContext": {"privileged": True}}]}}]
    )
    assert problem.message == "A privileged container"


CUSTOM = {
    "apiVersion": "postgresql.cnpg.io/v1",
    "kind": "Cluster",
    "metadata": {"name": "orders"},
    "spec": {},
}


@pytest.mark.parametrize(
    ("selector", "beside", "told"),
    [
        ({"app": "wbe"}, [], True),
        ({"cnpg.io/cluster": "orders"}, [], False),
        ({"app.kubernetes.io/name": "wbe"}, [], True),
        ({"cluster": "orders"}, [CUSTOM], False),
        ({"cluster": "orders"}, [], True),
        ({"app": "wbe"}, [CUSTOM], True),
        ({"app": "wbe"}, [{**CUSTOM, "kind": "ServiceMonitor", "metadata": {"name": "wbe"}}], True),
    ],
)
def test_services_for_the_pods_of_an_operator_are_no_mistake(selector, beside, told):
    service, deployment = (copy.deepcopy(each.data) for each in example("service-selects-nothing", "good"))
    if service["kind"] != "Service":
        service, deployment = deployment, service
    service["spec"]["selector"] = selector
    assert bool(found("service-selects-nothing", [service, deployment, *beside])) is told


@pytest.mark.parametrize(
    ("name", "beside", "told"),
    [("orders-rw", [], True), ("orders-rw", [CUSTOM], False), ("stock-rw", [CUSTOM], True)],
)
def test_routes_to_what_an_operator_makes_are_no_mistake(name, beside, told):
    objects = [copy.deepcopy(each.data) for each in example("backend-missing", "good")]
    for obj in objects:
        if obj["kind"] == "Ingress":
            obj["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = name
    assert bool(found("backend-missing", [*objects, *beside])) is told


def test_a_named_port_of_pods_that_declare_none_is_nowhere():
    objects = [copy.deepcopy(each.data) for each in example("service-port", "good")]
    for obj in objects:
        if obj["kind"] == "Deployment":
            del obj["spec"]["template"]["spec"]["containers"][0]["ports"]
        else:
            obj["spec"]["ports"][0]["targetPort"] = "http"
    (finding,) = found("service-port", objects)
    assert "none" in finding.message
    assert finding.fix is None


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ({"name": "wishlist", "port": 80}, set()),
        ({"name": "whishlist", "port": 80}, {"backend-missing"}),
        ({"name": "wishlist", "port": 8080}, {"backend-port"}),
        ({"name": "elsewhere", "namespace": "other", "port": 1}, set()),
        ({"name": "bucket", "kind": "Bucket"}, set()),
    ],
)
def test_routes_of_the_gateway_are_followed_too(backend, told):
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "entrance", "namespace": "shop"},
        "spec": {"parentRefs": [{"name": "shared"}], "rules": [{"backendRefs": [backend]}, {}]},
    }
    objects = [each.data for each in example("backend-port", "good") if each.data["kind"] != "Ingress"]
    findings = check([*objects, route], environment="production")
    assert {each.rule for each in findings if each.rule.startswith("backend-")} == told


def test_empty_lists_have_no_item_at_fault():
    (document,) = example("secret-in-env", "bad")
    obj = copy.deepcopy(document.data)
    obj["spec"]["template"]["spec"]["initContainers"] = [
        {"name": "init", "image": "r.example/x:1", "env": []}
    ]
    (finding,) = found("secret-in-env", [obj])
    assert finding.path.startswith("spec.template.spec.containers[0].env[")


def test_what_is_off_somewhere_is_bound_nowhere_there():
    notes = {"slipway.dev/severity": "warn", "slipway.dev/severity.staging": "off"}
    exported = [each for each in export.documents(loaded(*policy(notes=notes))) if "Binding" in each["kind"]]
    assert [each["spec"]["validationActions"] for each in exported] == [["Warn"]]


SPOT = {"karpenter.sh/capacity-type": "spot"}
AZURE = {"key": "kubernetes.azure.com/scalesetpriority", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        ({"nodeSelector": SPOT, "terminationGracePeriodSeconds": 120}, ""),
        (
            {
                "nodeSelector": {"karpenter.sh/capacity-type": "on-demand"},
                "terminationGracePeriodSeconds": 900,
            },
            "",
        ),
        (
            {"tolerations": [{**AZURE, "operator": "Exists"}], "terminationGracePeriodSeconds": 60},
            "60 seconds",
        ),
        ({"tolerations": [{**AZURE, "value": "spot"}], "terminationGracePeriodSeconds": 60}, "given 30"),
        ({"tolerations": [{"operator": "Exists"}], "terminationGracePeriodSeconds": 60}, ""),
        (
            {"nodeSelector": SPOT, "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]},
            "keeps data",
        ),
    ],
)
def test_what_may_run_on_nodes_that_are_taken_away(pod, reason):
    objects = [copy.deepcopy(each.data) for each in example("spot-unsafe", "good")]
    spec = objects[0]["spec"]["template"]["spec"]
    spec.pop("nodeSelector")
    spec.update(pod)
    findings = found("spot-unsafe", objects)
    assert bool(findings) is bool(reason)
    assert all(reason in each.message for each in findings)
