"""Sources that are whole organisations: which repositories, which of their files, and what became of each.

Every repository that was read is written down at once, so that a reading may stop anywhere and go on; one
that fails keeps what it had and loses no other.
"""

import base64
import posixpath
import re
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

from django.utils import timezone

from services.catalog.descriptors.globs import Glob
from services.catalog.models import Holding, ImportRun, Source
from services.catalog.sources.fetching import CannotFetch, Fetched
from services.integrations import organisations
from services.integrations.errors import IntegrationError, NotFound, Unauthorised
from services.integrations.organisations import NothingThere, Organisation, RateLimited, Repository
from services.integrations.sealing import CannotOpen, Sealer

sealer: Final = Sealer("slipway git host token")
BUDGET: Final = 45.0  # seconds of one reading before it makes room for others
MOST_FILES, ROUNDS = 200, 3
OWNERS: Final = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
PATTERN: Final = "catalog-info.yaml"
_WORDS: Final = re.compile(r"[^\s'\"\[\]{},]+")


class NotFinished(Exception):
    """Time is up; what was read is kept, and the next reading goes on from there."""


def reach(
    source: Source, name: str = "", trigger: str = "", anew: bool = False
) -> tuple[str, Fetched | None]:
    """Where the organisation stands, and its files unless nothing moved or they are wanted `anew`.

    Raises CannotFetch for what concerns all of it, and NotFinished when there is more than fits in one go.
    """
    try:
        with host_of(source) as host:
            _read(source, host, name, trigger)
    except (IntegrationError, CannotOpen) as error:
        raise CannotFetch(f"{source.location} cannot be read: {error}") from error
    holdings = list(source.holdings.all())
    head = sha256(repr([(h.name, h.head, h.state) for h in holdings]).encode()).hexdigest()
    return head, None if head == source.head and not anew else _files(holdings)


def host_of(source: Source) -> AbstractContextManager[Organisation]:
    token = sealer.unseal(source.token_sealed) if source.token_sealed else ""
    address = str(source.options.get("address", ""))
    return organisations.opened(source.provider, address=address, name=source.location, token=token)


def _read(source: Source, host: Organisation, name: str, trigger: str) -> None:
    if name:
        _read_one(source, host, name)
        return
    known = {holding.name: holding for holding in source.holdings.all()}
    quiet = trigger == ImportRun.Trigger.SWEEP and not _has_work(source, known.values())
    listing = host.listing(str(source.options.get("etag", "")) if quiet else "")
    if listing.repositories is None:
        return
    if not listing.repositories and known:
        raise NotFound("It lists no repository any more. May the token still read it?")
    wanted = {repo.name: repo for repo in listing.repositories if wants(source, repo)}
    source.holdings.exclude(name__in=wanted).delete()
    _visit_all(source, host, wanted, known)
    source.options |= {"etag": listing.etag, "after": ""}
    source.save(update_fields=["options"])


def _visit_all(
    source: Source, host: Organisation, wanted: dict[str, Repository], known: dict[str, Holding]
) -> None:
    """Each in the order of names, from where the last reading ran out of time."""
    end, after = time.monotonic() + BUDGET, str(source.options.get("after", ""))
    for name in sorted(name for name in wanted if name > after):
        if time.monotonic() > end:
            source.options["after"] = after
            source.save(update_fields=["options"])
            raise NotFinished
        _visit(source, host, wanted[name], known.get(name))
        after = name


def _has_work(source: Source, known: Iterable[Holding]) -> bool:
    if not source.head or source.options.get("after"):
        return True
    return any(holding.state == Holding.State.FAILED for holding in known)


def _read_one(source: Source, host: Organisation, name: str) -> None:
    known = source.holdings.filter(name__iexact=name).first()
    try:
        repo = host.repository(known.name if known else name)
    except NotFound:
        source.holdings.filter(name__iexact=name).delete()
        return
    if wants(source, repo):
        _visit(source, host, repo, known)
    else:
        source.holdings.filter(name__iexact=name).delete()


def wants(source: Source, repo: Repository) -> bool:
    """Whether the source includes a repository: by its name in the organisation, archived, a fork."""
    options = source.options
    if (repo.is_archived and not options.get("archived")) or (repo.is_fork and not options.get("forks")):
        return False
    name = repo.name[len(source.location) + 1 :].lower()
    included = options.get("include") or ["*"]
    if not any(fnmatchcase(name, pattern.lower()) for pattern in included):
        return False
    return not any(fnmatchcase(name, pattern.lower()) for pattern in options.get("exclude") or [])


def _visit(source: Source, host: Organisation, repo: Repository, known: Holding | None) -> None:
    """Read one repository where it moved. What goes wrong with it alone stays with it."""
    holding = known or Holding(source=source, name=repo.name)
    pattern = str(source.options.get("pattern") or PATTERN)
    mark, files = "", dict[str, bytes]()
    try:
        head = "" if repo.is_empty else host.head(repo)
        mark = sha256(f"{head} {pattern}".encode()).hexdigest()
        if known and known.head == mark and known.state != Holding.State.FAILED:
            return
        files = {} if repo.is_empty else files_of(host, repo, pattern)
    except NothingThere:
        holding.files = {}
    except (RateLimited, Unauthorised):
        raise
    except IntegrationError as error:
        holding.state, holding.problem = Holding.State.FAILED, str(error)
        holding.save()
        return
    holding.head, holding.problem, holding.read_at = mark, "", timezone.now()
    holding.files = {path: base64.b64encode(content).decode() for path, content in files.items()}
    holding.state = Holding.State.OK if files else Holding.State.EMPTY
    holding.save()


def files_of(host: Organisation, repo: Repository, pattern: str) -> dict[str, bytes]:
    """The files of a pattern, what they name by a relative path, and who owns what."""
    globs = [Glob(one.strip().strip("/").split("/")) for one in pattern.split(",") if one.strip()]
    paths = host.paths(repo)
    waiting = [path for path in paths if any(glob.matches(path) for glob in globs)]
    if not waiting:
        return {}
    found: dict[str, bytes] = {}
    there = set(paths)
    waiting += [path for path in OWNERS if path in there]
    for _ in range(ROUNDS):
        fresh = {path: host.read(repo, path) for path in waiting[: MOST_FILES - len(found)]}
        found |= fresh
        waiting = sorted(_named(fresh, paths, there) - set(found))
    return found


def _named(files: dict[str, bytes], paths: list[str], there: set[str]) -> set[str]:
    """Files of the repository that the text of others names, as Locations and placeholders do."""
    named: set[str] = set()
    for path, content in files.items():
        if path in OWNERS:
            continue
        folder = posixpath.dirname(path)
        for word in set(_WORDS.findall(content.decode(errors="replace"))):
            target = posixpath.normpath(posixpath.join(folder, word))
            if target in there:
                named.add(target)
            elif "*" in word and "/" in word and not target.startswith(".."):
                glob = Glob(target.split("/"))
                named |= {name for name in paths if glob.matches(name)}
    return named


def _files(holdings: list[Holding]) -> Fetched:
    fetched = Fetched(apart=[holding.name for holding in holdings if holding.files])
    for holding in holdings:
        for path, content in holding.files.items():
            fetched.add(f"{holding.name}/{path}", base64.b64decode(content))
    return fetched


def settings_of(said: dict[str, object]) -> dict[str, object]:
    """What a form says of an organisation, as the source keeps it."""
    words = {key: str(said[key]).split() for key in ("include", "exclude")}
    return {**words, **{key: said[key] for key in ("address", "pattern", "archived", "forks", "docs")}}
