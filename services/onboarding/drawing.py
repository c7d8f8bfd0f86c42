"""An evaluation as the form page draws it: fields in rows, guardrails in order, files as a tree."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.utils.safestring import SafeString

from portal.shell import code, pasted
from services.manifests.diff import FileDiff
from services.manifests.guardrails import shipped
from services.manifests.problems import Finding
from services.onboarding.blueprints import (
    Blueprint,
    Cost,
    Evaluation,
    FieldError,
    FieldState,
    Part,
    SectionState,
    fields_of,
)
from services.onboarding.exemptions import Exemption
from services.onboarding.forms import as_text

MOST_OFFERED = 400


def conflicts(found: Evaluation) -> list[dict[str, Any]]:
    """What people changed by hand and a newer version changes too, without what may be a secret."""
    return [
        {
            "id": number, "key": each.key, "file": each.file, "place": each.place, "taken": each.taken,
            **{name: pasted.masked(getattr(each, name)) for name in ("before", "here", "wanted")},
        }
        for number, each in enumerate(found.conflicts)
    ]  # fmt: skip


@dataclass(frozen=True)
class FieldView:
    """One field with the mistakes worth showing now: those of fields the person has been to."""

    state: FieldState
    errors: tuple[FieldError, ...]

    @property
    def filled_in(self) -> str:
        """What the page remembers having filled in itself, in the engine's spelling."""
        return as_text(self.state.value) if self.state.prefilled else ""

    @property
    def messages(self) -> list[str]:
        """Sentences begin with a capital, but a name stays as it was typed."""
        value = str(self.state.value or "\0")
        texts = [error.message for error in self.errors]
        return [text if text.startswith(value) else text[:1].upper() + text[1:] for text in texts]

    @property
    def fixes(self) -> list[tuple[str, str]]:
        """Label and changes of the nearest values that pass."""
        return [
            (f"Use {error.suggestion}", json.dumps({self.state.name: error.suggestion}))
            for error in self.errors
            if error.suggestion not in (None, "") and error.field in ("", self.state.name)
        ]

    @cached_property
    def rows(self) -> list[list[dict[str, Any]]]:
        """Cells of a list of rows, and one empty row to go on in."""
        values = [*(self.state.value or []), {}]
        return [
            [self._cell(row, column, at) for column in self.state.columns] for at, row in enumerate(values)
        ]

    def _cell(self, row: Any, column: Any, at: int) -> dict[str, Any]:
        return {
            "key": f"{self.state.name}.{at}.{column.name}",
            "id": f"{self.state.name}-{at}-{column.name}",
            "label": column.label,
            "value": row.get(column.name, "") if isinstance(row, dict) else "",
            "options": column.options or (self.state.options if column.source else ()),
            "widget": column.widget,
            "placeholder": column.placeholder,
        }

    @property
    def picked(self) -> list[tuple[str, str]]:
        """Value and label of what is chosen from a long list."""
        labels = {option.value: option.label for option in self.state.options}
        return [(value, labels.get(value, value)) for value in self.state.value or []]

    @property
    def offered(self) -> list[Any]:
        """What else there is to choose, as far as a page can hold it."""
        chosen = set(self.state.value or [])
        return [option for option in self.state.options if option.value not in chosen][:MOST_OFFERED]


@dataclass(frozen=True)
class SectionView:
    title: str
    hint: str
    groups: list[tuple[bool, list[FieldView]]]
    more: list[tuple[bool, list[FieldView]]]
    more_count: int


def sections(evaluation: Evaluation, seen: Collection[str] | None) -> list[SectionView]:
    """The main part's fields; half-width neighbours share a line. `seen` None shows all mistakes."""
    return [_section(section, seen) for section in evaluation.parts[0].sections]


def _section(section: SectionState, seen: Collection[str] | None) -> SectionView:
    views = [_field(state, seen) for state in section.fields]
    plain = [view for view in views if not view.state.expert]
    more = [view for view in views if view.state.expert]
    return SectionView(section.title, section.hint, _side_by_side(plain), _side_by_side(more), len(more))


def _side_by_side(views: list[FieldView]) -> list[tuple[bool, list[FieldView]]]:
    return [(wide, list(members)) for wide, members in groupby(views, key=lambda view: view.state.wide)]


def _field(state: FieldState, seen: Collection[str] | None) -> FieldView:
    shown = seen is None or state.name in seen
    return FieldView(state, tuple(state.errors) if shown else ())


@dataclass(frozen=True)
class WireView:
    """A connection as it is drawn; `names` are its variables, told in `brings`."""

    key: str
    says: str
    on: bool
    switch: FieldView | None
    names: list[FieldView]

    @property
    def brings(self) -> str:
        return ", ".join(str(view.state.value) for view in self.names if view.state.value)

    @property
    def wrong(self) -> bool:
        return any(view.errors for view in self.names)


@dataclass(frozen=True)
class PartView:
    """A part beside the main one: its fields behind one line that says what it is; `wrong` mistakes in it."""

    key: str
    blueprint: Blueprint
    name: str
    sections: list[SectionView]
    wrong: int
    cost: str

    @property
    def entry(self) -> str:
        return f"{self.key}:{self.blueprint.name}"

    @property
    def prefix(self) -> str:
        return f"{self.key}-"

    @property
    def is_there(self) -> bool:
        """Whether it came before: left out of a change it stays as it is."""
        groups = [group for section in self.sections for group in (*section.groups, *section.more)]
        return any(field.state.fixed for _, fields in groups for field in fields)


def parts(
    evaluation: Evaluation, seen: Collection[str] | None, priced: Callable[[Cost], str]
) -> list[PartView]:
    main, found = evaluation.parts[0], []
    unnamed = any(error.field == "name" for error in main.errors)
    for part in evaluation.parts[1:]:
        shown = [_section(section, seen) for section in part.sections]
        wrong = sum(bool(state.errors) for section in part.sections for state in section.fields)
        name = "" if unnamed or any(e.field == f"{part.key}-name" for e in part.errors) else part.name
        found.append(
            PartView(
                part.key, part.blueprint, name, shown, wrong, priced(part.cost) if part.cost.monthly else ""
            )
        )
    return found


def wires(evaluation: Evaluation) -> list[WireView]:
    return [
        WireView(
            wire.key,
            wire.says,
            wire.on,
            FieldView(wire.switch, ()) if wire.switch else None,
            [FieldView(state, state.errors) for state, _ in wire.names],
        )
        for part in evaluation.parts
        for wire in part.wires
    ]


def about_answers(evaluation: Evaluation) -> list[Finding]:
    """Findings about what the person said: where an answer is missing or wrong the files show an example."""
    rules = {finding.rule for finding in evaluation.findings}
    states = [state for section in evaluation.sections for state in section.fields]
    missing = {state.name for state in states if any(error.rule not in rules for error in state.errors)}
    fields = fields_of(Part(part.key, part.blueprint) for part in evaluation.parts)
    shown = [fields[name].example for name in missing]
    examples = [str(example) for example in shown if example is not None]
    return [
        finding
        for finding in evaluation.findings
        if not any(example in finding.message for example in examples)
        and not (finding.fix and missing & finding.fix.changes.keys())
    ]


@dataclass(frozen=True)
class GuardView:
    """`asked` is the exception that waits for a decision."""

    finding: Finding
    changes: str
    asked: Exemption | None = None

    @property
    def until(self) -> date | None:
        """The last day of the exception that silences it."""
        return date.fromisoformat(self.finding.excepted.until) if self.finding.excepted else None

    @property
    def query(self) -> str:
        """What an exception is asked for, as an address says it; empty where there can be none."""
        if self.finding.severity != "block" or self.finding.rule not in shipped().rules:
            return ""
        names = {"guardrail": self.finding.rule, "environment": self.finding.environment}
        return urlencode({**names, "object": self.finding.object})


def guards(findings: Iterable[Finding], asked: Iterable[Exemption] = ()) -> dict[str, list[GuardView]]:
    """Guardrails that block, that advise, that only inform, and that an exception silences.

    The same sentence once.
    """
    waiting = {(each.guardrail, each.environment, each.object): each for each in asked}
    once = {(each.rule, each.message, each.excepted is not None): each for each in findings}
    views: dict[str, list[GuardView]] = {"block": [], "warn": [], "info": [], "excepted": []}
    for each in once.values():
        changes = json.dumps(each.fix.changes) if each.fix else ""
        about = (each.rule, each.environment)
        view = GuardView(each, changes, waiting.get((*about, each.object)) or waiting.get((*about, "")))
        views["excepted" if each.excepted else each.severity].append(view)
    return views


@dataclass(frozen=True)
class FileView:
    """A file in the tree, and in the viewer when it is the chosen one."""

    path: str
    name: str
    folder: str
    status: str
    diff: FileDiff | None
    hits: tuple[int, ...]

    @property
    def letter(self) -> str:
        return {"added": "A", "changed": "M", "removed": "D"}.get(self.status, "")

    @property
    def tone(self) -> str:
        return {"added": "ok", "changed": "warn", "removed": "bad"}.get(self.status, "")

    @property
    def lines(self) -> SafeString:
        return code.lines(self.diff.lines if self.diff else (), self.hits)


def files(diffs: Iterable[FileDiff], findings: Iterable[Finding] = ()) -> list[FileView]:
    hits: dict[str, set[int]] = {}
    for finding in findings:
        if finding.severity == "block" and finding.line:
            hits.setdefault(finding.file, set()).add(finding.line)
    return [_file(diff, hits.get(diff.path, set())) for diff in diffs]


def _file(diff: FileDiff, hits: set[int]) -> FileView:
    folder, _, name = diff.path.rpartition("/")
    return FileView(diff.path, name.removesuffix(".yaml"), folder, diff.status, diff, tuple(sorted(hits)))


def unfolded(views: list[FileView], most: int = 3) -> set[str]:
    """The files a reviewer begins with: those a guardrail stops at, else those with most in them."""
    blocked = {view.path for view in views if view.hits}
    longest = sorted(views, key=lambda view: -(view.diff.additions if view.diff else 0))[:most]
    return blocked or {view.path for view in longest}


def chosen(views: list[FileView], wanted: str) -> FileView | None:
    """The file asked for, else one that a guardrail blocks, else the one with most in it."""
    by_path = {view.path: view for view in views}
    blocked = next((view for view in views if view.hits), None)
    longest = max(views, key=lambda view: view.diff.additions if view.diff else 0, default=None)
    return by_path.get(wanted) or blocked or longest


def tree(views: list[FileView]) -> list[tuple[str, list[FileView]]]:
    """Files by folder, folders shown by their last two parts."""
    ordered = sorted(views, key=lambda view: (view.folder, view.name))
    return [
        ("/".join(folder.split("/")[-2:]), list(members))
        for folder, members in groupby(ordered, key=lambda view: view.folder)
    ]


def to_do(evaluation: Evaluation, findings: Iterable[Finding]) -> str:
    """What stands between this form and its submission, in one line; empty when nothing does."""
    blocking = len([1 for finding in findings if finding.severity == "block"])
    missing = len([1 for error in evaluation.errors if error.rule == "required"])
    wrong = len(evaluation.errors) - missing
    parts = [
        _count(missing, "answer is missing", "answers are missing"),
        _count(wrong, "answer does not pass", "answers do not pass"),
        _count(blocking, "guardrail blocks", "guardrails block"),
    ]
    return ", ".join(part for part in parts if part)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
