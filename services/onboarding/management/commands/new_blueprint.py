"""Begin a blueprint: `manage.py new_blueprint NAME [--in DIR] [--crd FILE | --cluster NAME --kind KIND]`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.clusters import queries as clusters
from services.clusters.models import Cluster
from services.integrations.errors import IntegrationError
from services.manifests.emit import ManifestError, load_all
from services.onboarding.blueprints import crd, scaffold

CRDS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


class Command(EngineCommand):
    help = "Write a blueprint that works, with its test cases; of any kind of a cluster, if one is named."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--in", dest="parent", type=Path, help="the folder it goes into")
        parser.add_argument(
            "--crd", type=Path, metavar="FILE", help="a CustomResourceDefinition to make a form of"
        )
        parser.add_argument("--cluster", help="the cluster to read it from instead")
        parser.add_argument("--kind", default="", help="which of several, by its kind")

    def run(self, **options: Any) -> dict[str, Any]:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", options["name"]):
            raise Unusable("a name has lower-case letters, digits and hyphens")
        folder = _parent(options["parent"]) / options["name"]
        kind = _kind(options)
        try:
            files = scaffold.write(folder, kind)
        except scaffold.AlreadyThere as error:
            raise Unusable(str(error)) from error
        return {"folder": str(folder), "files": files, "left_out": kind.left_out if kind else []}

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return False

    def text(self, document: dict[str, Any]) -> str:
        lines = [f"{document['folder']} has {len(document['files'])} files"]
        lines += [
            f"no form can ask for spec.{place}: add it to the manifest" for place in document["left_out"]
        ]
        return "\n".join([*lines, f"next: manage.py test_blueprints {document['folder']}"])


def _parent(said: Path | None) -> Path:
    if said is None and not settings.BLUEPRINT_FOLDERS:
        raise Unusable("say where with --in, or name your folder of blueprints in SLIPWAY_BLUEPRINTS")
    return said or Path(settings.BLUEPRINT_FOLDERS[0])


def _kind(options: Mapping[str, Any]) -> crd.Kind | None:
    if not options["crd"] and not options["cluster"]:
        return None
    found = list(_from_file(options["crd"]) if options["crd"] else _from_cluster(options["cluster"]))
    wanted = [each for each in found if options["kind"] in ("", each["spec"]["names"]["kind"])]
    if len(wanted) != 1:
        names = ", ".join(sorted(each["spec"]["names"]["kind"] for each in found))
        raise Unusable(f"say with --kind which one: {names}" if found else "there is no definition")
    try:
        return crd.kind_of(wanted[0])
    except crd.NoForm as error:
        raise Unusable(str(error)) from error


def _from_file(path: Path) -> Iterator[dict[str, Any]]:
    try:
        documents = load_all(path.read_bytes(), str(path))
    except (OSError, ManifestError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error
    yield from (
        each.data for each in documents if isinstance(each.data, dict) and each.data.get("kind") == CRDS[1]
    )


def _from_cluster(name: str) -> Iterator[dict[str, Any]]:
    cluster = Cluster.objects.filter(name=name).first()
    if cluster is None:
        raise Unusable(f"there is no cluster {name}")
    try:
        with clusters.client_for(cluster) as client:
            yield from client.list(*CRDS).items
    except IntegrationError as error:
        raise Unusable(f"{cluster} does not say: {error}") from error
