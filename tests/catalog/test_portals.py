"""Files of other portals: recognised by what they hold, mapped to entities, the rest named in the report."""

import pytest

from services.catalog.descriptors.codeowners import Owners, rules_of
from services.catalog.descriptors.envelope import check_envelope
from services.catalog.descriptors.examine import examine
from services.catalog.descriptors.kinds import check_kind

COMPASS = """\
configVersion: 1
name: Basket Keeper
id: ari:cloud:compass:c1:component/w1/basket
description: Keeps baskets
typeId: SERVICE
ownerId: ari:cloud:identity::team/t1
fields: {tier: 2, lifecycle: Active, isMonorepoProject: false}
links:
  - {name: null, type: REPOSITORY, url: "https://git.example/shop/basket"}
  - {name: On call, type: ON_CALL, url: "https://oncall.example/basket"}
  - {name: Odd, type: DOCUMENT, url: see the wiki}
relationships:
  DEPENDS_ON: ["ari:cloud:compass:c1:component/w1/stock", "ari:cloud:compass:c1:component/w1/gone"]
labels: ["language:python", Big Team]
customFields:
  - {name: Cost centre, type: number, value: 7}
  - {name: Empty, type: text, value: null}
  - {name: Many, type: multi_select, value: [a, b]}
scoreCards: [x]
"""
STOCK = "configVersion: 1\nname: stock\nid: ari:cloud:compass:c1:component/w1/stock\ntypeId: CLOUD_RESOURCE\n"
OPSLEVEL = """\
version: 1
service:
  name: Order Taker
  owner: order_team
  tier: tier_1
  lifecycle: generally_available
  system: ordering
  product: Shop
  language: Ruby
  framework: Rails
  description: Takes orders
  aliases: [orders, OrderTaker]
  tags: [{key: db, value: mysql}, {key: release, value: 5.6}, {key: internal, value: true}]
  tools: [{name: Errors, category: errors, url: "https://errors.example", environment: Production}]
  repositories: [{name: shop/orders, path: /, provider: github}]
  dependencies: [{alias: parcels, notes: sync}, {alias: Tax Service}]
  alert_sources: [{type: pagerduty, external_id: P1}]
"""
PARCELS = "version: 1\ncomponent: {name: Parcel Service, type: worker, aliases: [parcels]}\n"
CORTEX = """\
openapi: 3.0.1
info:
  title: Price List
  description: Knows prices
  x-cortex-tag: prices
  x-cortex-type: service
  x-cortex-owners:
    - {type: group, name: pricing, provider: CORTEX}
    - {type: slack, channel: prices}
  x-cortex-domain-parents: [{tag: selling}]
  x-cortex-groups: [tier-1, "exposure:inside"]
  x-cortex-link: [{name: Runbook, type: runbook, url: "https://runbooks.example/prices"}]
  x-cortex-dependency: [{tag: stock-db, method: GET, path: /x}]
  x-cortex-custom-metadata: {core: true, cost: {eur: 3}}
  x-cortex-git: {github: {repository: shop/prices, basepath: src}}
  x-cortex-oncall: {pagerduty: {id: P1, type: SCHEDULE}}
servers: [{url: /}]
"""
SCORE = """\
apiVersion: score.dev/v1b1
metadata: {name: mailer, annotations: {shop.example/kind: batch}}
containers:
  main: {image: "registry.example/mailer:2", variables: {DB: "${resources.db.host}"}}
service: {ports: {www: {port: 8080, targetPort: 80}}}
resources:
  db: {type: postgres}
  queue: {type: amqp, id: shared-queue}
  orders: {type: service}
  front: {type: dns}
"""


def reports_of(**files: str):
    return examine({name.replace("__", "/"): text.encode() for name, text in files.items()})


def one(file: str, text: str, **more: str):
    found = [report for report in reports_of(**{file: text}, **more) if report.file == file]
    for report in found:
        if report.descriptor:
            assert check_envelope(report.descriptor) == []
    return found[0]


def notes(report) -> set[str]:
    return {warning.field for warning in report.warnings if warning.rule == "not-mapped"}


def test_a_compass_component_with_its_neighbour():
    report = one("compass.yml", COMPASS, **{"stock/compass.yaml": STOCK})
    assert report.verdict == "ok"
    assert report.descriptor == {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {
            "name": "basket-keeper",
            "title": "Basket Keeper",
            "description": "Keeps baskets",
            "labels": {"slipway.dev/tier": "2"},
            "annotations": {
                "compass.atlassian.com/id": "ari:cloud:compass:c1:component/w1/basket",
                "backstage.io/source-location": "url:https://git.example/shop/basket/",
                "compass.atlassian.com/cost-centre": "7",
            },
            "tags": ["language:python", "big-team"],
            "links": [
                {"url": "https://git.example/shop/basket", "type": "repository"},
                {"url": "https://oncall.example/basket", "title": "On call", "type": "on-call"},
            ],
        },
        "spec": {"type": "service", "lifecycle": "production", "dependsOn": ["resource:default/stock"]},
    }
    assert notes(report) == {
        "ownerId", "links[2].url", "relationships.DEPENDS_ON[1]", "customFields[2].value", "scoreCards",
    }  # fmt: skip
    assert {w.field: w.line for w in report.warnings}["relationships.DEPENDS_ON[1]"] == 13


def test_an_opslevel_service_finds_others_by_their_aliases():
    report = one("opslevel.yml", OPSLEVEL, **{"parcels/opslevel.yml": PARCELS})
    assert check_kind(report.descriptor) == []
    assert report.ref == "component:default/order-taker"
    metadata, spec = report.descriptor["metadata"], report.descriptor["spec"]
    assert metadata["tags"] == ["db:mysql", "release:5-6", "internal:true"]
    assert metadata["links"] == [
        {"url": "https://errors.example", "title": "Errors (Production)", "type": "errors"}
    ]
    assert metadata["annotations"]["opslevel.com/aliases"] == "orders, OrderTaker"
    assert metadata["annotations"]["opslevel.com/repository"] == "shop/orders"
    assert spec == {
        "type": "service", "lifecycle": "production", "owner": "group:default/order_team",
        "system": "ordering",
        "dependsOn": ["component:default/parcel-service", "component:default/tax-service"],
    }  # fmt: skip
    assert notes(report) == {"service.alert_sources"}


def test_an_opslevel_repository_gives_its_owner_to_what_names_none():
    files = {
        "a/opslevel.yml": "version: 1\nrepository: {owner: sdk team}\n",
        "a/b/score.yaml": SCORE,
        "score.yml": SCORE,
    }
    inside, _, _, repository, *_ = reports_of(**files)
    assert (repository.verdict, repository.ref, repository.descriptor) == ("ok", None, None)
    assert inside.descriptor["spec"]["owner"] == "group:default/sdk-team"
    assert inside.relations[-1].target_ref == "group:default/sdk-team"
    assert [w.message for w in inside.warnings if w.rule == "codeowners"] == [
        "group:default/sdk-team owns it, as a/opslevel.yml says"
    ]


def test_a_cortex_entity():
    report = one("cortex.yaml", CORTEX)
    assert check_kind(report.descriptor) == []
    metadata, spec = report.descriptor["metadata"], report.descriptor["spec"]
    assert (metadata["name"], metadata["title"], metadata["tags"]) == (
        "prices", "Price List", ["tier-1", "exposure:inside"]
    )  # fmt: skip
    assert metadata["annotations"] == {"cortex.io/core": "true", "github.com/project-slug": "shop/prices"}
    assert spec == {
        "type": "service", "lifecycle": "unknown", "owner": "group:default/pricing", "system": "selling",
        "dependsOn": ["component:default/stock-db"],
    }  # fmt: skip
    assert notes(report) == {
        "info.x-cortex-owners[1].type", "info.x-cortex-custom-metadata.cost", "info.x-cortex-oncall",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "parents", "ours", "spec"),
    [
        ("domain", "[{tag: a}]", "Domain", {"owner": "", "subdomainOf": "a"}),
        ("team", "[{tag: a}]", "Group", {"type": "team", "children": [], "parent": "a"}),
        ("database", "[]", "Resource", {"type": "database", "owner": ""}),
        (
            "our-own",
            "[{tag: a}, {tag: b}]",
            "Component",
            {"type": "our-own", "lifecycle": "unknown", "system": "a"},
        ),
    ],
)
def test_kinds_of_cortex(kind, parents, ours, spec):
    text = f"info: {{title: t, x-cortex-tag: t, x-cortex-type: {kind}, x-cortex-parents: {parents}}}"
    made = one("x.yaml", text).descriptor
    kept = {key: value for key, value in spec.items() if value != ""}
    assert (made["kind"], made["spec"]) == (ours, kept)


def test_a_score_workload_and_what_it_needs():
    files = {"score.yaml": SCORE, "CODEOWNERS": "* @shop/everybody\nscore.yaml @shop/Mail-Team @sam\n"}
    workload, database, queue = reports_of(**files)
    assert workload.descriptor["spec"] == {
        "type": "service", "lifecycle": "unknown", "owner": "group:default/mail-team",
        "dependsOn": [
            "component:default/orders", "resource:default/mailer-db", "resource:default/shared-queue",
        ],
    }  # fmt: skip
    assert workload.descriptor["metadata"]["annotations"] == {
        "shop.example/kind": "batch", "slipway.dev/image": "registry.example/mailer:2",
        "slipway.dev/ports": "www:8080",
    }  # fmt: skip
    assert [(r.ref, r.descriptor["spec"]["type"]) for r in (database, queue)] == [
        ("resource:default/mailer-db", "postgres"), ("resource:default/shared-queue", "amqp"),
    ]  # fmt: skip
    assert notes(workload) == {"resources.front.type"}
    assert "score.yaml says" not in str(workload.warnings)
    assert "CODEOWNERS:2" in str(workload.warnings)


@pytest.mark.parametrize(
    ("file", "text", "errors"),
    [
        ("compass.yml", "configVersion: 2\ntypeId: SERVICE", {"configVersion": "enum", "(root)": "required"}),
        ("compass.yml", "configVersion: 1\ntypeId: [x]\nname: '?'", {"typeId": "type", "name": "format"}),
        ("any.yaml", "configVersion: 1\ntypeId: X\nname: a\nlinks: x\nlabels: [1]\n"
         "fields: []\ncustomFields: [x]",
         {"links": "type", "labels[0]": "type", "fields": "type", "customFields[0]": "type"}),
        ("compass.yml", "configVersion: 1\ntypeId: X\nname: a\nrelationships: {DEPEND_ON: []}\nlinks: [{}]",
         {"relationships.DEPEND_ON": "enum", "links[0]": "required"}),
        ("opslevel.yml", "version: 2\nservice: {}", {"version": "enum", "service": "required"}),
        ("opslevel.yml", "version: 1\nservice: x", {"service": "type"}),
        ("opslevel.yml", "version: 1\nservice: {name: a, tags: [{value: x}], tools: [{}], dependencies: [a]}",
         {"service.tags[0]": "required", "service.tools[0]": "required", "service.dependencies[0]": "type"}),
        ("opslevel.yml", "version: 1\nservice: {name: a}\ncomponent: {name: a}", {"service": "one-subject"}),
        ("cortex.yaml", "info: {x-cortex-tag: a b}", {"info.x-cortex-tag": "format", "info": "required"}),
        ("cortex.yaml", "info: {title: t, x-cortex-tag: a, x-cortex-owners: [{type: robot}, {}]}",
         {"info.x-cortex-owners[0].type": "enum", "info.x-cortex-owners[1]": "required"}),
        ("score.yaml", "apiVersion: score.dev/v1\nmetadata: {name: A B}\ncontainers: {}",
         {"apiVersion": "enum", "metadata.name": "format", "containers": "empty"}),
        ("score.yaml", "apiVersion: score.dev/v1b1\ncontainers: {a: {}}",
         {"(root)": "required", "containers.a": "required"}),
        ("score.yaml", "apiVersion: score.dev/v1b1\nmetadata: {name: a}\ncontainers: {a: {image: .}}\n"
         "service: {ports: {w: {port: 0}}}\nresources: {db: {}}",
         {"service.ports.w.port": "range", "resources.db": "required"}),
    ],
)  # fmt: skip
def test_what_breaks_the_portals_own_rules_is_refused(file, text, errors):
    report = one(file, text)
    assert (report.verdict, report.descriptor, report.ref) == ("refused", None, None)
    assert {error.field: error.rule for error in report.errors} == errors


@pytest.mark.parametrize(
    ("file", "text", "verdict"),
    [
        ("compass.yml", "name: compass\ndependencies: [dask]", "refused"),
        ("score.yaml", "gender/work: {x: [salad]}", "refused"),
        ("opslevel.yml", "version: 1\nservices: {web: {image: x}}", "refused"),
        ("compose.yaml", "version: 1\nservice: {name: x}", "refused"),
        ("cortex.yaml", "openapi: 3.0.1\ninfo: {title: x}", "refused"),
        ("any.yaml", PARCELS.replace("type: worker", "tier: t"), "ok"),
        ("any.yaml", STOCK, "ok"),
    ],
)
def test_documents_are_recognised_by_what_they_hold(file, text, verdict):
    report = one(file, text)
    assert report.verdict == verdict
    if verdict == "refused":
        assert report.errors[0].message != ""
        assert report.portal == ""


def test_a_descriptor_comes_before_the_file_of_another_portal():
    described = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: stock}\n"
    described += "spec: {type: a, lifecycle: b, owner: c}"
    service = STOCK.replace("CLOUD_RESOURCE", "SERVICE")
    ours, theirs = reports_of(**{"a.yaml": service, "b.yaml": described})
    assert (ours.descriptor, theirs.descriptor is None) == (None, False)
    assert "already described in b.yaml:1" in ours.warnings[-1].message


# CODEOWNERS


CODEOWNERS = """\
# everybody
*                @acme/core
*.yaml           @acme/yaml      # inline
/docs/           mail@acme.example @writer
apps/*/deploy    @acme/deploy
build/logs/*     @acme/logs
/exact.yaml      @acme/exact
**/deep/**       @acme/deep
with\\ space.yaml @acme/space
[Section] @acme/section
  in-section/
^[Optional][2] @acme/optional
  optional.yaml
  own-one.yaml   @@bit-group
no-one/
nobody.yaml
!not.yaml        @acme/not
"""


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("README.md", "group:default/core"),
        ("any/where/x.yaml", "group:default/yaml"),
        ("docs/x.md", "user:default/writer"),
        ("sub/docs/x.md", "group:default/core"),
        ("apps/a/deploy", "group:default/deploy"),
        ("apps/a/deploy/x.yaml", "group:default/deploy"),
        ("apps/a/b/deploy", "group:default/core"),
        ("build/logs/x", "group:default/logs"),
        ("build/logs/sub/x", "group:default/core"),
        ("exact.yaml", "group:default/exact"),
        ("sub/exact.yaml", "group:default/yaml"),
        ("a/deep/b/c.yaml", "group:default/deep"),
        ("with space.yaml", "group:default/space"),
        ("a/in-section/x", "group:default/section"),
        ("optional.yaml", "group:default/optional"),
        ("a/own-one.yaml", "group:default/bit-group"),
        ("not.yaml", "group:default/yaml"),
    ],
)
def test_the_last_line_that_matches_names_the_owner(path, owner):
    assert Owners({"CODEOWNERS": CODEOWNERS.encode()}).owner_of(path)[0] == owner


def test_a_line_without_an_owner_takes_the_owner_away():
    owners = Owners(
        {"x/.github/CODEOWNERS": b"* @a/b\nfree/\n", "x/docs/CODEOWNERS": b"* @a/docs", "CODEOWNERS": b"* @r"}
    )
    assert owners.owner_of("x/kept/a.yaml") == ("group:default/b", "x/.github/CODEOWNERS:1")
    assert owners.owner_of("x/free/a.yaml") == ("", "x/.github/CODEOWNERS:2")
    assert owners.owner_of("y/a.yaml")[0] == "user:default/r"
    assert Owners({}).owner_of("a/b.yaml") == ("", "")


def test_a_hostile_codeowners_takes_no_time():
    assert len(rules_of("*a" * 200 + "b @a/b\n" + "x @a/b\n" * 10_000)) <= 5_000
    hostile = Owners({"CODEOWNERS": ("*a" * 100 + "b @a/b\n").encode()})
    assert hostile.owner_of("a" * 250) == ("", "")


def test_codeowners_gives_workloads_of_kubernetes_an_owner():
    manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec: {}\n"
    report = one("k8s/cart.yaml", manifest, CODEOWNERS="k8s/ @acme/cart-team")
    assert report.descriptor["spec"]["owner"] == "group:default/cart-team"
    assert [w.rule for w in one("k8s/cart.yaml", manifest).warnings] == ["no-owner"]
