"""Compose files, from version 1 to the Compose Specification: services with what they are told."""

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from services.catalog.derivation.commands import of_arguments
from services.catalog.derivation.expansion import expand
from services.catalog.derivation.model import COMPOSE, Hint, Json, Setting, Workload
from services.catalog.derivation.texts import assignments, settings_in
from services.catalog.derivation.trees import Line, listed, mapping, merged, plain, text
from services.catalog.derivation.vocabulary import COMPOSE_KEYS
from services.catalog.descriptors.reading import Document, Path

FILE_NAME = re.compile(r"(^|[-_.])(docker-?)?(compose|stack)[\w.-]*\.ya?ml\Z", re.IGNORECASE)
PORT = re.compile(r"[0-9]{1,5}")
LINKED, ORDERED = 0.8, 0.55
MAX_EXTENDS = 10
MAX_MOUNTED = 100


def services_of(file: str, data: Any) -> dict[str, Json]:
    """The services of a compose file by name; nothing when it is none."""
    is_other = PurePosixPath(file).name.lower().startswith(("values", "kustomization"))
    if is_other or not isinstance(data, dict) or ("apiVersion" in data and "kind" in data):
        return {}
    found = data.get("services") if "services" in data or "version" in data else data
    if found is data and not FILE_NAME.search(PurePosixPath(file).name):
        return {}
    named = {str(k): v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}
    telling = [name for name, service in named.items() if COMPOSE_KEYS.intersection(service)]
    return named if telling else {}


@dataclass
class Stack:
    """The compose files of one folder: one network of names."""

    folder: str
    files: Mapping[str, bytes]
    workloads: dict[str, Workload] = field(default_factory=dict)
    seen: dict[tuple[str, str], Json] = field(default_factory=dict)

    def near(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.folder, path))

    def variables(self) -> dict[str, str]:
        content = self.files.get(self.near(".env"), b"").decode(errors="replace")
        return {key: value for key, value, _ in assignments(content)}


def take(stack: Stack, file: str, document: Document, others: Mapping[str, Json]) -> None:
    """Read one compose file into the stack; a service that another file of the folder has is added to."""
    data = merged(document.data)
    base = ("services",) if "services" in document.data else ()
    for name, service in services_of(file, data).items():
        stack.seen[file, name] = service
    variables = stack.variables()
    for name, service in services_of(file, data).items():
        whole = _extended(stack, file, name, others)
        workload = stack.workloads.get(name)
        if workload is None:
            line = document.line_of((*base, name))
            workload = Workload(name, COMPOSE + stack.folder, file, line, "compose")
            stack.workloads[name] = workload
        reader = _Reader(stack, file, document.line_of, (*base, name), variables, document.lines, service)
        reader.read(workload, {**service, **whole}, configs=mapping(data, "configs"))


def _extended(stack: Stack, file: str, name: str, others: Mapping[str, Json]) -> Json:
    """A service over what it extends, in this file or another."""
    chain: list[Json] = []
    for _ in range(MAX_EXTENDS):
        service = mapping(others.get(file, {}), name) or stack.seen.get((file, name), {})
        chain.append(service)
        extends = service.get("extends")
        if not extends:
            break
        name = plain(extends) or text(extends, "service")
        file = stack.near(text(extends, "file")) if text(extends, "file") else file
    whole: Json = {}
    for service in reversed(chain):
        environment = {**_environment(whole), **_environment(service)}
        whole = {**whole, **service, "environment": environment}
    return whole


def _environment(service: Json) -> dict[str, str]:
    """The environment of a service, from a list or a mapping."""
    given = service.get("environment")
    if isinstance(given, dict):
        return {str(key): plain(value) for key, value in given.items()}
    pairs = (
        (plain(each).partition("=") for each in given or [] if plain(each)) if isinstance(given, list) else ()
    )
    return {key.strip(): value for key, _, value in pairs}


@dataclass
class _Reader:
    """Reads one service of one file."""

    stack: Stack
    file: str
    line: Line
    path: tuple[str, ...]
    variables: Mapping[str, str]
    own: Mapping[Path, int]
    written: Json

    def read(self, workload: Workload, service: Json, configs: Json) -> None:
        if image := self._full(text(service, "image")):
            workload.images.append(image)
        self._names(workload, service)
        self._ports(workload, service)
        workload.hints += [*self._links(workload, service), *self._order(service)]
        workload.settings += [*self._env_files(service), *self._variables(workload, service)]
        workload.env |= {each.key: each.value for each in workload.settings if each.kind == "value"}
        workload.settings += [
            *self._arguments(service),
            *self._mounted(service),
            *self._configs(service, configs),
        ]
        workload.roots += self._roots(service)

    def _full(self, value: str) -> str:
        return expand(value, self.variables)

    def _names(self, workload: Workload, service: Json) -> None:
        given = {text(service, "container_name"), text(service, "hostname")}
        networks = service.get("networks")
        for network in (networks if isinstance(networks, dict) else {}).values():
            given |= {plain(alias) for alias in listed(network, "aliases")}
        workload.aliases |= {self._full(name).lower() for name in given if name}

    def _ports(self, workload: Workload, service: Json) -> None:
        for each in [*listed(service, "ports"), *listed(service, "expose")]:
            told = text(each, "target") or plain(each)
            last = told.partition("/")[0].rpartition(":")[2]
            if PORT.fullmatch(last):
                workload.ports.add(int(last))

    def _links(self, workload: Workload, service: Json) -> list[Hint]:
        found = []
        for number, link in enumerate(listed(service, "links")):
            name, _, alias = plain(link).partition(":")
            line = self.line((*self.path, "links", number))
            if alias:
                workload.nicknames[alias.lower()] = name
            found.append(Hint("links", name, self.file, line, LINKED, plain(link)))
        return found

    def _order(self, service: Json) -> list[Hint]:
        """Start order; a job that must be over before is nothing one talks to."""
        given = service.get("depends_on")
        names = (
            given
            if isinstance(given, dict)
            else {plain(n): {} for n in given or []}
            if isinstance(given, list)
            else {}
        )
        return [
            Hint("depends_on", str(name), self.file, self._order_line(given, str(name)), ORDERED, str(name))
            for name, how in names.items()
            if text(how, "condition") != "service_completed_successfully"
            and text(service, "network_mode") != f"service:{name}"
        ]

    def _order_line(self, given: Any, name: str) -> int:
        place: Any = given.index(name) if isinstance(given, list) and name in given else name
        return self.line((*self.path, "depends_on", place))

    def _variables(self, workload: Workload, service: Json) -> list[Setting]:
        places: dict[str, Path] = {
            plain(each).partition("=")[0].strip(): (*self.path, "environment", number)
            for number, each in enumerate(listed(self.written, "environment"))
        }
        found = []
        for key, value in _environment(service).items():
            path: Path = places.get(key, (*self.path, "environment", key))
            told = self._full(value or self.variables.get(key, ""))
            block = "" if path in self.own else f"{self.file}&"
            found.append(Setting(key, told, self.file, self.line(path), block=block))
        return found

    def _env_files(self, service: Json) -> list[Setting]:
        given = service.get("env_file")
        names = given if isinstance(given, list) else [given]
        found = []
        for name in names:
            path = self.stack.near(self._full(plain(name) or text(name, "path")))
            content = self.stack.files.get(path, b"").decode(errors="replace")
            for key, value, line in assignments(content):
                found.append(Setting(key, self._full(value), path, line, 0.9, block=path))
        return found

    def _arguments(self, service: Json) -> list[Setting]:
        found = []
        for field_name in ("entrypoint", "command"):
            given = service.get(field_name)
            words = [plain(each) for each in given] if isinstance(given, list) else _split(plain(given))
            for place, key, argument in of_arguments(words):
                line = self.line((*self.path, field_name, place))
                kind: Any = "value" if key else "words"
                found.append(Setting(key, self._full(argument), self.file, line, 0.9, kind))
        return found

    def _mounted(self, service: Json) -> list[Setting]:
        """Configuration files of the project that a service gets to see."""
        found: list[Setting] = []
        for each in listed(service, "volumes"):
            source = text(each, "source") or self._full(plain(each)).partition(":")[0]
            if source.startswith((".", "/")) and source not in (".", "./", "/", ".."):
                found += self._file_or_folder(
                    self.stack.near(source.lstrip("/") if source[0] == "/" else source)
                )
        return found

    def _file_or_folder(self, path: str) -> list[Setting]:
        inside = [name for name in self.stack.files if name == path or name.startswith(path + "/")]
        found: list[Setting] = []
        for name in sorted(inside)[:MAX_MOUNTED]:
            content = self.stack.files[name].decode(errors="replace")
            found += [replace(each, block=name) for each in settings_in(name, content, file=name, trust=0.85)]
        return found

    def _configs(self, service: Json, configs: Json) -> list[Setting]:
        found: list[Setting] = []
        for each in listed(service, "configs"):
            config = mapping(configs, text(each, "source") or plain(each))
            if text(config, "file"):
                found += self._file_or_folder(self.stack.near(text(config, "file")))
        return found

    def _roots(self, service: Json) -> list[str]:
        """The folders whose files are the service's own: where it is built."""
        build = service.get("build")
        context = plain(build) or text(build, "context")
        if not context:
            return []
        folder = self.stack.near(self._full(context))
        dockerfile = self._full(text(build, "dockerfile"))
        if "/" in dockerfile:
            return [posixpath.normpath(posixpath.join(folder, posixpath.dirname(dockerfile)))]
        return [folder]


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
