"""Docs in the repositories of organisations: one list of files, then the few that are docs, within limits."""

import time
from contextlib import ExitStack
from hashlib import sha256
from typing import Final, Self

from services.catalog.docs import layout
from services.catalog.docs.layout import CONFIG, MARKDOWN, MAX_TOTAL, NoDocs
from services.catalog.docs.places import Place
from services.catalog.models import Source
from services.catalog.sources import organisations
from services.catalog.sources.fetching import SKIPPED_FOLDERS
from services.integrations.errors import IntegrationError, NotFound
from services.integrations.organisations import Malformed, Organisation, Repository
from services.integrations.sealing import CannotOpen

MOST: Final = 300
SLOW: Final = 90.0  # seconds that one site may take


class Hosts:
    """The organisations that one reading asks, each opened once; use it in `with`."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.opened: dict[int, Organisation] = {}
        self.listed: dict[tuple[int, str, str], list[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.stack.close()

    def mark(self, place: Place, ref: str) -> str:
        """The same while nothing is pushed and the place is the same; no commit, so it begins with =."""
        held = place.source.holdings.filter(name=place.repository).values_list("head", flat=True).first()
        told = f"{held} {place.repository} {place.branch} {place.root} {ref}"
        return "=" + sha256(told.encode()).hexdigest()[:40]

    def files_of(self, place: Place) -> dict[str, bytes]:
        """What the site needs, by the path from its root. Refuses NoDocs; raises what may pass by itself."""
        try:
            host = self._host(place.source)
            repository = self._repository(host, place)
            return self._read(host, repository, place)
        except (NotFound, CannotOpen, Malformed) as error:
            raise NoDocs(f"{place.repository} cannot be read: {error}") from error
        except IntegrationError as error:
            if error.permanent:
                raise NoDocs(f"{place.repository} cannot be read: {error}") from error
            raise

    def _host(self, source: Source) -> Organisation:
        if source.pk not in self.opened:
            self.opened[source.pk] = self.stack.enter_context(organisations.host_of(source))
        return self.opened[source.pk]

    def _repository(self, host: Organisation, place: Place) -> Repository:
        found = host.repository(place.repository)
        branch = place.branch or found.branch
        return Repository(found.name, branch, found.head, found.is_archived, found.is_fork, found.is_empty)

    def _read(self, host: Organisation, repository: Repository, place: Place) -> dict[str, bytes]:
        key = (place.source.pk, repository.name, repository.branch)
        if key not in self.listed:
            self.listed[key] = [] if repository.is_empty else host.paths(repository)
        before = f"{place.root}/" if place.root else ""
        names = [path[len(before) :] for path in self.listed[key] if path.startswith(before)]
        names = [
            name for name in names if layout.is_wanted(name) and not SKIPPED_FOLDERS & set(name.split("/"))
        ]
        files: dict[str, bytes] = {}
        end, total = time.monotonic() + SLOW, 0
        for name in [name for name in CONFIG if name in names]:
            files[name] = host.read(repository, before + name)
        for name in wanted(files, names):
            files[name] = host.read(repository, before + name)
            total += len(files[name])
            if total > 2 * MAX_TOTAL:
                raise NoDocs("There is too much below that folder: name a folder further down.")
            if time.monotonic() > end:
                raise NoDocs(
                    f"{repository.name} answers too slowly. Its docs are read again at the next look."
                )
        return files


def wanted(config: dict[str, bytes], names: list[str]) -> list[str]:
    """The files of a site among many names: Markdown first, and not more than anybody waits for."""
    folder = layout.folder_of(config)
    inside = [name for name in names if folder == "." or name.startswith(f"{folder}/")]
    inside = inside or [name for name in names if name.lower() in layout.ALONE]
    pages = [name for name in inside if name.lower().endswith(MARKDOWN)]
    if len(pages) > MOST:
        raise NoDocs(f"There are more than {MOST} pages: name a folder further down.")
    pictures = [name for name in inside if name not in set(pages) and name not in config]
    return [*pages, *pictures[: MOST - len(pages)]]
