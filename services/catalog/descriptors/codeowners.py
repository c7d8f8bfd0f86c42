"""CODEOWNERS of GitHub, GitLab and Bitbucket: who owns a path. The last line that matches wins."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.catalog.descriptors.globs import Glob
from services.catalog.descriptors.problems import as_name

FOLDERS = re.compile(r"(?:^|/)(?:\.github|\.gitlab|\.bitbucket|docs)\Z")
SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?\s*(?P<owners>.*)\Z")
PARTS = re.compile(r"(?:\\.|\S)+")
MAX_RULES = 5_000


@dataclass(frozen=True)
class OwnerRule:
    """A pattern and the first owner we can name, or "" when it says that nobody owns it; its line. All
    people and teams it names are `handles`."""

    pattern: Glob
    owner: str
    line: int
    handles: tuple[str, ...] = ()


def is_codeowners(path: str) -> bool:
    return posixpath.basename(path) == "CODEOWNERS"


def rules_of(text: str) -> list[OwnerRule]:
    """The rules of a file, in its order; lines nobody can read are left out."""
    rules: list[OwnerRule] = []
    inherited: list[str] = []
    for number, line in enumerate(text.splitlines()[:MAX_RULES], 1):
        bare = re.sub(r"(?:^|(?<=\s))#.*", "", line).strip()
        if section := SECTION.match(bare):
            inherited = section["owners"].split()
        elif bare and (pattern := _pattern(PARTS.findall(bare)[0])):
            owners = PARTS.findall(bare)[1:] or inherited
            handles = tuple(name.lstrip("@") for name in owners if name.startswith("@"))
            rules.append(OwnerRule(pattern, _owner(owners), number, handles))
    return rules


def _owner(owners: list[str]) -> str:
    """The first team, else the first person; a mail address alone names nobody here."""
    teams = [name for name in owners if (name.startswith("@") and "/" in name) or name.startswith("@@")]
    people = [name for name in owners if name.startswith("@") and name not in teams]
    for names, kind in ((teams, "group"), (people, "user")):
        for name in names:
            if made := as_name(name.rpartition("/")[2].lstrip("@")):
                return f"{kind}:default/{made}".lower()
    return ""


def _pattern(text: str) -> Glob | None:
    """A gitignore-like pattern: anchored when it has a slash before its end; a folder means what is in it."""
    clean = text.replace("\\", "")
    parts = [part for part in clean.split("/") if part]
    if text.startswith("!") or not parts:
        return Glob(["**"]) if text == "/" else None
    if "/" not in clean.rstrip("/"):
        parts.insert(0, "**")
    if clean.endswith("/"):
        parts += ["**", "*"]
    elif parts[-1] != "*" or (len(parts) == 2 and parts[0] == "**"):
        parts.append("**")
    return Glob(parts)


class Owners:
    """Every CODEOWNERS of an import; the nearest one above a file counts."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.by_root: dict[str, tuple[str, list[OwnerRule]]] = {}
        found = [path for path in files if is_codeowners(path)]
        for path in sorted(found, key=lambda path: _rank(path), reverse=True):
            root = FOLDERS.sub("", posixpath.dirname(path))
            self.by_root[root] = path, rules_of(files[path].decode("utf-8", "replace"))
        self.by_folder: dict[str, tuple[str, str]] = {}

    def owner_of(self, file: str) -> tuple[str, str]:
        """(owner, where it says so) of a file, or empty texts."""
        folder = posixpath.dirname(file)
        while True:
            if folder in self.by_root:
                return self._in(folder, file)
            if folder in self.by_folder:
                return self.by_folder[folder]
            if not folder:
                return "", ""
            folder = posixpath.dirname(folder)

    def _in(self, root: str, file: str) -> tuple[str, str]:
        path, rules = self.by_root[root]
        below = file[len(root) + 1 :] if root else file
        for rule in reversed(rules):
            if rule.pattern.matches(below):
                return rule.owner, f"{path}:{rule.line}"
        return "", ""


def _rank(path: str) -> int:
    """GitHub looks into .github first, then into the root, then into docs."""
    return next((n for n, name in enumerate((".github/", ".gitlab/", ".bitbucket/")) if name in path), 5) + (
        5 if "docs/" in path else 0
    )
