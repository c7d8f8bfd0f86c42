"""Which paths may be written and which names mean what they seem to.

Paths are plain ASCII: look-alikes, zero-width characters and percent escapes have no place in a repository
that machines read. Names a git host or a build acts on by itself are refused whatever their case.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from .errors import BadReference, TooLarge, UnsafePath

MAX_FILE = 1024 * 1024
MAX_FILES = 500
MAX_PATH = 300

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*|\.[a-z][a-z0-9-]*")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,5}")
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9][a-z0-9_-]{0,62}")
_HOSTED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){1,5}")
SHA = re.compile(r"[0-9a-f]{40}")
_ACTED_UPON = {
    ".git", ".github", ".gitea", ".gitlab", ".gitlab-ci.yml", ".gitmodules", ".gitattributes",
    ".circleci", ".drone.yml", ".forgejo", ".husky", ".travis.yml", ".woodpecker", ".woodpecker.yml",
    "azure-pipelines.yml", "bitbucket-pipelines.yml", "codeowners", "gnumakefile", "jenkinsfile", "makefile",
    "renovate.json",
}  # fmt: skip
# What the built-in host writes below a message to find its own work again.
FILES_TRAILER, MERGED_TRAILER = "Slipway-Files", "Merged-By"
_OURS = re.compile(rf"^(?=\s*({FILES_TRAILER}|{MERGED_TRAILER})\s*:)", re.IGNORECASE | re.MULTILINE)
_COMMAND = re.compile(r"\[(?=(?:skip|no)[ -]\w+\]|\w+[ -]skip\])", re.IGNORECASE)


def check_path(path: str) -> str:
    """The path itself when it may be written; UnsafePath says why not."""
    segments = path.split("/")
    if len(path) > MAX_PATH or not all(_SEGMENT.fullmatch(s) for s in segments):
        raise UnsafePath(f"{path[:80]!r} is not a plain path inside the repository")
    named = {s.lower().rstrip(".") for s in segments} & _ACTED_UPON
    if named:
        raise UnsafePath(
            f"{named.pop()} is acted upon by the git host or a build; the portal does not write it"
        )
    return path


def check_apart(paths: Iterable[str]) -> None:
    """No two paths that some checkout takes for one, and none that is a folder of another."""
    seen: dict[str, str] = {}
    for path in sorted(paths):
        folded = path.lower()
        other = seen.get(folded) or next((seen[p] for p in _folders(folded) if p in seen), None)
        if other is not None:
            raise UnsafePath(f"{path[:80]!r} and {other[:80]!r} cannot both be there")
        seen[folded] = path


def _folders(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def spoken(message: str) -> str:
    """A commit message that pretends nothing to us, and commands no build."""
    return _COMMAND.sub("[\u200b", _OURS.sub("> ", message)).rstrip()


def signing(text: str) -> str:
    """A name or an address as it may stand in a commit: on one line, without what would end it."""
    return " ".join("".join(c for c in text if c.isprintable() and c not in "<>").split())


def check_files(files: Mapping[str, bytes | None]) -> None:
    if len(files) > MAX_FILES:
        raise TooLarge(f"{len(files)} files; at most {MAX_FILES} go into one pull request")
    check_apart(path for path, content in files.items() if content is not None)
    for path, content in files.items():
        check_path(path)
        if content is not None and len(content) > MAX_FILE:
            raise TooLarge(f"{path} has {len(content)} bytes; at most {MAX_FILE}")


def check_branch(name: str) -> str:
    """The name itself when git and people read it alike: no options, no `HEAD`, no revision syntax."""
    odd = ".." in name or name.endswith((".", ".lock")) or ".lock/" in name
    if len(name) > 200 or odd or not _BRANCH.fullmatch(name) or name == "HEAD" or name.startswith("refs/"):
        raise BadReference(f"{name[:80]!r} is not a branch name")
    if SHA.fullmatch(name):
        raise BadReference("a branch must not look like a commit")
    return name


def check_repository(slug: str) -> str:
    if not _REPOSITORY.fullmatch(slug):
        raise BadReference(f"{slug[:80]!r} is not a repository")
    return slug


def check_hosted(slug: str) -> str:
    """A repository of another host: `owner/name`, or a project below groups."""
    odd = any(part.endswith((".", ".git", ".lock")) or ".." in part for part in slug.split("/"))
    if odd or not _HOSTED.fullmatch(slug):
        raise BadReference(f"{slug[:80]!r} is not a repository")
    return slug
