"""Keeping docs: asked for when an import was applied, read by a worker, written when they changed."""

import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from services.catalog.docs import places, reading, remote
from services.catalog.docs.layout import NoDocs, Site, lay_out
from services.catalog.docs.models import DocFile, DocPage, DocTree
from services.catalog.docs.places import ANNOTATION
from services.catalog.models import Entity, ImportRun, Source
from services.effects import crashpoints
from services.effects.actions import enqueue
from services.effects.models import Effect
from services.integrations.errors import IntegrationError
from services.integrations.organisations import RateLimited

EFFECT = "catalog.read_docs"
BUDGET = 45.0  # seconds of one reading before it makes room for others
crashpoints.declare_commit("catalog.docs")


def ask(run: ImportRun, by: Any) -> None:
    """Have the docs of a run's entities read, when there are any; inside the action's transaction."""
    if any(_wants(item) for item in run.payload) or _kept(run.source).exists():
        enqueue(kind=EFFECT, key=str(run.pk), payload={"source": run.source_id}, subject=run, by=by)


def ask_again(source: Source) -> None:
    """Have the docs read when anything in a source changed: Markdown may have, where no descriptor did."""
    if _documented(source).exists() or _kept(source).exists():
        waiting = Effect.objects.filter(kind=EFFECT, state=Effect.State.DUE, payload__source=source.pk)
        if not waiting.exists():
            enqueue(kind=EFFECT, key=uuid4().hex, payload={"source": source.pk}, subject=source)


def _kept(source: Source) -> QuerySet[DocTree]:
    return DocTree.objects.filter(entity__source=source)


def _documented(source: Source) -> QuerySet[Entity]:
    return Entity.objects.filter(source=source, metadata__annotations__has_key=ANNOTATION)


def _wants(item: dict[str, Any]) -> bool:
    metadata = item["descriptor"].get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and ANNOTATION in annotations


class NotFinished(Exception):
    """Time is up; what was read is kept, and the next reading goes on from there."""


def read_source(source: Source) -> dict[str, int]:
    """Read the docs of every entity of a source that has some. What cannot be read keeps its last version.

    Raises NotFinished when there is more than fits in one go, and what a git host may get over by itself.
    """
    counted, trouble = {"read": 0, "unchanged": 0, "refused": 0}, list[IntegrationError]()
    wanted, end = _documented(source).select_related("source"), time.monotonic() + BUDGET
    with remote.Hosts() as hosts:
        for entity in wanted.iterator(chunk_size=200):
            if time.monotonic() > end:
                raise NotFinished
            try:
                counted["read" if _read(entity, hosts) else "unchanged"] += 1
            except NoDocs as reason:
                counted["refused"] += 1
                _refuse(entity, str(reason))
            except IntegrationError as error:
                trouble.append(error)
                _refuse(entity, f"{error} It is tried again.")
                if isinstance(error, RateLimited):
                    break
    if trouble:
        raise trouble[0]
    _kept(source).exclude(entity__in=wanted.values("pk")).delete()
    return counted


def _refuse(entity: Entity, problem: str) -> None:
    told = {"problem": problem, "read_at": timezone.now()}
    DocTree.objects.update_or_create(entity=entity, defaults=told)


def _read(entity: Entity, hosts: remote.Hosts) -> bool:
    """Whether the docs of one entity are new; a repository nobody pushed to is not asked again."""
    place = places.place_of(entity)
    if not place.repository:
        files, revision = reading.files_of(place.source, place.root)
        return store(entity, lay_out(files), revision)
    revision = hosts.mark(place, str(entity.annotations[ANNOTATION]))
    known = DocTree.objects.filter(entity=entity, revision=revision, problem="")
    if known.update(read_at=timezone.now()):
        return False
    return store(entity, lay_out(hosts.files_of(place)), revision)


@transaction.atomic
def store(entity: Entity, site: Site, revision: str) -> bool:
    """Replace the docs of an entity; False, and only the time written, when they are what they were."""
    tree, _ = DocTree.objects.select_for_update().get_or_create(entity=entity)
    digest = site.digest
    is_new = tree.digest != digest
    tree.problem, tree.revision, tree.read_at = "", revision, timezone.now()
    if is_new:
        tree.title, tree.nav, tree.notes, tree.digest = site.title, site.nav, site.notes, digest
        tree.pages.all().delete()
        tree.files.all().delete()
        DocPage.objects.bulk_create(_pages(tree, site))
        DocFile.objects.bulk_create(
            [DocFile(tree=tree, path=path, content=content) for path, content in site.pictures.items()],
            batch_size=20,
        )
    tree.save()
    crashpoints.around_commit("catalog.docs")
    return is_new


def _pages(tree: DocTree, site: Site) -> Iterable[DocPage]:
    """Pages in the order of the navigation; those it does not name come last."""
    named = {path: place for place, path in enumerate(_paths(site.nav))}
    ordered = sorted(site.pages, key=lambda page: named.get(page.path, len(named)))
    for position, page in enumerate(ordered):
        yield DocPage(tree=tree, path=page.path, title=page.title, text=page.text, position=position)


def _paths(nav: list[dict[str, Any]]) -> Iterable[str]:
    for one in nav:
        if "path" in one:
            yield one["path"]
        yield from _paths(one.get("children", []))
