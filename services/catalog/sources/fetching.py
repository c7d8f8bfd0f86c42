"""Files of a folder, a git repository or an archive, within limits. Nothing here touches the network."""

import hashlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pygit2

from services.catalog.derivation.files import is_wanted
from services.catalog.descriptors.codeowners import is_codeowners
from services.catalog.descriptors.examine import is_candidate
from services.catalog.descriptors.reading import MAX_FILE
from services.catalog.descriptors.reports import DocumentReport

MAX_FILES = 20_000
MAX_TOTAL = 64 * 1024 * 1024
MAX_ENTRIES = 200_000
SKIPPED_FOLDERS = {".git", "node_modules", ".venv", "venv", "__pycache__", ".terraform"}
INCLUDED = (".graphql", ".gql", ".proto", ".txt", ".raml", ".wsdl", ".xml")


class CannotFetch(ValueError):
    """What was asked for cannot be read; `field` is the form field to blame."""

    def __init__(self, message: str, field: str = "location") -> None:
        super().__init__(message)
        self.field = field


@dataclass
class Fetched:
    """Text files by path, and the commit they are of."""

    files: dict[str, bytes] = field(default_factory=dict)
    revision: str = ""
    total: int = 0
    apart: list[str] = field(default_factory=list)
    """Folders that know nothing of each other, such as the repositories of an organisation."""
    reports: list[DocumentReport] | None = None
    """What was found, where it was not read from files."""

    @property
    def digest(self) -> str:
        """The same for the same files, whatever commit they are of."""
        told = hashlib.sha256()
        for report in self.reports or ():
            told.update(json.dumps([report.as_dict(), report.descriptor], sort_keys=True).encode())
        for path, content in sorted(self.files.items()):
            told.update(f"{path}\0{len(content)}\0".encode(errors="surrogatepass") + content)
        return told.hexdigest()

    def add(self, path: str, content: bytes) -> None:
        self.make_room(len(content))
        self.files[path] = content

    def make_room(self, size: int) -> None:
        """Count what is about to be read; refuses what is over the limits before it is in memory."""
        self.total += size
        if len(self.files) >= MAX_FILES:
            raise CannotFetch(f"There are more than {MAX_FILES:,} files: choose a folder further down.")
        if self.total > MAX_TOTAL:
            raise CannotFetch(f"The files are larger than {MAX_TOTAL // 1024 // 1024} MB together.")


def wanted(path: str, size: int) -> bool:
    """Whether a file may hold descriptors, be included by one, or show who talks to whom."""
    if any(part in SKIPPED_FOLDERS for part in PurePosixPath(path).parts):
        return False
    small = size <= 1024 * 1024
    if is_candidate(path) or is_codeowners(path):
        return True
    return small and (path.lower().endswith(INCLUDED) or is_wanted(path))


def from_folder(location: str, under: str = "") -> Fetched:
    """Every descriptor below a folder; symbolic links are not followed."""
    root = _folder(location, f"There is no folder {location} that the portal can read.")
    top = _folder(root.resolve() / _inside(under), f"There is no folder {under} in {location}.", "path")
    fetched = Fetched()
    for path in _walk(top):
        name = path.relative_to(root.resolve()).as_posix()
        size = path.lstat().st_size
        if wanted(name, size):
            fetched.make_room(min(size, MAX_FILE + 1))
            fetched.files[name] = _head_of(path)
    return fetched


def _folder(location: str | Path, message: str, field: str = "location") -> Path:
    """A folder, or CannotFetch: whatever is wrong with the name, or with what is there."""
    try:
        path = Path(location).expanduser()
        if path.is_dir() and os.access(path, os.R_OK | os.X_OK):
            return path
    except (OSError, RuntimeError, ValueError) as error:  # too long, somebody's home that is none, NUL
        raise CannotFetch(message, field) from error
    raise CannotFetch(message, field)


def _inside(under: str) -> str:
    clean = PurePosixPath(under.strip().strip("/"))
    if ".." in clean.parts:
        raise CannotFetch("The folder must not contain “..”.", "path")
    return str(clean)


def _walk(root: Path) -> Iterator[Path]:
    seen = 0
    for folder, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS)
        seen += len(files)
        if seen > MAX_ENTRIES:
            raise CannotFetch(f"There are more than {MAX_ENTRIES:,} files: choose a folder further down.")
        for name in sorted(files):
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode) and os.access(path, os.R_OK):
                yield path


def _head_of(path: Path) -> bytes:
    """A file's content; one byte more than is read, so that the reader can say it is too large."""
    with path.open("rb") as stream:
        return stream.read(MAX_FILE + 1)


def revision_of(location: str, branch: str = "") -> str:
    """The commit a repository on this machine is at."""
    return str(_commit(_repository(location), branch).id)


def _repository(location: str) -> pygit2.Repository:
    path = location.removeprefix("file://")
    if "://" in path or path.startswith("git@"):
        raise CannotFetch(
            "Only repositories on this machine or on the portal's git host can be imported yet."
        )
    try:
        return pygit2.Repository(path, pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, OSError) as error:
        raise CannotFetch(f"There is no git repository at {location}.") from error


def from_repository(location: str, branch: str = "", under: str = "") -> Fetched:
    """Every descriptor in one commit of a repository on this machine, bare or with a working folder."""
    commit = _commit(_repository(location), branch)
    fetched = Fetched(revision=str(commit.id))
    for name, blob in _blobs(_subtree(commit.tree, under), _prefix(under)):
        if wanted(name, blob.size):
            fetched.make_room(min(blob.size, MAX_FILE + 1))
            fetched.files[name] = blob.data[: MAX_FILE + 1]
    return fetched


def blobs_below(location: str, branch: str, under: str) -> tuple[str, Iterator[tuple[str, pygit2.Blob]]]:
    """A commit of a repository on this machine, and every regular file below a folder, by the path there."""
    try:
        repository = pygit2.Repository(location, pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, OSError) as error:
        raise CannotFetch(f"There is no git repository at {location}.") from error
    commit = _commit(repository, branch)
    return str(commit.id), _blobs(_subtree(commit.tree, under), "")


def _commit(repository: pygit2.Repository, branch: str) -> pygit2.Commit:
    try:
        found, _ = repository.resolve_refish(branch or "HEAD")
    except (pygit2.GitError, KeyError, ValueError) as error:
        name = f"no branch {branch}" if branch else "no commit yet"
        raise CannotFetch(f"The repository has {name}.", "branch") from error
    return found


def _subtree(tree: pygit2.Tree, under: str) -> pygit2.Tree:
    clean = _inside(under)
    if clean in ("", "."):
        return tree
    try:
        found = tree[clean]
    except KeyError as error:
        raise CannotFetch(f"There is no folder {under} in that commit.", "path") from error
    if not isinstance(found, pygit2.Tree):
        raise CannotFetch(f"{under} is not a folder.", "path")
    return found


def _prefix(under: str) -> str:
    clean = _inside(under)
    return "" if clean in ("", ".") else f"{clean}/"


def _blobs(tree: pygit2.Tree, prefix: str) -> Iterator[tuple[str, pygit2.Blob]]:
    waiting: list[tuple[str, pygit2.Tree]] = [(prefix, tree)]
    while waiting:
        prefix, folder = waiting.pop()
        for entry in folder:
            if isinstance(entry, pygit2.Tree):
                waiting.append((f"{prefix}{entry.name}/", entry))
            elif isinstance(entry, pygit2.Blob) and entry.filemode != pygit2.enums.FileMode.LINK:
                yield prefix + str(entry.name), entry


def from_uploads(uploads: list[tuple[str, bytes]]) -> Fetched:
    """Uploaded files, archives unpacked in memory."""
    fetched = Fetched()
    for name, content in uploads:
        if zipfile.is_zipfile(io.BytesIO(content)):
            _unpack(content, name, fetched)
        elif is_candidate(name) or is_codeowners(name):
            fetched.add(PurePosixPath(name).name, content)
        else:
            raise CannotFetch(f"{name} is neither YAML nor JSON nor a zip archive.", "uploads")
    return fetched


def _unpack(content: bytes, name: str, fetched: Fetched) -> None:
    """Read an archive's members; sizes are counted as they are read, for an archive may lie about them."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist()[: MAX_FILES + 1]:
                if not member.is_dir() and wanted(member.filename, member.file_size):
                    with archive.open(member) as stream:
                        fetched.add(_member_name(member.filename), stream.read(MAX_FILE + 1))
    # A member that needs a password, or is packed in a way that zipfile does not know, is a RuntimeError.
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError) as error:
        raise CannotFetch(f"{name} cannot be unpacked: {error}", "uploads") from error


def _member_name(name: str) -> str:
    """A path inside the archive only: never absolute, never upwards."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return "/".join(parts)
