"""Templates: nothing the content policy refuses, no template nobody draws, no icon that is missing."""

import ast
import re
from pathlib import Path

import pytest

from portal.shell import assets

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
TEMPLATES = sorted(path for path in FOLDER.rglob("*.html"))
PYTHON = [path for top in ("portal", "services") for path in (ROOT / top).rglob("*.py")]
INLINE = {
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")", re.I),
    "inline style": re.compile(r"<style|\sstyle=", re.I),
    "event attribute": re.compile(r"\son[a-z]+=", re.I),
    "script address": re.compile(r"javascript:", re.I),
    "hx-on": re.compile(r"\shx-on", re.I),
    "safe filter": re.compile(r"\|\s*safe\b|autoescape off"),
    "sprite by hand": re.compile(r"href=\"#[ih]-"),
}
NAMED = re.compile(r"[\"']([\w/.-]+\.(?:html|txt))(?:#[\w-]+)?[\"']")
PLACE = re.compile(r"\bp[0-3]\b")
ICON = re.compile(r"{%\s*(?:icon|empty)\s+\"([\w-]+)\"")


def relative(path: Path) -> str:
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_template_has_nothing_the_content_policy_refuses(path):
    text = path.read_text()
    assert [name for name, pattern in INLINE.items() if pattern.search(text)] == []


@pytest.mark.parametrize("name", list(INLINE))
def test_the_lint_would_find_it(name):
    examples = {
        "inline script": "<script>x()</script>",
        "inline style": '<p style="color: red">',
        "event attribute": '<a onclick="x()">',
        "script address": '<a href="javascript:x()">',
        "hx-on": '<a hx-on:click="x()">',
        "safe filter": "{{ text|safe }}",
        "sprite by hand": '<use href="#i-home"/>',
    }
    assert INLINE[name].search(examples[name])


def test_every_template_is_drawn_by_a_view_or_another_template():
    drawn = {"django/forms/widgets/" + p.name for p in FOLDER.glob("django/forms/widgets/*")}
    drawn |= {"django/forms/div.html", "django/forms/field.html"}
    for path in [*PYTHON, *TEMPLATES]:
        drawn |= set(NAMED.findall(path.read_text()))
    drawn |= {f"errors/{status}.html" for status in (400, 403, 404, 413)}
    drawn |= {name for text in _lists_of_templates() for name in text.split(",")}
    assert [relative(path) for path in TEMPLATES if relative(path) not in drawn] == []


@pytest.mark.parametrize("path", [p for p in TEMPLATES if "grid-t cards" in p.read_text()], ids=relative)
def test_what_one_can_do_in_a_table_can_be_done_on_a_phone(path):
    """A narrow page draws a row as a card of the cells with a place there, p0 to p3; it hides the others."""
    cells = re.findall(r"<td([^>]*)>(.*?)</td>", path.read_text(), re.DOTALL)
    hidden = [
        cell for mark, cell in cells if re.search(r"<(form|button|input)", cell) and not PLACE.search(mark)
    ]
    assert hidden == []


def _lists_of_templates() -> list[str]:
    """`yesno:"a.html,b.html"` chooses a parent."""
    return [found for path in TEMPLATES for found in re.findall(r'yesno:"([^"]+\.html)"', path.read_text())]


def named_icons() -> dict[str, str]:
    """Icon names that templates and Python write out, with one place each."""
    names = {name: relative(path) for path in TEMPLATES for name in ICON.findall(path.read_text())}
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg in ("icon", "icon_name"):
                names |= _constant(node.value, path)
    return names


def _constant(node: ast.expr, path: Path) -> dict[str, str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        return {node.value: str(path.relative_to(ROOT))}
    return {}


def sprite_names() -> set[str]:
    return set(re.findall(r'id="i-([\w-]+)"', (ROOT / "static" / "icons" / "sprite.svg").read_text()))


def test_every_icon_is_in_the_sprite():
    missing = {name: place for name, place in named_icons().items() if name not in sprite_names()}
    assert missing == {}, "add the name to static/icons/names.txt and run manage.py vendor_assets"


def test_registered_icons_are_in_the_sprite():
    from portal.shell import registry

    assert {item.icon for item in registry.nav} <= sprite_names()


def test_the_sprite_is_that_of_the_list():
    assert sprite_names() == set(assets.icon_names(ROOT))


def test_vendored_files_are_those_of_the_lock():
    assert assets.changed_files(ROOT) == []


def test_a_changed_vendored_file_would_show(tmp_path):
    (tmp_path / "static" / "vendor").mkdir(parents=True)
    (tmp_path / "static" / "vendor" / "LOCK.json").write_text(
        '{"packages": {}, "files": [{"path": "a.js", "package": "a", "file": "a.js", "sha256": "0"}]}'
    )
    (tmp_path / "a.js").write_text("changed")
    assert assets.changed_files(tmp_path) == ["a.js"]


def test_first_page_is_under_100_kilobytes():
    import gzip

    files = [
        *ROOT.glob("static/css/*.css"),
        *ROOT.glob("static/js/*.js"),
        *ROOT.glob("static/vendor/htmx/*.js"),
    ]
    size = sum(len(gzip.compress(path.read_bytes())) for path in files)
    assert size < 100_000


PAGES = [path for path in TEMPLATES if path.read_text().startswith('{% extends "base.html" %}')]
EDGE_TO_EDGE = {"helpdesk/queue.html"}  # three panes beside each other


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_a_page_keeps_clear_of_the_edges(path: Path) -> None:
    text = path.read_text()
    assert relative(path) in EDGE_TO_EDGE or 'class="page' in text or "form-wrap" in text
