import json
import time
from itertools import pairwise

import pytest

from services.catalog.derivation import derive
from services.catalog.derivation.masking import masked
from tests.catalog import systems

WRITTEN = {system.name: system for system in systems.load()}


def found_in(files, least=0.5):
    return {(edge.source, edge.target): edge for edge in derive(files).sure(least)}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_system_shows_its_edges_and_no_others(name):
    system = WRITTEN[name]
    result = derive(system.files)
    found = {(edge.source, edge.target): edge.kind for edge in result.sure()}
    assert found == system.edges
    assert {
        (n.source, n.message.split("called ")[1].split(";")[0]) for n in result.dangling()
    } >= system.dangling
    assert all(edge.evidence for edge in result.edges)


@pytest.mark.parametrize("name", ["online-boutique", "sock-shop"])
def test_documented_systems_show_what_their_manifests_have(shared_data, name):
    root = shared_data / "2-systems" / name
    files = {p.relative_to(root).as_posix(): p.read_bytes() for p in (root / "manifests").rglob("*.yaml")}
    truth = json.loads((root / "GROUND_TRUTH.json").read_text())
    true = {(edge["from"], edge["to"]) for edge in truth["edges"] if edge["in_manifests"]}
    assert set(found_in(files)) == true
    assert set(derive(files).nodes) == set(truth["workloads"])


def pod(name, **container):
    spec = {"containers": [{"name": "a", "image": "shop/" + name, **container}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": template},
    }


def door(name, *ports, selects=""):
    spec = {"selector": {"app": selects or name}, "ports": [{"port": port} for port in ports]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


CART = [pod("cart", image="shop/cart"), door("cart", 8080)]


def edges_of(key, value, others=CART, **more):
    """What `web` is found to need when its environment holds one value."""
    web = pod("web", env=[{"name": key, "value": value}], **more)
    files = {"all.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": [web, *others]}).encode()}
    return {edge.target for edge in derive(files).sure() if edge.source == "web"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CART_ADDR", "cart:8080"),
        ("cartHost", "cart"),
        ("CART_SERVICE", "cart"),
        ("ANY", "cart:8080"),
        ("ANY", "http://cart"),
        ("ANY", "cart.default.svc.cluster.local"),
        ("UPSTREAMS", "other:1,cart:8080"),
        ("DSN", "host=cart port=8080 user=x"),
        ("Db", "Server=tcp:cart,8080;Database=web;Password=x"),
        ("DSN", "web:pw@tcp(cart:8080)/web?charset=utf8"),
        ("DB", "jdbc:oracle:thin:@cart:8080:XE"),
        ("DB", "jdbc:sqlserver://cart:8080;databaseName=web"),
        ("ConnectionStrings__Basket", "cart"),
        ("redis.contact-points", "cart"),
        ("URL", "http://$(CART_SERVICE_HOST):$(CART_SERVICE_PORT)"),
        ("URL", "${MISSING:-http://cart:8080}"),
        ("JAVA_OPTS", "-Xmx1g -Dcart.host=cart -Dother=1"),
        ("BOOTSTRAP_SERVERS", "PLAINTEXT://cart:8080"),
        ("SETTINGS", '{"cart": {"url": "http://cart:8080"}}'),
    ],
)
def test_an_address_is_an_edge(key, value):
    assert edges_of(key, value) == {"cart"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DB_NAME", "cart"),
        ("DB_USER", "cart"),
        ("PGDATABASE", "cart"),
        ("QUEUE", "cart"),
        ("TOPIC", "cart"),
        ("ROLE", "cart"),
        ("CART", "cart"),
        ("CACHE_TYPE", "cart"),
        ("SERVICE_NAME", "cart"),
        ("DD_SERVICE", "cart"),
        ("PATH_PREFIX", "/cart"),
        ("CART_IMAGE", "cart:8080"),
        ("CART_VERSION", "cart:8080"),
        ("SCHEDULE", "cart:12"),
        ("NO_PROXY", "cart,localhost"),
        ("ALLOWED_HOSTS", "cart"),
        ("CORS_ORIGINS", "http://cart"),
        ("REDIRECT_URL", "http://cart/callback"),
        ("MESSAGE", "the cart is full"),
        ("STORE", "s3://cart/folder"),
        ("FILE", "file://cart/x"),
        ("URL", "http://cart.example.com/"),
        ("URL", "http://carts:8080"),
        ("URL", "http://cart.elsewhere:8080"),
        ("URL", "http://user@localhost:8080/?next=cart"),
        ("URL", "http://web/cart"),
        ("LISTEN", "0.0.0.0:8080"),
    ],
)
def test_a_name_that_means_something_else_is_no_edge(key, value):
    other = {**pod("far"), "metadata": {"name": "far", "namespace": "elsewhere"}}
    assert edges_of(key, value, [*CART, other]) == set()


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("TIMER_DATA_STORE", "cart-store", {"cart-store"}),
        ("SESSION_REDIS", "cart-store", {"cart-store"}),
        ("CACHE_BACKEND", "redis", set()),
        ("STORE", "cart", set()),
        ("DATABASE", "cart-store", set()),
    ],
)
def test_a_store_may_stand_under_its_own_name(key, value, found):
    stores = [{**pod(name, image="redis:7")} for name in ("cart-store", "redis")]
    assert edges_of(key, value, [*CART, *stores, door("cart-store", 6379), door("redis", 6379)]) == found


def test_an_address_that_leads_nowhere_is_told_with_what_may_be_meant():
    web = pod(
        "web", env=[{"name": f"{n}_URL", "value": f"http://{n}:80"} for n in ("crat", "carts", "zzz", "far")]
    )
    far = {**pod("far"), "metadata": {"name": "far", "namespace": "elsewhere"}}
    files = {"a.json": json.dumps({"kind": "List", "apiVersion": "v1", "items": [web, far, *CART]}).encode()}
    told = [note.message for note in derive(files).dangling()]
    assert told == [
        "nothing here is called crat; did you mean cart?",
        "nothing here is called carts; did you mean cart?",
        "nothing here is called zzz",
        "nothing here is called far; far is in another namespace",
    ]


def test_a_workload_is_reached_by_its_service_and_by_its_own_name_only_without_one():
    served = [pod("cart-app"), door("cart", 80, selects="cart-app")]
    assert edges_of("CART_URL", "http://cart", served) == {"cart-app"}
    assert edges_of("CART_URL", "http://cart-app", served) == set()
    assert edges_of("CART_URL", "http://cart-app", served[:1]) == {"cart-app"}


def test_a_policy_for_a_whole_crowd_is_no_edge():
    crowd = [pod(f"p{number}") for number in range(5)]
    for each in crowd:
        each["spec"]["template"]["metadata"]["labels"]["part"] = "shop"

    def allowed(selector):
        ingress = [{"from": [{"podSelector": {"matchLabels": {"app": "p0"}}}]}]
        policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "x"}}
        policy["spec"] = {"podSelector": selector, "ingress": ingress}
        items = {"apiVersion": "v1", "kind": "List", "items": [*crowd, policy]}
        return {(e.source, e.target) for e in derive({"a.json": json.dumps(items).encode()}).sure()}

    assert allowed({"matchLabels": {"app": "p1"}}) == {("p0", "p1")}
    assert allowed({"matchExpressions": [{"key": "app", "operator": "In", "values": ["p1"]}]}) == {
        ("p0", "p1")
    }
    assert allowed({"matchExpressions": [{"key": "app", "operator": "In", "values": ["p1", "p2"]}]}) == set()
    assert allowed({"matchLabels": {"part": "shop"}}) == set()
    assert allowed({}) == set()


@pytest.mark.parametrize(
    ("name", "image", "kind"),
    [
        ("a", "docker.io/bitnami/postgresql:16@sha256:abc", "datastore"),
        ("a", "registry:5000/library/redis:7-alpine", "datastore"),
        ("a", "mcr.microsoft.com/mssql/server:2022-latest", "datastore"),
        ("a", "oliver006/redis-exporter:1", "service"),
        ("a", "company/orders", "service"),
        ("orders-db", "company/orders-data", "datastore"),
        ("orders-db-migration", "company/orders", "service"),
        ("a", "apache/kafka:3.9", "queue"),
        ("a", "provectuslabs/kafka-ui", "service"),
        ("a", "otel/opentelemetry-collector-contrib:0.1", "telemetry"),
        ("discovery-server", "company/discovery", "config"),
        ("frontend", "company/frontend", "service"),
    ],
)
def test_what_something_is_follows_from_image_and_name(name, image, kind):
    assert derive({"a.json": json.dumps(pod(name, image=image)).encode()}).nodes == {name: kind}


def test_evidence_says_where_and_never_shows_a_password():
    web = pod("web", env=[{"name": "CART_URL", "value": "http://me:hunter2@cart:8080"}])
    text = "\n---\n".join(json.dumps(each, indent=1) for each in (web, *CART))
    (edge,) = derive({"k8s/a.yaml": text.encode()}).edges
    (proof,) = edge.evidence
    line = text[: text.index("hunter2")].count("\n") + 1
    assert (proof.file, proof.line, proof.key, proof.value) == (
        "k8s/a.yaml",
        line,
        "CART_URL",
        "http://cart:8080",
    )


def test_what_is_broken_is_noted_and_the_rest_is_read():
    good = json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [pod("web", command=["cart:8080"]), *CART]}
    )
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"
        for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    files = {
        "good.json": good.encode(),
        "broken.yaml": b"kind: [Deployment\n",
        "bomb.yaml": bomb.encode(),
        "deep.yaml": b"[" * 500,
        "chart/templates/x.yaml": b"{{- if .Values.on }}\nkind: {{ x }}\n",
        "odd.yaml": b"services: {a: {image: 3, environment: [1, null], depends_on: 7, ports: [x]}}\n",
        "latin.properties": b"name=\xff\xfe",
        "null.yaml": b"kind: Deployment\napiVersion: apps/v1\nmetadata: null\nspec: []\n",
        "empty.yaml": b"",
    }
    result = derive(files)
    assert [(e.source, e.target) for e in result.edges] == [("web", "cart")]
    assert {note.file for note in result.notes} == {"broken.yaml", "bomb.yaml", "deep.yaml"}


def test_texts_that_mean_ill_take_no_time():
    names = [chr(97 + n) for n in range(26)]
    bomb = [{"name": a, "value": f"$({b})" * 2000} for a, b in pairwise(names)]
    long = (
        "a" * 150_000,
        "a:" * 75_000,
        "http://" * 20_000,
        "${" * 70_000,
        "=a;" * 50_000,
        "x@" * 70_000,
        "-a " * 50_000,
    )
    env = [*bomb, *({"name": f"URL{n}", "value": text} for n, text in enumerate(long))]
    files = {
        "a.json": json.dumps(pod("web", env=env, args=list(long))).encode(),
        "b.conf": b"server " * 50_000,
    }
    start = time.process_time()
    assert derive(files).sure() == []
    assert time.process_time() - start < 20


def test_the_same_files_in_another_order_say_the_same():
    files = WRITTEN["compose_spring"].files
    again = dict(reversed(files.items()))
    assert derive(files).as_dict("x") == derive(again).as_dict("x")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("amqp://u:p@ss@mq:5672/x", "amqp://***@mq:5672/x"),
        ("u:pw@tcp(db:3306)/x", "***@tcp(db:3306)/x"),
        ("Server=db;User Id=sa;Password=Pass@word1;X=1", "Server=db;User Id=sa;Password=***;X=1"),
        ("host=db MYSQL_ROOT_PASSWORD='a b'", "host=db MYSQL_ROOT_PASSWORD=***"),
        ("cache:6379,password=x,ssl=True", "cache:6379,password=***,ssl=True"),
        ('{"token": "abc", "url": "http://db"}', '{"token": ***, "url": "http://db"}'),
        ("http://onepassword-connect:8080", "http://onepassword-connect:8080"),
        ("http://web:80/a@b:80", "http://web:80/a@b:80"),
        ("x" * 200, "x" * 159 + "…"),
    ],
)
def test_passwords_are_masked(value, shown):
    assert masked(value) == shown
