"""Configuration files that no manifest mounts: whose they are, told by where they lie or what they say."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from services.catalog.derivation.guard import noted
from services.catalog.derivation.model import Note, Setting, Workload
from services.catalog.derivation.texts import settings_in

TRUST = 0.75
MAX_SIZE = 512 * 1024
TREES = re.compile(r"\.(ya?ml|json)\Z", re.IGNORECASE)
TELLING = re.compile(
    r"application|bootstrap|appsettings|config|settings|default|environment|nginx|haproxy|envoy|gateway|ocelot|prometheus"
    r"|routes|traefik|krakend|kong|values|otel|collector|datasource",
    re.IGNORECASE,
)
TOOLS = re.compile(
    r"sonar|cypress|playwright|karma|jest|eslint|tslint|babel|webpack|vite|angular|launchsettings|gradle|maven|pyproject"
    r"|tox|setup\.cfg|pytest|mypy|nuget|global\.json|renovate|dependabot|release|openapi|swagger|package",
    re.IGNORECASE,
)
CONFIG = re.compile(
    r"\.(ya?ml|json|properties|toml|ini|conf|cfg|template|env[\w.-]*)\Z|^\.env|^Caddyfile|^Dockerfile", re.I
)
ASIDE = re.compile(
    r"(^|/)(tests?|__tests__|testdata|examples?|samples?|docs?|locales?|i18n|node_modules|vendor|fixtures|\.github"
    r"|\.gitlab|\.vscode|\.idea|templates?)(/|$)",
    re.IGNORECASE,
)
TAIL = re.compile(r"[-_.]?(service|svc|api|app|server|ms|microservice)\Z")
STEP = re.compile(r"^(?:ENV)\s+(.*)$", re.IGNORECASE)
PAIRS = re.compile(r"([A-Za-z_]\w*)=(\"[^\"]*\"|\S+)")
COMMON = re.compile(r"application[-\w]*\.(ya?ml|properties)\Z", re.IGNORECASE)
APPLICATION = ("spring.application.name", "quarkus.application.name", "micronaut.application.name")


def attribute(
    files: Mapping[str, bytes], taken: set[str], workloads: list[Workload], notes: list[Note]
) -> dict[str, str]:
    """Give loose files to the workloads they belong to. Returns application name -> workload name."""
    owners = _Owners(workloads)
    configs = [f for f in sorted(files) if f not in taken and _is_config(f, files[f], owners.by_name)]
    shared = _repositories(configs, owners)
    apps: dict[str, str] = {}
    for file in configs:
        rows: list[Setting] = []
        with noted(notes, file):
            rows = list(_settings(file, files[file].decode(errors="replace")))
        told = next(
            (row.value.lower() for row in rows if row.key in APPLICATION and "$" not in row.value), ""
        )
        for_all = shared.get(posixpath.dirname(file), []) if COMMON.match(PurePosixPath(file).name) else []
        mine = for_all or owners.of(file, told)
        if told and mine and not for_all:
            apps.setdefault(told, mine[0].name)
        for workload in mine:
            workload.settings += [replace(row, block=file) for row in rows] if for_all else rows
            workload.env = {**{row.key: row.value for row in rows if row.kind == "value"}, **workload.env}
    return apps


def _repositories(configs: list[str], owners: "_Owners") -> dict[str, list[Workload]]:
    """Folder -> the workloads it has a file for each; its `application.yml` is for all of them."""
    named: dict[str, dict[str, list[Workload]]] = defaultdict(dict)
    for file in configs:
        if name := owners.by_stem_of(file):
            named[posixpath.dirname(file)][name] = owners.by_name[name]
    return {
        folder: [w for listed in found.values() for w in listed]
        for folder, found in named.items()
        if len(found) > 1
    }


def _is_config(file: str, content: bytes, names: Collection[str]) -> bool:
    """Whether a file configures a program, rather than a tool or a test: by its place and name."""
    path = PurePosixPath(file)
    if len(content) > MAX_SIZE or ASIDE.search(posixpath.dirname(file)) or TOOLS.search(path.name):
        return False
    is_named = (
        bool(TELLING.search(path.stem)) or path.stem.lower() in names or path.stem.rpartition("-")[0] in names
    )
    return bool(CONFIG.search(path.name)) and (is_named or not TREES.search(path.name))


def _settings(file: str, content: str) -> Iterator[Setting]:
    if PurePosixPath(file).name.startswith("Dockerfile"):
        yield from _dockerfile(file, content)
    else:
        yield from settings_in(file, content, file=file, trust=TRUST)


def _dockerfile(file: str, content: str) -> Iterator[Setting]:
    """What an image sets by itself: only its environment."""
    for number, line in enumerate(content.splitlines(), 1):
        if match := STEP.match(line.strip()):
            told = PAIRS.findall(match[1]) or [match[1].partition(" ")[::2]]
            for key, value in told:
                yield Setting(key, value.strip().strip('"'), file, number, TRUST)


class _Owners:
    """Finds whose a file is: who it says it is, where it is built, whose name its path bears."""

    def __init__(self, workloads: list[Workload]) -> None:
        self.by_name: dict[str, list[Workload]] = defaultdict(list)
        self.by_stem: dict[str, set[str]] = defaultdict(set)
        self.by_root: dict[str, set[str]] = defaultdict(set)
        for workload in workloads:
            self.by_name[workload.name.lower()].append(workload)
            self.by_stem[_stem(workload.name)].add(workload.name.lower())
            for root in workload.roots:
                self.by_root[root].add(workload.name.lower())

    def of(self, file: str, told: str) -> list[Workload]:
        name = self._named(told) or self.by_stem_of(file) or self._built(file) or self._placed(file)
        return self.by_name.get(name, []) if name else []

    def _named(self, told: str) -> str:
        if not told:
            return ""
        if told in self.by_name:
            return told
        stems = self.by_stem.get(_stem(told), set())
        return next(iter(stems)) if len(stems) == 1 else ""

    def by_stem_of(self, file: str) -> str:
        """`orders.yml`, `orders-prod.yml`: a file that bears a workload's name."""
        stem = PurePosixPath(file).name.partition(".")[0].lower()
        while stem and stem not in self.by_name:
            stem = stem.rpartition("-")[0]
        return stem if len(stem) > 2 else ""

    def _built(self, file: str) -> str:
        """By the folder an image is built from; a folder that several are built from tells nothing."""
        folder = posixpath.dirname(file)
        while folder:
            names = self.by_root.get(folder, set())
            if names:
                return next(iter(names)) if len(names) == 1 else ""
            folder = posixpath.dirname(folder)
        return ""

    def _placed(self, file: str) -> str:
        parts = list(PurePosixPath(file).parts)
        parts[-1] = parts[-1].partition(".")[0]
        for part in reversed([part.lower() for part in parts if part]):
            if part in self.by_name:
                return part
            if end := next((each for each in _ends(part) if each in self.by_name and len(each) > 3), ""):
                return end
            stems = self.by_stem.get(_stem(part), set())
            if len(stems) == 1 and _stem(part):
                return next(iter(stems))
        return ""


def _ends(part: str) -> list[str]:
    """`clinic-owners-service` -> `owners-service`, `service`; the longest first."""
    words = part.split("-")
    return ["-".join(words[place:]) for place in range(1, min(len(words), 12))]


def _stem(name: str) -> str:
    """`orders-service`, `OrderService`, `orders` meet at one spelling."""
    low = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    return re.sub(r"[-_.]", "", TAIL.sub("", low))
