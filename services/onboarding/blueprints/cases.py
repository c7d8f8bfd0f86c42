"""A blueprint's own test cases: answers in, what is expected out, whole files compared byte for byte.

`tests/context.yaml` describes the company of the cases; every other `tests/<case>.yaml` is a case, and the
folder `tests/<case>/`, where there is one, holds the files it must render.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from services.manifests import pointers
from services.manifests.emit import load_all
from services.onboarding.blueprints.evaluation import evaluate
from services.onboarding.blueprints.library import offered
from services.onboarding.blueprints.loader import load, shipped
from services.onboarding.blueprints.model import (
    Blueprint,
    Choice,
    Context,
    EnvironmentInfo,
    Evaluation,
    Person,
    TeamRef,
)
from services.onboarding.blueprints.parts import PLAN
from services.onboarding.blueprints.source import BlueprintError, Piece, read_one

EXPECT = (
    *(
        "blocked",
        "errors",
        "findings",
        "approvals",
        "cost",
        "files",
        "removed",
        "values",
        "answers",
        "prefilled",
    ),
    *("dependencies", "entity", "visible", "connections"),
)


@dataclass(frozen=True)
class CaseResult:
    blueprint: str
    case: str
    verdict: Literal["ok", "failed", "error"]
    diff: str = ""


def run_cases(folder: Path, update: bool = False) -> Iterator[CaseResult]:
    """Run every case of the blueprint in a folder; `update` writes the files rendered now as expected."""
    try:
        blueprint = load(folder)
    except BlueprintError as error:
        yield CaseResult(folder.name, "", "error", str(error))
        return
    names = sorted(path.stem for path in (folder / "tests").glob("*.yaml") if path.stem != "context")
    for name in names:
        yield _result(blueprint, name, update)


def _result(blueprint: Blueprint, name: str, update: bool) -> CaseResult:
    try:
        found = "\n".join(_differences(blueprint, name, update))
    except BlueprintError as error:
        return CaseResult(blueprint.name, name, "error", str(error))
    return CaseResult(blueprint.name, name, "failed" if found else "ok", found)


def _differences(blueprint: Blueprint, name: str, update: bool) -> Iterator[str]:
    case = _piece(blueprint, f"tests/{name}.yaml")
    case.only(("answers", "parts", "context", "request", "existing", "expect"))
    expect = case.piece("expect")
    expect.only(EXPECT)
    answers = {**case.get("answers", dict, {}), PLAN: case.get("parts", list, [])}
    result = evaluate(blueprint, answers, _context(blueprint, case), _beside(blueprint))
    for key, wanted in expect.data.items():
        yield from _difference(key, wanted, _actual(key, wanted, result))
    folder = _folder(blueprint) / "tests" / name
    if update and folder.is_dir():
        _write(folder, result)
    elif folder.is_dir():
        yield from _file_differences(folder, result)


def _folder(blueprint: Blueprint) -> Path:
    """Cases are on disk, and so is their blueprint."""
    assert isinstance(blueprint.folder, Path)
    return blueprint.folder


def _beside(blueprint: Blueprint) -> Mapping[str, Blueprint]:
    """What may come along: the shipped blueprints, and those in the folder this one is in."""
    return {**shipped(), **offered((_folder(blueprint).parent,)).blueprints}


def _piece(blueprint: Blueprint, file: str) -> Piece:
    document = read_one(blueprint.folder, file)
    return Piece(document, (), document.data)


def _context(blueprint: Blueprint, case: Piece) -> Context:
    shared = _shared(blueprint)
    known = {**shared, **case.get("context", dict, {})}
    user = known.get("user", {})
    existing = {path: text.encode() for path, text in case.get("existing", dict, {}).items()}
    return Context(
        user=Person(
            user.get("username", "somebody"),
            user.get("name", "Somebody"),
            [TeamRef(team["slug"], team["name"]) for team in user.get("teams", [])],
        ),
        environments=[EnvironmentInfo(**each) for each in known.get("environments", [])],
        taken=frozenset(known.get("taken", [])),
        systems=[Choice(value, value) for value in known.get("systems", [])],
        components=[Choice(value, value) for value in known.get("components", [])],
        services=[Choice(value, value) for value in known.get("services", [])],
        reserved=lambda kind: known.get("reserved", {}).get(kind, []),
        today=known.get("today", ""),
        existing=existing.get,
        request=case.text("request", ""),
    )


def _shared(blueprint: Blueprint) -> Mapping[str, Any]:
    """The company of the cases: the blueprint's own, else the one beside all blueprints of the folder."""
    for folder in (_folder(blueprint) / "tests", _folder(blueprint).parent):
        if (folder / "context.yaml").is_file():
            found: Mapping[str, Any] = read_one(folder, "context.yaml").data
            return found
    return {}


def _actual(key: str, wanted: Any, result: Evaluation) -> Any:
    if key in ("blocked", "entity"):
        return getattr(result, key)
    if key == "cost":
        return result.cost.monthly
    if key in ("answers", "values"):
        return _some(key, wanted, result)
    return sorted(_LISTS[key](result))


_LISTS: Mapping[str, Any] = {
    "errors": lambda result: [f"{error.field}: {error.rule}" for error in result.errors],
    "findings": lambda result: [f"{each.severity}: {each.rule}" for each in result.findings],
    "approvals": lambda result: [
        f"{each.key}: {' or '.join(each.who)} of {each.team}" for each in result.approvals
    ],
    "files": lambda result: result.files,
    "removed": lambda result: result.removed,
    "dependencies": lambda result: result.dependencies,
    "connections": lambda result: [wire.key for part in result.parts for wire in part.wires if wire.on],
    "prefilled": lambda result: [s.name for part in result.sections for s in part.fields if s.prefilled],
    "visible": lambda result: [s.name for part in result.sections for s in part.fields if s.visible],
}


def _some(key: str, wanted: Mapping[str, Any], result: Evaluation) -> dict[str, Any]:
    """Of answers, or of places in files (`<file>#<path>`), those that the case speaks of."""
    if key == "answers":
        return {name: result.answers.get(name) for name in wanted}
    return {place: _value_at(place, result) for place in wanted}


def _value_at(place: str, result: Evaluation) -> Any:
    suffix, _, path = place.partition("#")
    text = next((text for name, text in result.files.items() if name.endswith(suffix)), None)
    return "no such file" if text is None else pointers.find(load_all(text)[0].data, pointers.parse(path))


def _difference(key: str, wanted: Any, actual: Any) -> Iterator[str]:
    wanted = sorted(wanted) if isinstance(wanted, list) else wanted
    if wanted != actual:
        yield f"{key}: expected {wanted!r}\n{' ' * len(key)}  but it is {actual!r}"


def _file_differences(folder: Path, result: Evaluation) -> Iterator[str]:
    wanted = {path.relative_to(folder).as_posix(): path.read_text() for path in _files(folder)}
    for path in sorted({*wanted, *result.files}):
        before, after = _comparable(wanted.get(path, "")), _comparable(result.files.get(path, ""))
        lines = difflib.unified_diff(before, after, f"expected/{path}", f"rendered/{path}", lineterm="")
        yield from lines


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _comparable(text: str) -> list[str]:
    """Without digest and version of the blueprint, which change with every word of it."""
    lines = text.splitlines()
    if "kind: Answers" not in lines:
        return lines
    return [line for line in lines if not line.startswith(("  digest: ", "  version: "))]


def _write(folder: Path, result: Evaluation) -> None:
    for path in _files(folder):
        path.unlink()
    for name, text in result.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
