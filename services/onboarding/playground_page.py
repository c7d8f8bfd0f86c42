"""The playground: a blueprint as text, its form, and everything that comes of both. Nothing of it is kept.

What is typed is evaluated by the engine that evaluates every form, under bounds for its size and for the time
that all of it together may take.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from django.http import QueryDict

from portal.shell import code
from services.accounts.models import User
from services.manifests import guardrails
from services.manifests.emit import ManifestError, dump, load_all
from services.manifests.expressions import within
from services.manifests.guardrails import PolicyError
from services.onboarding import blueprints as engine
from services.onboarding import drawing, form_page, forms, queries
from services.onboarding.blueprints.parts import entries
from services.onboarding.blueprints.rehearsing import computed_for

SECONDS: Final = 3.0
AT_ONCE: Final = 1.5  # seconds of requests played again in one answer
LONGEST: Final = engine.MOST_CHARACTERS
FILE: Final = "file:"
GUARDRAIL: Final = "guardrail.yaml"
FORM: Final = "blueprint.yaml"
ALLOWED: Final = re.compile(r"blueprint\.yaml|guardrail\.yaml|manifests/[a-z0-9][a-z0-9.-]{0,60}\.yaml")
_PLACE: Final = re.compile(r"((?:manifests/)?[a-z0-9.-]+\.yaml)(?::(\d+))?(?::\d+)?: (.*)", re.DOTALL)
_EXPRESSION: Final = re.compile(r"in expression: (.+)", re.DOTALL)
_STARTER: Final = {
    FORM: "apiVersion: slipway.dev/v1\nkind: Blueprint\n",
    GUARDRAIL: "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n",
}


@dataclass(frozen=True)
class Problem:
    """A mistake of whoever writes the blueprint; `line` 0 where it is of the whole file."""

    file: str
    line: int
    message: str


class PlaygroundPage:
    def __init__(self, user: User) -> None:
        self.user = user
        self.texts: dict[str, str] = {}
        self.data: QueryDict = QueryDict(mutable=True)
        self.answers: dict[str, Any] = {}
        self.seen: set[str] | None = set()
        self.problems: list[Problem] = []
        self.blueprint: engine.Blueprint | None = None
        self.guardrails: Any = None
        self.evaluation: engine.Evaluation | None = None
        self.values: list[tuple[str, str]] = []

    # What is in the page

    def open(self, blueprint: str, guardrail: str) -> None:
        """As it is shipped, or in the company's folder; with the answers of its first case."""
        found = queries.blueprints().get(blueprint)
        if found is not None and isinstance(found.folder, Path):
            self.texts = engine.texts_of(found.folder)
            self.answers = _first_case(found.folder)
        if guardrail in _policies():
            self.texts[GUARDRAIL] = _policies()[guardrail].read_text()

    def read(self, data: QueryDict) -> None:
        """Take over what was posted; the pressed button may add a file or take one away."""
        self.data = data
        sent = {key.removeprefix(FILE): str(data[key]) for key in data if key.startswith(FILE)}
        self.texts = {
            path: text.replace("\r\n", "\n")[: LONGEST + 1]
            for path, text in sent.items()
            if ALLOWED.fullmatch(path) and path != data.get("_without")
        }
        if wanted := data.get("_new", "").strip() if "_with" in data else "":
            self._add(
                wanted if wanted in _STARTER or wanted.startswith("manifests/") else f"manifests/{wanted}"
            )
        self.seen = forms.seen_fields(data)

    def _add(self, path: str) -> None:
        if not ALLOWED.fullmatch(path):
            said = "is no name for a file here: write manifests/service.yaml, in small letters"
            self.problems.append(Problem(path[:80], 0, said))
        elif path not in self.texts:
            self.texts[path] = _STARTER.get(path, "# Why this object exists.\n")

    # What comes of it

    def load(self) -> None:
        """Reads blueprint and guardrail; what is wrong with them is said with file and line."""
        texts = {path: text for path, text in self.texts.items() if path != GUARDRAIL}
        try:
            engine.sketch(self.texts)
            self.blueprint = engine.load(engine.sketch(texts))
        except engine.TooMuch as error:
            self.problems.append(Problem("", 0, str(error)))
        except engine.BlueprintError as error:
            self.problems.append(Problem(error.file, error.line, error.message))
        if GUARDRAIL in self.texts and self.blueprint is not None:
            try:
                self.guardrails = queries.guardrails_with([(GUARDRAIL, self.texts[GUARDRAIL])])
            except PolicyError as error:
                self.problems.append(self._located(str(error), GUARDRAIL))

    def work(self) -> None:
        """Evaluates it for this person in this company, as if the repository were empty."""
        with within(SECONDS):
            self.load()
            if self.blueprint is None:
                return
            known = queries.blueprints()
            if self.data:
                self.answers = forms.read_answers(self.blueprint, self.data, known)
            context = queries.context_for(self.user)
            context = replace(context, existing=lambda path: None, guardrails=self.guardrails)
            self.evaluation = engine.evaluate(self.blueprint, self.answers, context, known)
            self.values = [
                (name, dump([some]) if some else "")
                for name, some in computed_for(self.blueprint, self.answers, context)
            ]
        self.problems += [
            self._located(error.message, FORM)
            for error in self.evaluation.errors
            if error.rule == "blueprint"
        ]

    def _located(self, message: str, file: str) -> Problem:
        """By the place in the message, else by the expression it speaks of."""
        if (found := _PLACE.fullmatch(message)) and found[1] in self.texts:
            file, line, message = found[1], int(found[2] or 0), found[3]
            if line:
                return Problem(file, line, message)
        if expression := _EXPRESSION.search(message):
            first = expression[1].strip().splitlines()[0][:60]
            lines = self.texts.get(file, "").splitlines()
            return Problem(file, next((at for at, text in enumerate(lines, 1) if first in text), 0), message)
        return Problem(file, 0, message)

    # What the page shows

    @property
    def shape(self) -> str:
        """Changes with every word of the blueprint, and with its parts: then the form is drawn anew."""
        return " ".join([self.blueprint.digest, *entries(self.answers)]) if self.blueprint else ""

    @property
    def redraws(self) -> bool:
        return self.blueprint is not None and self.data.get("_shape") != self.shape

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Answers that no form shows just now, so that they come back with it."""
        if self.blueprint is not None:
            return []
        return [
            (key, value) for key, values in self.data.lists() for value in values
            if not key.startswith((FILE, "_", "csrf"))
        ][: forms.MOST_VALUES]  # fmt: skip

    def context(self) -> dict[str, Any]:
        order = sorted(self.texts, key=lambda path: (path != FORM, path == GUARDRAIL, path))
        wrong = {each.file for each in self.problems}
        return {
            "page": self,
            "sources": [(path, self.texts[path], path in wrong or path == FORM) for path in order],
            "blueprints": sorted(queries.blueprints().values(), key=lambda each: each.title),
            "policies": sorted(_policies()),
            "seen": ",".join(sorted(self.seen or ())),
            **(self._result() if self.evaluation and self.blueprint else {}),
        }

    def _result(self) -> dict[str, Any]:
        assert self.evaluation is not None
        assert self.blueprint is not None
        found = self.evaluation
        findings = drawing.about_answers(found)
        files = drawing.files(found.diffs, findings)
        file = drawing.chosen(files, self.data.getlist("_show")[-1] if "_show" in self.data else "")
        view = "diff" if self.data.getlist("_view")[-1:] == ["diff"] else "whole"
        seen = None if self.seen is None else self.seen | set(self.answers)
        return {
            "sections": drawing.sections(found, seen),
            "parts": drawing.parts(found, seen, lambda each: str(form_page.cost(each)["text"])),
            "wires": drawing.wires(found),
            "joinable": [each for each in queries.blueprints().values() if each.joining is not None],
            "guards": drawing.guards(findings),
            "files": files,
            "tree": drawing.tree(files),
            "file": file,
            "view": view,
            "view_diff": view == "diff",
            "whole": code.whole(found.files.get(file.path, ""), file.hits) if file else "",
            "repo": "the repository",
            "cost": form_page.cost(found.cost),
            "approvals": form_page.approvals(found.approvals),
            "to_do": drawing.to_do(found, findings),
        }


def _first_case(folder: Path) -> dict[str, Any]:
    """Answers to begin with."""
    try:
        found = load_all((folder / "tests/minimal.yaml").read_bytes())
    except (OSError, ManifestError):
        return {}
    said = found[0].data.get("answers") if found and isinstance(found[0].data, dict) else None
    return said if isinstance(said, dict) else {}


def _policies() -> dict[str, Path]:
    """The shipped guardrails that are a policy of their own, by name."""
    return {path.stem: path for path in guardrails.FOLDER.glob("*.yaml")}
