import io
import zipfile

import pygit2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.shell import registry
from portal.shell.registry import EntityAction, EntityPanel, Tab
from services.accounts.models import User
from services.audit.models import Event
from services.catalog import health
from services.catalog.actions import import_documents
from services.catalog.models import Entity, ImportRun, Judgement, Source
from services.integrations.githosts.local import LocalHost
from tests.catalog.conftest import COMPONENT
from tests.effects_driver import run_due_effects

pytestmark = pytest.mark.django_db
LIST = "/catalog/"
CART = "/catalog/component/default/cart/"


class Harbour:
    """Health as clusters would tell it."""

    states = {"component:default/cart": {"production": "Degraded", "staging": "Healthy"}}

    def by_entity(self, refs):
        return {ref: self.states[ref] for ref in refs if ref in self.states}

    def refs_with(self, wanted):
        return {ref for ref, states in self.states.items() if wanted in states.values()}

    def environments(self):
        return ["production", "staging"]


@pytest.fixture
def harbour():
    before = list(health.sources)
    health.sources[:] = [Harbour()]
    yield health.sources[0]
    health.sources[:] = before


@pytest.fixture
def catalog(files, mira) -> ImportRun:
    files["orders.yaml"] = COMPONENT.format(name="orders", owner="nobody-knows").encode()
    return import_documents(files=files, title="shop", by=mira, kind="folder", location="/shop")


@pytest.fixture
def show(client, mira, catalog):
    """Open a page as Mira and give its text."""
    client.force_login(mira)

    def open_page(url: str, status: int = 200, **headers) -> str:
        response = client.get(url, headers=headers)
        assert response.status_code == status, response.content[:500]
        return response.content.decode()

    return open_page


def names(html: str) -> list[str]:
    rows = html.split("data-door href=")[1:]
    return [row.split(">")[1].split("<")[0] for row in rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["cart", "orders"]),
        ("?kind=any", ["cart", "cart-cache", "checkout", "mira", "order-flow", "orders"]),
        ("?kind=nonsense", []),
        ("?kind=resource", ["cart-cache"]),
        ("?kind=any&type=redis", ["cart-cache"]),
        ("?owner=checkout", ["cart"]),
        ("?owner=group:default/checkout", ["cart"]),
        ("?owner=mine", ["cart"]),
        ("?owner=nobody", ["orders"]),
        ("?owner=a:b:/", []),
        ("?system=order-flow", ["cart", "orders"]),
        ("?lifecycle=Production", ["cart", "orders"]),
        ("?lifecycle=experimental", []),
        ("?state=orphan", []),
        ("?source=x", []),
        ("?q=ord", ["orders"]),
        ("?q=rder", ["orders"]),
        ("?q=intend", ["cart", "orders"]),
        ("?q=%26%7C!", []),
        ("?sort=-name", ["orders", "cart"]),
        ("?sort=owner", ["cart", "orders"]),
        ("?sort=nonsense&page=99", ["cart", "orders"]),
    ],
)
def test_entity_list_filters_and_sorts(show, query, found):
    assert names(show(LIST + query)) == found


def test_entity_list_writes_typed_filters_into_the_url(show, client):
    response = client.get(LIST, {"q": 'ord owner:checkout lifecycle:"production"', "kind": "any"})
    assert response.status_code == 302
    assert response["Location"] == "/catalog/?kind=any&owner=checkout&lifecycle=production&q=ord"


def test_entity_list_drops_what_no_text_holds(show, client):
    assert client.get(LIST, {"q": "car\x00t"}).context["filters"].q == "cart"


def test_entity_list_shows_tokens_that_can_be_taken_off(show):
    html = show(LIST + "?owner=checkout")
    assert 'aria-label="Remove filter owner: checkout"' in html
    assert 'href="?kind=any&amp;owner=checkout" aria-label="Remove filter kind: services"' in html


def test_entity_list_answers_htmx_with_the_table_alone(show):
    html = show(LIST + "?q=cart", HX_Request="true")
    assert html.strip().startswith('<div id="results">')
    assert names(html) == ["cart"]


def test_entity_list_shows_health_and_filters_by_it(show, harbour):
    html = show(LIST)
    assert ">Production</th>" in html
    assert "Degraded" in html
    assert names(show(LIST + "?health=unhealthy")) == ["cart"]
    assert names(show(LIST + "?health=degraded")) == ["cart"]
    assert names(show(LIST + "?health=Missing")) == []


def test_entity_list_of_an_empty_catalog_says_how_to_fill_it(client, mira):
    client.force_login(mira)
    html = client.get(LIST).content.decode()
    assert "The catalog is empty" in html
    assert "/catalog/import/" in html


def test_entity_list_exports_what_is_filtered_without_formulas(show, client):
    Entity.objects.filter(name="cart").update(description="=HYPERLINK(1)")
    response = client.get(LIST + "?format=csv&owner=checkout")
    rows = response.getvalue().decode().splitlines()
    assert rows[0].startswith("name,kind,type")
    assert len(rows) == 2
    assert "'=HYPERLINK(1)" in rows[1]


@pytest.fixture
def alone(monkeypatch):
    """The catalog's pages without what other apps add to them."""
    for name in ("nav", "entity_tabs", "entity_panels", "entity_actions"):
        monkeypatch.setattr(getattr(registry, name), "_items", {})


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("url", "most"),
    [
        (LIST + "?kind=any", 9),
        (CART, 6),
        (CART + "?tab=dependencies", 7),
        ("/catalog/group/default/checkout/", 8),
    ],
)
def test_pages_take_the_same_few_queries_however_much_there_is(
    client, mira, files, harbour, alone, django_assert_max_num_queries, count, url, most
):
    for number in range(count):
        files[f"{number}.yaml"] = COMPONENT.format(name=f"s{number}", owner="checkout").encode()
    import_documents(files=files, title="shop", by=mira, kind="folder", location="/shop")
    client.force_login(mira)
    client.get(url)
    with django_assert_max_num_queries(most):
        assert client.get(url).status_code == 200


# The page of one entity


def test_entity_detail_tells_owner_system_source_and_relations(show, harbour):
    html = show(CART)
    for text in (
        "Keeps what people intend to buy",
        "Checkout",
        "Order flow",
        "cart.yaml:1",
        "Degraded in production",
    ):
        assert text in html
    assert "cart-cache" in html


def test_entity_detail_is_found_in_any_case_and_404_otherwise(show):
    show("/catalog/Component/Default/Cart/")
    show("/catalog/component/default/none/", status=404)
    show("/catalog/component/default/ca%00rt/", status=404)
    show(CART + "?tab=none", status=404)


@pytest.mark.parametrize(
    ("url", "texts"),
    [
        (
            "group/default/checkout/",
            ["Members", "Mira Lindqvist", "Owns", "cart-cache", "checkout@larkfield.example"],
        ),
        ("user/default/mira/", ["Member of", "Account", "Nothing in the catalog yet"]),
        ("system/default/order-flow/", ["Parts", "cart", "orders"]),
        ("resource/default/cart-cache/", ["Needed by", "cart"]),
        ("component/default/orders/", ["nobody-knows is not in the catalog"]),
    ],
)
def test_entity_detail_of_every_kind(show, url, texts):
    html = show("/catalog/" + url)
    assert [text for text in texts if text not in html] == []


def test_entity_detail_of_api_domain_and_location(show):
    document = """\
apiVersion: backstage.io/v1alpha1
kind: API
metadata:
  name: tax
  tags: [java]
  annotations: {github.com/project-slug: shop/tax}
  links: [{url: "https://docs.larkfield.example", title: Docs}, {url: "javascript:alert(1)"}]
spec: {type: openapi, lifecycle: deprecated, owner: user:mira, definition: "<script>alert(1)</script>"}
---
apiVersion: backstage.io/v1alpha1
kind: Domain
metadata: {name: selling}
spec: {owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: all, annotations: {backstage.io/source-location: "url:https://git.larkfield.example/x/"}}
spec: {targets: [./a.yaml]}
"""
    import_documents(files={"more.yaml": document.encode()}, title="more", by=None)
    html = show("/catalog/api/default/tax/")
    assert "Read the definition" in html
    assert "&lt;script&gt;alert(1)" in show("/catalog/api/default/tax/?tab=definition")
    assert 'href="javascript' not in html
    assert "https://github.com/shop/tax" in html
    assert "Docs" in html
    show("/catalog/domain/default/selling/")
    assert "git.larkfield.example/x" in show("/catalog/location/default/all/")


def test_dependencies_are_drawn_and_listed(show, harbour):
    web = COMPONENT.format(name="web", owner="checkout").replace(
        "resource:cart-cache", "component:cart, component:gone"
    )
    import_documents(files={"web.yaml": web.encode()}, title="web", by=None)
    html = show(CART + "?tab=dependencies")
    assert "1 in, 1 out" in html
    assert html.count('class="edge') == 2
    assert 'class="dot-bad"' in html
    assert "Needed by" in html
    html = show("/catalog/component/default/web/?tab=dependencies")
    assert 'class="edge soft"' in html
    assert "0 in, 2 out, 1 behind them" in html
    assert "not in the catalog" in html
    assert "No dependencies are known" in show("/catalog/user/default/mira/?tab=dependencies")


def test_dependencies_show_a_limited_number_and_both_declarations_once(show):
    many = ", ".join(f"component:x{n}" for n in range(12))
    hub = COMPONENT.format(name="hub", owner="checkout").replace(
        "resource:cart-cache", many + ", component:hub"
    )
    back = COMPONENT.format(name="x1", owner="checkout")
    back = back.replace("dependsOn: [resource:cart-cache]", "dependencyOf: [component:hub]")
    import_documents(files={"hub.yaml": hub.encode(), "x1.yaml": back.encode()}, title="hub", by=None)
    html = show("/catalog/component/default/hub/?tab=dependencies")
    assert "0 in, 12 out" in html
    assert html.count('class="node ghost"') == 11
    assert html.count("x1</a>") == 1


def shop_manifests(**more):
    """Two workloads of the Checkout team; `web` needs `till`, and says so in one variable."""
    env = "[{name: TILL_ADDR, value: 'till:80'}, {name: SECOND_HOST, value: till}]"
    text = ""
    for name in ("web", "till"):
        text += f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, labels: {{slipway.dev/team: checkout}}}}
spec:
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: a, image: shop/{name}, env: {env if name == "web" else "[]"}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
---"""
    return {"k8s/shop.yaml": text.encode()}


WEB = "/catalog/component/default/web/"
SAY = WEB + "dependencies/{}/?target=component%3Adefault/till"


def test_a_derived_dependency_is_dismissed_once_and_stays_so(show, client, mira):
    def look(url=WEB):
        import_documents(files=shop_manifests(), title="k8s", by=mira, kind="folder", location="/k8s")
        return show(url + "?tab=dependencies")

    html = look()
    assert "TILL_ADDR=till:80, k8s/shop.yaml:8" in html
    assert "97 % sure" in html
    assert "1 out" in html
    client.post(SAY.format("dismissed"))
    html = look()
    assert "0 in, 0 out" in html
    assert "Dismissed by Mira Lindqvist" in html
    assert "0 in, 0 out" in look("/catalog/component/default/till/")
    assert "Depends on" not in show(WEB)
    event = Event.objects.get(action="catalog.dependency_dismissed")
    assert event.summary == "component:default/web needs component:default/till: dismissed"
    client.post(SAY.format("undo"))
    assert "97 % sure" in look()
    client.post(SAY.format("confirmed"))
    assert "Confirmed by Mira Lindqvist" in look()
    assert "1 in, 0 out" in look("/catalog/component/default/till/")


def test_only_owners_and_the_platform_judge_and_only_what_was_derived(show, client, mira, priya):
    import_documents(files=shop_manifests(), title="k8s", by=None)
    stranger = User.objects.create_user("jonas", "jonas@larkfield.example", "x" * 16, name="Jonas Weber")
    client.force_login(stranger)
    assert "dependencies/dismissed/" not in client.get(WEB + "?tab=dependencies").content.decode()
    answer = client.post(SAY.format("dismissed"), follow=True).content.decode()
    assert "owners say" in answer
    client.force_login(priya)
    for url, text in (
        (SAY.format("undo"), "Nothing was said"),
        (WEB + "dependencies/confirmed/?target=component:default/none", "No manifest shows"),
        (CART + "dependencies/dismissed/?target=resource:default/cart-cache", "No manifest shows"),
        (WEB + "dependencies/confirmed/?target=%00", "No manifest shows"),
    ):
        assert text in client.post(url, follow=True).content.decode()
    assert client.post(WEB + "dependencies/maybe/").status_code == 404
    assert client.get(SAY.format("undo")).status_code == 405
    assert client.post(SAY.format("confirmed")).status_code == 302
    assert Judgement.objects.get().by == priya


def test_evidence_of_a_derived_dependency_is_shown(show, shared_data):
    manifests = shared_data / "2-systems" / "online-boutique" / "manifests"
    files = {path.name: path.read_bytes() for path in manifests.rglob("*.yaml")}
    import_documents(files=files, title="boutique", by=None)
    html = show("/catalog/component/default/checkoutservice/?tab=dependencies")
    assert "PAYMENT_SERVICE_ADDR=paymentservice:50051, kubernetes-manifests.yaml:" in html
    assert "No owner" in html
    assert len(names(show(LIST + "?owner=nobody&sort=name"))) == 13


def test_entity_export_gives_the_descriptor_back(show, client):
    Entity.objects.filter(name="cart").update(
        metadata={
            "name": "cart",
            "uid": "1",
            "annotations": {"a": "b", "backstage.io/managed-by-location": "x"},
        }
    )
    text = show(CART + "catalog-info.yaml")
    assert text.startswith(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\n"
        "metadata:\n  name: cart\n  annotations:\n    a: b\nspec:\n"
    )
    assert "  - resource:cart-cache\n" in text
    Entity.objects.filter(name="cart").update(metadata={"name": "cart"})
    assert "annotations" not in show(CART + "catalog-info.yaml")


def test_other_apps_add_tabs_panels_and_actions(show, monkeypatch):
    for name in ("entity_tabs", "entity_panels", "entity_actions"):
        monkeypatch.setattr(getattr(registry, name), "_items", {})
    template = "components/empty.html"
    registry.entity_tabs.add(
        Tab("live", "Live", 10, template, lambda r, e: {"title": f"Live {e.name}"}, lambda r, e: 3)
    )
    registry.entity_tabs.add(
        Tab("not", "Hidden tab", 11, template, lambda r, e: {}, visible=lambda r, e: False)
    )
    registry.entity_panels.add(EntityPanel("p", 1, "components/meter.html", lambda r, e: {}, "top"))
    registry.entity_panels.add(EntityPanel("n", 1, "components/meter.html", lambda r, e: None, "side"))
    registry.entity_actions.add(lambda r, e: [EntityAction("Something wrong?", "/help/", "lifebuoy", "bad")])
    html = show(CART)
    assert 'Live <span class="cnt">3</span>' in html
    assert "Hidden tab" not in html
    assert 'class="btn btn-l btn-bad" href="/help/"' in html
    assert html.count('class="meter"') == 1
    assert "Live cart" in show(CART + "?tab=live")
    show(CART + "?tab=not", status=404)


def test_stale_and_orphaned_entities_say_so_and_only_the_platform_removes(show, client, priya, files, mira):
    bring = {"title": "shop", "by": mira, "kind": "folder", "location": "/shop"}
    import_documents(files={**files, "cart.yaml": b"a: ["}, **bring)
    assert "last good version" in show(CART)
    del files["cart.yaml"]
    import_documents(files=files, **bring)
    assert "no longer has it" in show(CART)
    response = client.post(CART + "remove/", follow=True)
    assert "Only the platform team" in response.content.decode()
    client.force_login(priya)
    assert (
        "Only what its source no longer has"
        in client.post("/catalog/component/default/orders/remove/", follow=True).content.decode()
    )
    assert client.post(CART + "remove/").url == LIST
    assert not Entity.objects.filter(name="cart").exists()


# Imports


def test_import_new_plans_pasted_text_then_applies_and_undoes(client, mira, files):
    client.force_login(mira)
    text = files["rest.yaml"].decode() + "\n---\nkind: [\n"
    response = client.post("/catalog/import/?from=paste", {"text": text})
    run = ImportRun.objects.get()
    assert response.url == run.get_absolute_url()
    html = client.get(response.url).content.decode()
    assert "Nothing is changed yet" in html
    assert "Unreadable" in html
    assert not Entity.objects.exists()
    html = client.post(f"{response.url}apply/", follow=True).content.decode()
    assert "4 entities written" in html
    assert Entity.objects.count() == 4
    assert Event.objects.filter(action="catalog.imported", actor="mira").count() == 1
    html = client.post(f"{response.url}apply/", follow=True).content.decode()
    assert "already applied" in html
    html = client.post(f"{response.url}undo/", follow=True).content.decode()
    assert "as it was before" in html
    assert not Entity.objects.exists()
    assert "Only an applied import" in client.post(f"{response.url}undo/", follow=True).content.decode()


def test_import_new_takes_several_files_and_archives(client, mira, files):
    client.force_login(mira)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("deep/rest.yaml", files["rest.yaml"])
    uploads = [
        SimpleUploadedFile("cart.yaml", files["cart.yaml"]),
        SimpleUploadedFile("all.zip", stream.getvalue()),
    ]
    client.post("/catalog/import/?from=upload", {"uploads": uploads})
    run = ImportRun.objects.get()
    assert run.source.title == "cart.yaml and 1 more"
    assert {row["file"] for row in run.documents} == {"cart.yaml", "deep/rest.yaml"}


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("paste", {"text": ""}, "YAML or JSON is needed"),
        ("paste", {"text": "a\x00b"}, "NUL"),
        ("upload", {}, "is needed"),
        ("upload", {"uploads": [SimpleUploadedFile("a.exe", b"MZ")]}, "neither YAML nor JSON"),
        ("upload", {"uploads": [SimpleUploadedFile("a.yaml", b"")]}, "empty"),
        ("git", {"location": "shop/none"}, "cannot be read"),
        ("git", {"location": "/etc"}, "for platform engineers"),
        ("git", {"location": "x" * 600}, "At most 500"),
        ("folder", {"location": "/etc"}, "for platform engineers"),
        ("nonsense", {"location": ""}, "is needed"),
    ],
)
def test_import_new_says_what_is_wrong_beside_the_field(client, mira, kind, data, says):
    client.force_login(mira)
    response = client.post(f"/catalog/import/?from={kind}", data)
    assert response.status_code == 422
    assert says in response.content.decode()
    assert not Source.objects.exists()


def test_import_new_keeps_what_was_typed(client, priya):
    client.force_login(priya)
    html = client.post("/catalog/import/?from=folder", {"location": "/nowhere/at/all"}).content.decode()
    assert 'value="/nowhere/at/all"' in html
    assert "no folder /nowhere/at/all" in html


@pytest.mark.parametrize(
    ("count", "size", "says"), [(51, 1, "At most 50"), (2, 6 * 1024 * 1024, "larger than 10 MB")]
)
def test_import_new_bounds_uploads(client, mira, count, size, says):
    client.force_login(mira)
    uploads = [SimpleUploadedFile(f"{n}.yaml", b"#" * size) for n in range(count)]
    assert says in client.post("/catalog/import/?from=upload", {"uploads": uploads}).content.decode()


def looked(client, source) -> str:
    """Where the page of the source leads once a worker has looked again."""
    home = client.post(f"/catalog/sources/{source.pk}/look/").url
    html = client.get(home, headers={"HX-Request": "true"}).content.decode()
    assert "waits for a worker" in html
    assert 'hx-trigger="every 1s"' in html
    assert "<html" not in html
    assert not ImportRun.objects.filter(source=source, trigger="person").exists()
    run_due_effects()
    html = client.get(home).content.decode()
    assert "every 1s" not in html
    runs = ImportRun.objects.filter(source=source, trigger="person").exclude(state="failed")
    return runs.get().get_absolute_url() if runs.exists() else home


def test_folders_are_for_the_platform_team_and_can_be_looked_at_again(client, mira, priya, folder):
    client.force_login(priya)
    assert "?from=folder" in client.get("/catalog/import/").content.decode()
    run_url = client.post("/catalog/import/?from=folder", {"location": str(folder)}).url
    client.post(run_url + "apply/")
    source = Source.objects.get()
    (folder / "cart.yaml").unlink()
    again = looked(client, source)
    assert "No longer in the source" in client.get(again).content.decode()
    client.force_login(mira)
    assert "?from=folder" not in client.get("/catalog/import/").content.decode()
    assert "Look again" not in client.get("/catalog/sources/").content.decode()
    assert client.post(f"/catalog/sources/{source.pk}/look/").url == "/catalog/sources/"
    html = client.get(again).content.decode()
    assert "can apply it" in html
    for action in ("apply", "undo"):
        client.post(f"{again}{action}/")
    assert ImportRun.objects.get(pk=again.split("/")[3]).state == "planned"


def test_a_repository_of_the_git_host_is_for_everybody(client, mira, files, settings):
    LocalHost().create("shop/deploy")
    repository = pygit2.Repository(str(settings.GIT_ROOT / "shop" / "deploy.git"))
    inner, outer = repository.TreeBuilder(), repository.TreeBuilder()
    for name, content in files.items():
        inner.insert(name, repository.create_blob(content), pygit2.enums.FileMode.BLOB)
    outer.insert("catalog", inner.write(), pygit2.enums.FileMode.TREE)
    signature = pygit2.Signature("Mira", "mira@larkfield.example")
    repository.create_commit("refs/heads/main", signature, signature, "one", outer.write(), [])
    client.force_login(mira)
    where = {"location": "shop/deploy", "branch": "", "path": "catalog"}
    url = client.post("/catalog/import/?from=git", where).url
    client.post(f"{url}apply/")
    cart = Entity.objects.get(name="cart")
    assert (cart.location, cart.source.title) == ("catalog/cart.yaml", "shop/deploy")
    again = looked(client, cart.source)
    assert "Nothing would change" in client.get(again).content.decode()
    run = ImportRun.objects.get(pk=again.split("/")[3])
    assert (run.created_by, run.trigger) == (mira, "person")
    client.post("/catalog/import/?from=git", {**where, "branch": "none"})
    assert Source.objects.count() == 1


def test_a_repository_on_this_machine_is_for_the_platform_team(client, priya, folder):
    repository = pygit2.init_repository(str(folder), initial_head="main")
    repository.index.add_all()
    signature = pygit2.Signature("Priya", "priya@larkfield.example")
    repository.create_commit("HEAD", signature, signature, "one", repository.index.write_tree(), [])
    client.force_login(priya)
    url = client.post("/catalog/import/?from=git", {"location": str(folder)}).url
    client.post(f"{url}apply/")
    source = Source.objects.get()
    assert source.entities.count() == 5
    assert "Nothing would change" in client.get(looked(client, source)).content.decode()


def test_a_source_that_is_gone_is_said_when_looked_at_again(client, priya, folder):
    client.force_login(priya)
    client.post("/catalog/import/?from=folder", {"location": str(folder)})
    source = Source.objects.get()
    Source.objects.update(location="/nowhere")
    assert looked(client, source) == source.get_absolute_url()
    assert "no folder /nowhere" in client.get(source.get_absolute_url()).content.decode()


def test_an_import_in_which_nothing_is_found_says_so(client, priya, tmp_path):
    client.force_login(priya)
    assert (
        "no YAML or JSON file"
        in client.post("/catalog/import/?from=folder", {"location": str(tmp_path)}).content.decode()
    )


def test_import_detail_filters_and_exports_the_report(show, client, catalog):
    html = show(f"/catalog/import/{catalog.pk}/?verdict=ok&change=new")
    assert html.count("pill-ok") >= 6
    assert "Nothing" in show(f"/catalog/import/{catalog.pk}/?verdict=refused&change=conflict")
    rows = show(f"/catalog/import/{catalog.pk}/?format=csv").splitlines()
    assert rows[0] == "file,document,line,entity,verdict,field,rule,message,suggestion"
    assert len(rows) == 7
    show("/catalog/import/999999/", status=404)


def test_source_list(show, client, catalog):
    html = show("/catalog/sources/")
    assert "/shop" in html
    assert "Applied" in html
    Source.objects.all().delete()
    assert "No source yet" in show("/catalog/sources/")


@pytest.mark.parametrize("url", [LIST, CART, "/catalog/sources/", "/catalog/import/"])
def test_nothing_is_shown_to_strangers(client, url, db):
    assert client.get(url).status_code == 302


# Home, navigation and the palette


def test_home_and_palette_know_the_services_of_ones_teams(show, harbour):
    html = show("/")
    assert "My services" in html
    assert "/catalog/component/default/cart/" in html
    assert "/catalog/component/default/cart/" in show("/your-services")
    assert "cart" in show("/palette?q=")
    assert "order-flow" in show("/palette?q=order-f") or "Order flow" in show("/palette?q=order-f")
    assert "<mark>Import</mark> into the catalog" in show("/palette?q=import")
