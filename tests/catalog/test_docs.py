# ruff: noqa: E501 (Markdown keeps the lines it has in the wild)
"""Docs beside descriptors: laid out as TechDocs does, read by a worker, drawn without a chance for their authors."""

import os
import time

import pygit2
import pytest

from services.catalog.actions import import_documents
from services.catalog.docs import layout, reading
from services.catalog.docs.layout import NoDocs, lay_out, root_of, title_of
from services.catalog.docs.models import DocPage, DocTree
from services.catalog.docs.rendering import render
from services.catalog.docs.storing import ask_again
from services.catalog.models import Entity, Source
from services.effects.models import Effect
from tests.effects_driver import run_due_effects

EVIL = "<script>alert(1)</script>"
CONFIG = b"""\
site_name: Cart
nav: [{Start: index.md}, {More: [{Deep: sub/deep.md}, gone.md]}, {Wiki: 'https://wiki.example.org'}, {Bad: 'javascript:x'}]
markdown_extensions:
  - pymdownx.emoji: {emoji_index: !!python/name:material.extensions.emoji.twemoji}
  - x: !!python/object/apply:os.system [exit 1]
  - y: !ENV [A, b]
"""
INDEX = f"""\
# Cart
{EVIL} [deep](sub/deep.md#a-part) [other](../../etc/passwd) [evil](javascript:alert(2)) [out](https://example.org) [dead](dead.md)

![drawn](img/a.svg) ![far](https://tracker.example.org/p.png) ![up](../../secret.png)
"""
DEEP = 'Deep\n====\n\n## A part\n\n## A part\n\n!!! warning "Mind the gap"\n    See [home](/index.md).\n\n    - one\n\n```\n!!! note\n    code\n```\n'
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(3)</script></svg>"
TREE = {
    "mkdocs.yml": CONFIG,
    "docs/index.md": INDEX.encode(),
    "docs/sub/deep.md": DEEP.encode(),
    "docs/img/a.svg": SVG,
    "docs/run.exe": b"MZ",
}


def test_mkdocs_says_the_order_and_runs_nothing():
    site = lay_out(TREE)
    assert site.title == "Cart"
    assert site.nav == [
        {"title": "Start", "path": "index.md"},
        {"title": "More", "children": [{"title": "Deep", "path": "sub/deep.md"}]},
        {"title": "Wiki", "url": "https://wiki.example.org"},
    ]
    assert list(site.pictures) == ["img/a.svg"]
    assert [note.split(",")[0] for note in site.notes] == [
        "The navigation names gone.md",
        "The navigation names javascript:x",
    ]


def test_without_mkdocs_the_folders_say_the_order():
    files = {f"docs/{name}": f"# {name}".encode() for name in ("z.md", "b/two.md", "b/index.md", "README.md")}
    site = lay_out(files)
    assert [page.path for page in site.pages] == ["README.md", "z.md", "b/index.md", "b/two.md"]
    assert site.nav[2]["title"] == "B"
    assert [row["path"] for row in site.nav[2]["children"]] == ["b/index.md", "b/two.md"]
    assert [page.path for page in lay_out({"README.md": b"hello", "x.md": b"no"}).pages] == ["README.md"]
    broken = lay_out({"mkdocs.yml": b"nav: [", "docs/a.md": b"a"})
    assert broken.notes[0].startswith("mkdocs.yml cannot be read")
    assert lay_out({"mkdocs.yml": b"- 1", "docs/a.md": b"a"}).notes == ["mkdocs.yml is no mapping."]
    assert lay_out({"mkdocs.yml": b"docs_dir: .", "a.md": b"a"}).pages


@pytest.mark.parametrize(
    ("text", "path", "title"),
    [
        ("---\ntitle: 'Said'\n---\n# Other", "a.md", "Said"),
        ("text\n# The *one* [link](x) #", "a.md", "The one link"),
        ("Under\n=====", "a.md", "Under"),
        ("", "how-to_do.md", "How to do"),
        ("", "index.md", "Home"),
        ("", "guides/README.md", "Guides"),
    ],
)
def test_pages_have_titles(text, path, title):
    assert title_of(text, path) == title


@pytest.mark.parametrize(
    ("ref", "location", "root"),
    [
        ("dir:.", "catalog-info.yaml", ""),
        ("dir:.", "cart/catalog-info.yaml", "cart"),
        ("dir:./site/", "cart/catalog-info.yaml", "cart/site"),
        ("dir:../docs/cart", "catalog/cart.yaml", "docs/cart"),
    ],
)
def test_the_annotation_names_a_folder_beside_the_descriptor(ref, location, root):
    assert root_of(ref, location) == root


BIG = b"x" * (layout.MAX_PICTURE + 1)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (lambda: root_of("url:https://example.org/docs", "a.yaml"), "only dir:"),
        (lambda: root_of("dir:../..", "cart/a.yaml"), "leads out"),
        (lambda: root_of("dir:/etc", "a.yaml"), "leads out"),
        (lambda: root_of("dir:a\x00", "a.yaml"), "leads out"),
        (lambda: lay_out({}), "no Markdown"),
        (lambda: lay_out({"mkdocs.yml": b"docs_dir: ../../etc"}), "leads out"),
        (lambda: lay_out({f"docs/{n}.md": b"" for n in range(501)}), "more than 500 pages"),
        (lambda: lay_out({f"docs/{n}.png": BIG for n in range(11)}), "larger than 20 MB"),
    ],
)
def test_docs_that_are_none_or_too_much_are_refused(does, reason):
    with pytest.raises(NoDocs, match=reason):
        does()


def test_what_is_too_large_is_noted_and_the_rest_is_shown():
    long = "docs/" + "n" * 300 + ".md"
    site = lay_out({"docs/a.md": b"\xff\x00" + b"x" * 300_000, "docs/b.png": BIG, long: b""})
    assert [note.split(" ", 1)[1] for note in site.notes] == [
        "is longer than 200 kB; only its beginning is shown.",
        "is larger than 2 MB and not shown.",
        "has too long a name.",
    ]
    assert "\x00" not in site.pages[0].text


def _page(text: str, path: str = "index.md") -> str:
    there = {"index.md", "sub/deep.md"}
    return str(
        render(
            text,
            path,
            lambda p: f"?doc={p}" if p in there else "",
            lambda p: "/files/" + p if p == "img/a.svg" else "",
        ).html
    )


def test_a_page_keeps_its_links_inside_and_its_pictures_at_home():
    html = _page(INDEX)
    assert EVIL not in html
    assert "&lt;script&gt;" in html
    assert 'href="?doc=sub/deep.md#doc-a-part"' in html
    assert 'href="https://example.org" rel="noopener noreferrer nofollow"' in html
    assert html.count("href=") == 2
    assert '<img src="/files/img/a.svg" alt="drawn">' in html
    assert html.count("<img") == 1
    assert "[far]" in html


def test_admonitions_headings_and_code_are_drawn():
    html = _page(DEEP, "sub/deep.md")
    assert '<h2 id="doc-a-part">' in html
    assert '<h2 id="doc-a-part_1">' in html
    assert '<div class="admonition warn"><p class="admonition-title">Mind the gap</p>' in html
    assert 'href="?doc=index.md"' in html
    assert "<li>one</li>" in html
    assert '<pre tabindex="0"><code>!!! note\n    code' in html
    assert html.count("admonition-title") == 1


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "!!! note\n" * 20_000,
        "".join("    " * n + "!!! note\n" for n in range(300)),
        "> " * 50_000,
        "*a_" * 60_000,
        "---\n" + "x\n" * 90_000,
        "`" * 100_000,
        f'!!! note "{EVIL}"\n    <img src=x onerror=alert(1)>',
        "# <img src=x onerror=alert(1)>",
        "[a]: javascript:alert(1)\n[a]",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    ],
)
def test_hostile_pages_are_drawn_quickly_and_run_nothing(text):
    began = time.process_time()
    html = _page(text[: layout.MAX_PAGE])
    assert time.process_time() - began < 2
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in html.replace("[a]: javascript:", "")


COMPONENT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: cart, annotations: {backstage.io/techdocs-ref: "dir:."}}
spec: {type: service, lifecycle: production, owner: checkout}
"""
CART = "/catalog/component/default/cart/"


@pytest.fixture
def documented(tmp_path):
    """A folder with a descriptor and docs, on disk."""
    root = tmp_path / "shop"
    for name, content in {
        **{f"cart/{k}": v for k, v in TREE.items()},
        "cart/catalog-info.yaml": COMPONENT.encode(),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "secret.md").write_text("# Secret")
    (root / "cart/docs/link.md").symlink_to(root / "secret.md")
    (root / "cart/docs/away").symlink_to(root)
    return root


def _import(root, mira, **where):
    files = {"cart/catalog-info.yaml": COMPONENT.encode()}
    return import_documents(files=files, title="shop", by=mira, location=str(root), **where)


@pytest.mark.django_db
def test_docs_are_read_after_the_import_and_shown_on_a_tab(client, mira, documented):
    source = _import(documented, mira, kind="folder").source
    client.force_login(mira)
    assert "have not been read yet" in client.get(CART + "?tab=docs").content.decode()
    run_due_effects()
    tree = DocTree.objects.get()
    assert [page.path for page in tree.pages.all()] == ["index.md", "sub/deep.md"]
    page = client.get(CART + "?tab=docs").content.decode()
    assert f'<img src="{CART}docs/img/a.svg" alt="drawn">' in page
    assert EVIL not in page
    deep = client.get(CART + "?tab=docs&doc=sub/deep.md").content.decode()
    assert "Mind the gap" in deep
    hits = client.get(CART + "?tab=docs&q=gap").content.decode()
    assert "<mark>gap</mark>" in hits
    assert "<mark>Mind</mark>" in client.get(CART + "?tab=docs&q=min").content.decode()
    for odd in ("%00", "!&|():*", "%27", "x" * 500, "_"):
        assert "0 pages with" in client.get(f"{CART}?tab=docs&q={odd}a_b").content.decode()
    assert "Deep" in client.get("/palette?q=gap").content.decode()
    picture = client.get(CART + "docs/img/a.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert picture["Content-Disposition"] == "attachment"
    assert "sandbox" in picture["Content-Security-Policy"]
    assert picture["X-Content-Type-Options"] == "nosniff"
    for path in ("run.exe", "../catalog-info.yaml", "link.md"):
        assert client.get(f"{CART}docs/{path}").status_code == 404
    before = list(DocPage.objects.values_list("pk", flat=True))
    (documented / "cart/docs/sub/deep.md").unlink()
    ask_again(source)
    ask_again(source)
    assert Effect.objects.filter(state="due").count() == 1
    run_due_effects()
    assert [page.path for page in tree.pages.all()] == ["index.md"]
    _import(documented, mira, kind="folder")
    kept = list(DocPage.objects.values_list("pk", flat=True))
    run_due_effects()
    assert kept == list(DocPage.objects.values_list("pk", flat=True)) != before


@pytest.mark.django_db
def test_docs_that_cannot_be_read_keep_what_was_and_say_why(client, mira, documented):
    source = _import(documented, mira, kind="folder").source
    run_due_effects()
    os.rename(documented / "cart/docs", documented / "cart/gone")
    ask_again(source)
    run_due_effects()
    client.force_login(mira)
    page = client.get(CART + "?tab=docs").content.decode()
    assert "There is no Markdown in docs/." in page
    assert "these are the ones from before" in page
    Entity.objects.update(metadata={"name": "cart"})
    ask_again(source)
    run_due_effects()
    assert not DocTree.objects.exists()
    ask_again(source)
    assert not Effect.objects.filter(state="due").exists()


@pytest.mark.django_db
def test_docs_of_a_commit_leave_links_out(mira, documented, tmp_path):
    repository = pygit2.init_repository(str(documented))
    repository.index.add_all()
    repository.index.write()
    who = pygit2.Signature("Mira", "mira@example.org")
    tree = repository.index.write_tree()
    commit = repository.create_commit("HEAD", who, who, "all", tree, [])
    source = Source(kind="git", location=str(documented))
    files, revision = reading.files_of(source, "cart")
    assert revision == str(commit)
    assert sorted(files) == ["docs/img/a.svg", "docs/index.md", "docs/sub/deep.md", "mkdocs.yml"]
    for location, root, reason in (
        (documented, "nowhere", "no folder"),
        (tmp_path / "none", "", "no git repository"),
    ):
        with pytest.raises(NoDocs, match=reason):
            reading.files_of(Source(kind="git", location=str(location)), root)


@pytest.mark.django_db
def test_places_that_are_no_folders_are_refused(documented, monkeypatch):
    folder = Source(kind="folder", location=str(documented))
    (documented / "cart2").symlink_to(documented / "cart")
    for root in ("cart2", "nowhere", "x" * 300):
        with pytest.raises(NoDocs, match="folder"):
            reading.files_of(folder, root)
    with pytest.raises(NoDocs, match="from folders"):
        reading.files_of(Source(kind="upload"), "")
    with pytest.raises(NoDocs, match="cannot be read"):
        reading.files_of(Source(kind="git", location="nobody/nothing"), "")
    for name in ("MAX_SEEN", "MAX_FILES"):
        with monkeypatch.context() as patch:
            patch.setattr(reading, name, 1)
            with pytest.raises(NoDocs, match="too much"):
                reading.files_of(folder, "cart")
