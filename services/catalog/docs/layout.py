"""From files to a site: which Markdown is a page, its name, its place. As TechDocs lays docs out.

`mkdocs.yml` names the folder and the order; without one it is `docs/`, else the folder's README. Tags such as
`!!python/name` are passed over: nothing in a file is ever executed.
"""

import hashlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.manifests import reader

CONFIG = ("mkdocs.yml", "mkdocs.yaml")
MARKDOWN = (".md", ".markdown")
PICTURES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".svg": "image/svg+xml",
}  # fmt: skip
ALONE = ("readme.md", "index.md")
MAX_PAGES = 500
MAX_PICTURES = 300
MAX_PAGE = 200_000
MAX_PICTURE = 2 * 1024 * 1024
MAX_TOTAL = 20 * 1024 * 1024
DEEPEST = 5
TAG = re.compile(r"(?<=[\s\[,:-])!+[\w./:%-]*(?=[\s,\]}]|$)", re.MULTILINE)
HEADING = re.compile(r"^ {0,3}# +(.+?)(?: +#+)?\s*$|^(\S[^\n]*)\n=+\s*$", re.MULTILINE)


class NoDocs(ValueError):
    """Why the docs of an entity cannot be read."""


@dataclass
class Page:
    path: str
    title: str
    text: str


@dataclass
class Site:
    title: str
    pages: list[Page] = field(default_factory=list)
    nav: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        said = hashlib.sha256(repr((self.title, self.nav, self.notes)).encode())
        for page in self.pages:
            said.update(f"{page.path}\0{page.title}\0{page.text}\0".encode("utf-8", "replace"))
        for path, content in sorted(self.pictures.items()):
            said.update(f"{path}\0{len(content)}\0".encode())
            said.update(content)
        return said.hexdigest()


def is_wanted(path: str) -> bool:
    """Whether a file can be part of docs at all."""
    name = posixpath.basename(path).lower()
    return name in CONFIG or name.endswith(MARKDOWN) or posixpath.splitext(name)[1] in PICTURES


def root_of(ref: str, location: str) -> str:
    """The folder that `backstage.io/techdocs-ref` means, beside the descriptor at `location`."""
    kind, _, target = ref.partition(":")
    if kind != "dir":
        raise NoDocs(f"{ref[:100]} is not read: only dir:, a folder beside the descriptor, and url: are.")
    inside = posixpath.normpath(posixpath.join("/", posixpath.dirname(location), target.strip() or "."))
    steps = posixpath.normpath(posixpath.join(posixpath.dirname(location), target.strip() or "."))
    if target.startswith("/") or steps.split("/")[0] == ".." or "\x00" in target:
        raise NoDocs(f"{ref[:100]} leads out of the repository.")
    return inside.strip("/")


def lay_out(files: Mapping[str, bytes]) -> Site:
    """The site in some files, by paths from its root. Refuses (NoDocs) what holds none, or too much."""
    config, notes = _config(files)
    folder = _folder(config)
    inside = _below(files, folder)
    if not inside:
        inside = {name: content for name, content in files.items() if name.lower() in ALONE}
    site = Site(_text(config.get("site_name")), notes=notes)
    _fill(site, inside)
    if not site.pages:
        raise NoDocs(f"There is no Markdown in {folder}/.")
    titles = {page.path: page for page in site.pages}
    site.nav = _nav(config.get("nav"), titles, site.notes, 0) or _by_folder(site.pages)
    return site


def folder_of(files: Mapping[str, bytes]) -> str:
    """The folder of the pages, as a configuration among the files says it."""
    return _folder(_config(files)[0])


def _folder(config: Mapping[str, Any]) -> str:
    folder = posixpath.normpath(str(config.get("docs_dir") or "docs"))
    if folder.startswith(("..", "/")):
        raise NoDocs(f"docs_dir {folder[:100]} leads out of the docs.")
    return folder


def _below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    if folder == ".":
        return dict(files)
    return {
        name[len(folder) + 1 :]: content for name, content in files.items() if name.startswith(f"{folder}/")
    }


def _config(files: Mapping[str, bytes]) -> tuple[dict[str, Any], list[str]]:
    name = next((name for name in CONFIG if name in files), "")
    if not name:
        return {}, []
    text = TAG.sub("", files[name].decode("utf-8", "replace"))
    try:
        documents = reader.load_all(text, repeated_keys=True)
    except reader.ManifestError as error:
        return {}, [
            f"{name} cannot be read: {error.message}, line {error.line}. The order is that of the folders."
        ]
    data = documents[0].data if documents else {}
    return (data, []) if isinstance(data, dict) else ({}, [f"{name} is no mapping."])


def _text(value: Any) -> str:
    return " ".join(str(value).split())[:200] if isinstance(value, str | int | float) else ""


def _fill(site: Site, files: Mapping[str, bytes]) -> None:
    """Pages and pictures, within the limits; what is over them is noted, or refused where it is too much."""
    total = 0
    for path, content in sorted(files.items(), key=lambda item: _order(item[0])):
        ending = posixpath.splitext(path.lower())[1]
        total += len(content)
        if total > MAX_TOTAL:
            raise NoDocs(f"The docs are larger than {MAX_TOTAL // 1024 // 1024} MB together.")
        if len(path) > 300:
            site.notes.append(f"{path[:60]}… has too long a name.")
        elif ending in MARKDOWN:
            _add_page(site, path, content)
        elif ending in PICTURES and len(content) > MAX_PICTURE:
            site.notes.append(f"{path} is larger than {MAX_PICTURE // 1024 // 1024} MB and not shown.")
        elif ending in PICTURES and len(site.pictures) < MAX_PICTURES:
            site.pictures[path] = content


def _add_page(site: Site, path: str, content: bytes) -> None:
    if len(site.pages) >= MAX_PAGES:
        raise NoDocs(f"There are more than {MAX_PAGES} pages.")
    text = content.decode("utf-8-sig", "replace").replace("\x00", "\ufffd").replace("\r\n", "\n")
    if len(text) > MAX_PAGE:
        site.notes.append(f"{path} is longer than {MAX_PAGE // 1000} kB; only its beginning is shown.")
        text = text[:MAX_PAGE]
    site.pages.append(Page(path, title_of(text, path), text))


def title_of(text: str, path: str) -> str:
    """The first heading, else the words of the file's name."""
    meta = re.match(r"---\n(?:.*\n){0,50}?title: *(.+)\n", text[:5000])
    found = meta or HEADING.search(text[:5000])
    said = next((part for part in found.groups() if part), "") if found else ""
    clean = re.sub(r"[*_`\[\]]|\([^)]*\)|\{[^}]*\}", "", said).strip(" \"'")
    name = posixpath.splitext(posixpath.basename(path))[0]
    if not clean and name.lower() in ("index", "readme"):
        name = posixpath.basename(posixpath.dirname(path)) or "Home"
    return clean[:200] or name.replace("-", " ").replace("_", " ").strip().capitalize()[:200] or path[:200]


def _order(path: str) -> tuple[tuple[int, str], ...]:
    """Files before folders, the index before the others."""
    *folders, name = path.split("/")
    first = 0 if name.lower() in ("index.md", "readme.md") else 1
    return (*((2, folder) for folder in folders), (first, name))


def _nav(given: Any, pages: Mapping[str, Page], notes: list[str], depth: int) -> list[dict[str, Any]]:
    """The navigation as mkdocs.yml says it; what leads nowhere is noted."""
    found = []
    for one in given[:500] if isinstance(given, list) and depth < DEEPEST else []:
        title, target = next(iter(one.items()), ("", "")) if isinstance(one, dict) else ("", one)
        if isinstance(target, list):
            if children := _nav(target, pages, notes, depth + 1):
                found.append({"title": _text(title), "children": children})
        elif isinstance(target, str) and target.startswith(("https://", "http://")):
            found.append({"title": _text(title) or target[:200], "url": target[:1000]})
        elif isinstance(target, str) and posixpath.normpath(target) in pages:
            page = pages[posixpath.normpath(target)]
            found.append({"title": _text(title) or page.title, "path": page.path})
        elif len(notes) < 50:
            notes.append(f"The navigation names {_text(target) or 'something'}, which is not there.")
    return found


def _by_folder(pages: list[Page]) -> list[dict[str, Any]]:
    nav: list[dict[str, Any]] = []
    for page in pages:
        level = nav
        for folder in page.path.split("/")[:-1][: DEEPEST - 1]:
            title = folder.replace("-", " ").replace("_", " ").capitalize()
            if not level or level[-1].get("title") != title or "children" not in level[-1]:
                level.append({"title": title, "children": []})
            level = level[-1]["children"]
        level.append({"title": page.title, "path": page.path})
    return nav
