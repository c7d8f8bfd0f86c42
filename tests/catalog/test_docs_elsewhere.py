"""Docs that lie on other machines: in the repositories of organisations, and nowhere an address may lead."""

import pytest

from services.catalog.actions import import_documents
from services.catalog.actions.steering import set_organisation
from services.catalog.docs import places, remote, storing
from services.catalog.docs.models import DocTree
from services.catalog.models import Entity, Source
from services.catalog.sources import pushing
from services.effects.models import Effect
from tests.catalog.test_organisations import PROVIDERS, here, made, read  # noqa: F401  # `here` is a fixture
from tests.effects_driver import run_due_effects
from tests.fakes.githost import Repo, hosting

pytestmark = pytest.mark.django_db
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"


def descriptor(name: str, ref: str = "dir:.", **notes: str) -> bytes:
    said = {
        "backstage.io/techdocs-ref": ref,
        **{f"backstage.io/{k.replace('_', '-')}": v for k, v in notes.items()},
    }
    lines = "".join(f'\n    {key}: "{text}"' for key, text in said.items())
    return (
        f"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  annotations:"
        f"{lines}\nspec: {{type: service, lifecycle: production, owner: checkout}}\n"
    ).encode()


SITE = {
    "catalog-info.yaml": descriptor("cart"),
    "mkdocs.yml": b"site_name: The cart\nnav: [{Start: index.md}, {More: deep/more.md}]\n",
    "docs/index.md": b"# Start\n![p](p.png)\n",
    "docs/deep/more.md": b"# More\n",
    "docs/p.png": PICTURE,
    "web/logo.png": PICTURE,
    "README.md": b"# Read me\n",
    "node_modules/x/docs/y.md": b"no",
}


def repos() -> list[Repo]:
    return [
        Repo("shop/cart", dict(SITE)),
        Repo("shop/flat", {"catalog-info.yaml": descriptor("flat"), "README.md": b"# Flat\n", "x.md": b"no"}),
        Repo("shop/plain", {"catalog-info.yaml": descriptor("plain")}),
    ]


@pytest.fixture
def github():
    with hosting("github", *repos()) as fake:
        yield fake


@pytest.mark.parametrize("provider", PROVIDERS)
def test_docs_come_from_the_repository_of_their_descriptor(provider, client, mira):
    with hosting(provider, *repos(), page=20) as fake:
        source = read(made(fake))
        tree = DocTree.objects.get(entity__name="cart")
        assert (tree.problem, tree.title, tree.commit) == ("", "The cart", "")
        assert [page.path for page in tree.pages.all()] == ["index.md", "deep/more.md"]
        assert bytes(tree.files.get().content) == PICTURE
        assert [page.path for page in DocTree.objects.get(entity__name="flat").pages.all()] == ["README.md"]
        assert "no Markdown" in DocTree.objects.get(entity__name="plain").problem
        assert not any("logo" in path or "node_modules" in path or "/x.md" in path for path in fake.asked)
        asked = len(fake.asked)
        storing.ask_again(source)
        run_due_effects()
        assert [path for path in fake.asked[asked:] if "cart" in path] == [], "nobody pushed to it"
        fake.repos["shop/cart"].push({**SITE, "docs/deep/more.md": b"# Less\n"})
        read(source)
        assert [page.title for page in tree.pages.all()] == ["Start", "Less"]
    client.force_login(mira)
    html = client.get("/catalog/component/default/cart/?tab=docs").content.decode()
    assert "The cart" in html
    assert "docs/p.png" in html


LIMITED = (429, {"Retry-After": "1"})
TROUBLE = [
    (500, "in trouble (status 500). It is tried again.", 4),
    (LIMITED, "asked less often. It is tried again.", 4),
    (404, "shop/cart cannot be read: The git host knows nothing", 1),
    ("html", "shop/cart cannot be read: The git host's answer is not JSON", 1),
    ((403, {}), "shop/cart cannot be read: The git host refuses the token", 1),
]


def test_a_host_in_trouble_keeps_what_was_and_is_asked_again(github):
    source = read(made(github))
    tree = DocTree.objects.get(entity__name="cart")
    for what, said, attempts in TROUBLE:
        github.bad = {"cart/git/trees": what}
        DocTree.objects.update(revision="=")
        storing.ask_again(source)
        run_due_effects(skip_waits=True)
        tree.refresh_from_db()
        assert said in tree.problem
        assert tree.pages.count() == 2
        effect = Effect.objects.filter(kind="catalog.read_docs").last()
        assert (effect.attempts, effect.state == "done") == (attempts, attempts == 1), what
        others = DocTree.objects.get(entity__name="flat")
        assert others.problem == ""
        assert (others.revision == "=") == (what == LIMITED), "the others are read, unless nothing may be"
    github.bad = {}
    storing.ask_again(source)
    run_due_effects(skip_waits=True)
    tree.refresh_from_db()
    assert tree.problem == ""


def test_what_takes_long_makes_room_and_what_is_too_much_is_refused(github, monkeypatch):
    source = read(made(github))
    entity = Entity.objects.get(name="cart")
    place = places.place_of(entity)
    for name, value, why in (
        ("SLOW", -1, "too slowly"),
        ("MAX_TOTAL", 1, "too much"),
        ("MOST", 1, "more than 1 pages"),
    ):
        with monkeypatch.context() as patch, remote.Hosts() as hosts, pytest.raises(remote.NoDocs, match=why):
            patch.setattr(remote, name, value)
            hosts.files_of(place)
    monkeypatch.setattr(storing, "BUDGET", -1)
    storing.ask_again(source)
    run_due_effects()
    effect = Effect.objects.filter(kind="catalog.read_docs").last()
    assert (effect.state, effect.last_error) == ("due", "There are more docs to read.")
    monkeypatch.setattr(storing, "BUDGET", 45)
    run_due_effects(skip_waits=True)
    effect.refresh_from_db()
    assert effect.result == {"read": 0, "unchanged": 2, "refused": 1}


def put(priya, ref: str, **notes: str) -> DocTree:
    """The docs of a descriptor that a program put."""
    pushing.put(name="ci", change=pushing.one("thing.yaml", descriptor("thing", ref, **notes)), by=priya)
    run_due_effects(skip_waits=True)
    return DocTree.objects.get(entity__name="thing")


def test_a_descriptor_that_was_put_shows_docs_of_an_organisation_that_lets_it(github, priya, client):
    source = read(made(github))
    address = f"{github.url}/shop/cart"
    refused = put(priya, f"url:{address}/tree/main/")
    assert "may be read for its own descriptors only" in refused.problem
    assert not any("thing" in path for path in github.asked)
    source.options["docs"] = True
    source.save()
    ways = [
        ("dir:.", {"source_location": f"url:{address}/tree/main/"}),
        ("dir:.", {"managed_by_location": f"url:{address}/blob/main/catalog-info.yaml"}),
        ("dir:../", {"source_location": f"url:{address}/tree/main/docs"}),
        (f"url:{address}", {}),
        (f"url:{address}.git", {}),
    ]
    for ref, notes in ways:
        DocTree.objects.filter(entity__name="thing").delete()
        tree = put(priya, ref, **notes)
        assert (tree.problem, tree.title) == ("", "The cart"), (ref, notes)
    tree = put(priya, f"url:{address}/tree/main/docs/deep")
    assert "no Markdown" in tree.problem
    client.force_login(priya)
    html = client.get(source.get_absolute_url() + "organisation/").content.decode()
    assert "Docs for descriptors elsewhere" in html


NOWHERE = [
    ("url:http://169.254.169.254/latest/meta-data", "in no organisation that this catalog reads"),
    ("url:http://127.0.0.1:1/shop/cart", "in no organisation that this catalog reads"),
    ("url:https://github.com.evil.example/shop/cart", "in no organisation that this catalog reads"),
    ("url:https://github.com/shopping/cart", "in no organisation that this catalog reads"),
    ("url:https://github.com/shop/../other/cart", "no address of a repository"),
    ("url:https://github.com/shop/%2e%2e/other", "no address of a repository"),
    ("url:https://github.com@evil.example/shop/cart", "no address of a repository"),
    ("url:file:///etc/passwd", "no address of a repository"),
    ("url:gopher://github.com/shop/cart", "no address of a repository"),
    ("url:http://[::1/shop", "no address of a repository"),
    ("url:", "no address of a repository"),
    ("url:https://github.com/shop/secret", "not among the repositories that shop reads"),
    ("url:https://github.com/shop", "not among the repositories that shop reads"),
    ("dir:.", "was put here, so no folder lies beside it"),
    ("dir:/etc", "no folder lies beside it"),
    ("docs", "no folder lies beside it"),
]


@pytest.fixture
def shop(db) -> Source:
    """An organisation nobody may ask in these tests: whoever does fails."""
    options = {"address": "", "docs": True}
    source = set_organisation(
        source=None, provider="github", name="shop", options=options, token="x", by=None
    )
    source.holdings.create(name="shop/cart", head="1")
    Source.objects.update(next_at=None)
    return source


@pytest.mark.parametrize(("ref", "why"), NOWHERE)
def test_an_address_leads_to_a_repository_that_is_read_or_nowhere(shop, priya, ref, why):
    assert why in put(priya, ref).problem


WEBS = [
    ("github", "", "https://github.com/shop/cart/tree/main/docs"),
    ("github", "https://ghe.example.org/api/v3", "https://ghe.example.org/shop/cart/tree/main/docs"),
    ("gitlab", "https://git.example.org", "https://git.example.org/shop/cart/-/tree/main/docs"),
    (
        "gitea",
        "https://git.example.org/tea",
        "https://git.example.org/tea/Shop/Cart/src/branch/main/docs/index.md",
    ),
]


@pytest.mark.parametrize(("provider", "address", "seen"), WEBS)
def test_addresses_are_those_that_people_see(shop, priya, provider, address, seen):
    shop.provider, shop.options["address"] = provider, address
    shop.save()
    entity = Entity(source=shop, location="x", metadata={"annotations": {places.ANNOTATION: f"url:{seen}"}})
    assert places.place_of(entity) == places.Place(shop, "docs", "shop/cart", "main")


def test_a_repository_shows_its_own_docs_and_those_of_others_by_leave(shop):
    shop.options["docs"] = False
    shop.save()
    shop.holdings.create(name="shop/cart/sub", head="1")
    notes = {"annotations": {places.ANNOTATION: "url:https://github.com/shop/cart/tree/main/docs"}}
    own, other = (
        Entity(source=shop, location=f"{name}/a.yaml", metadata=notes)
        for name in ("shop/cart", "shop/cart/sub")
    )
    assert places.place_of(own).repository == "shop/cart"
    with pytest.raises(remote.NoDocs, match="its own descriptors only"):
        places.place_of(other)


def test_what_came_without_a_folder_or_a_source_says_what_to_do(client, mira):
    for kind, said in (("upload", "was uploaded"), ("paste", "was pasted")):
        import_documents(files={"a.yaml": descriptor("alone")}, title="a", by=mira, kind=kind)
        run_due_effects()
        client.force_login(mira)
        html = client.get("/catalog/component/default/alone/?tab=docs").content.decode()
        assert said in html
        assert "backstage.io/source-location" in html
        Entity.objects.all().delete()
    import_documents(files={"a.yaml": descriptor("alone")}, title="a", by=mira)
    Entity.objects.update(source=None)
    html = client.get("/catalog/component/default/alone/?tab=docs").content.decode()
    DocTree.objects.all().delete()
    html = client.get("/catalog/component/default/alone/?tab=docs").content.decode()
    assert "once a source brings its descriptor" in html


def test_a_repository_that_left_is_said(shop):
    entity = Entity(
        source=shop, location="shop/gone/a.yaml", metadata={"annotations": {places.ANNOTATION: "dir:."}}
    )
    with pytest.raises(remote.NoDocs, match="No repository of shop has"):
        places.place_of(entity)
