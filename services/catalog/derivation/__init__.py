"""Who talks to whom, found in a project's files. Pure: files in, edges out (`docs/dependencies.md`)."""

from collections.abc import Mapping

from services.catalog.derivation.dapr import add_components
from services.catalog.derivation.edges import Finder, kinds_of
from services.catalog.derivation.guard import noted
from services.catalog.derivation.model import Edge, Evidence, Note, System
from services.catalog.derivation.names import Names
from services.catalog.derivation.reading import Project

__all__ = ["Edge", "Evidence", "Note", "System", "derive"]


def derive(files: Mapping[str, bytes]) -> System:
    """The nodes and edges that one system's files show. Names in the result are names of workloads.

    Never fails: what cannot be read is in the notes, and so is an address that leads nowhere.
    """
    project = Project(files)
    workloads = project.read()
    add_components(project.cluster)
    names = Names.of(workloads, project.cluster.services)
    names.by_app = project.apps
    system = System(kinds_of(workloads), notes=project.notes)
    finder = Finder(names, system, frozenset(project.own_hosts))
    for workload in workloads:
        with noted(system.notes, workload.file, workload.line):
            finder.read(workload)
    finder.allow(project.cluster.policies, workloads)
    return finder.finish()
