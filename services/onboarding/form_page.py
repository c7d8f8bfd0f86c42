"""Everything the form page shows, for the first drawing and for each live evaluation."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.http import QueryDict

from portal.shell import code, pasted
from services.accounts.models import Team, User
from services.integrations.errors import IntegrationError
from services.onboarding import actions, asking, drawing, forms, queries
from services.onboarding.blueprints import ApprovalNeed, Blueprint, Cost, Evaluation
from services.onboarding.models import Request, State

CURRENCIES = {"EUR": "€", "USD": "$", "GBP": "£"}


class FormPage:
    """One form of one person. `seen` None shows every mistake; else only those in fields already left."""

    def __init__(self, user: User, blueprint: Blueprint, row: Request | None, post_url: str) -> None:
        self.user, self.blueprint, self.row, self.post_url = user, blueprint, row, post_url
        self.token = ""
        self.opened_at: datetime | None = None
        self.generation: int | None = row.generation if row else 0
        self.answers: dict[str, Any] = {}
        self.seen: set[str] | None = set()
        self.wanted_file, self.view = "", "diff"
        self.draft: Request | None = row
        self.unkept: Request | None = None
        self.refused = False
        self.apart: Sequence[queries.Standing] = ()  # environments whose images differ from the answer
        self.silent = False  # the git host does not answer
        self.moved = False  # a part came or went
        self.added = ""
        self.had_wires: set[str] = set()
        self.evaluation: Evaluation

    def read(self, data: QueryDict) -> None:
        """Take over what was posted."""
        self.token, self.opened_at = forms.token_of(data), forms.opened_at(data)
        self.generation, self.seen = forms.generation_of(data), forms.seen_fields(data)
        self.wanted_file = data.get("_show", "") if "_show" not in data else data.getlist("_show")[-1]
        self.view = "whole" if data.getlist("_view")[-1:] == ["whole"] else "diff"
        self.answers = forms.read_answers(self.blueprint, data, queries.blueprints())
        self.had_wires = forms.wires_in(data)
        self.moved = "_add_part" in data or "_drop_part" in data
        self.added = data.get("_add_part", "")

    def save(self) -> None:
        """Keep what is typed. An untouched form keeps nothing."""
        if not self.answers and self.row is None:
            return
        self.draft = actions.save_draft(
            by=self.user,
            blueprint=self.blueprint.name,
            answers=self.answers,
            token=self.token,
            request=self.row,
            opened_at=self.opened_at,
        )

    def evaluate(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        about: dict[str, Any] = {"user": self.user, "request": self.draft or self.row or self.unkept}
        try:
            self.evaluation = queries.evaluate(self.blueprint.name, answers, **about)
        except IntegrationError:
            self.silent = True
            self.evaluation = queries.evaluate(self.blueprint.name, answers, alone=True, **about)

    def context(self) -> dict[str, Any]:
        found = self.evaluation
        findings = drawing.about_answers(found)
        wires = drawing.wires(found)
        files = drawing.files(found.diffs, findings)
        file = drawing.chosen(files, self.wanted_file)
        return {
            "page": self,
            "blueprint": self.blueprint,
            "request_row": self.row,
            "draft": self.draft if self.draft and self.draft.state == State.DRAFT else None,
            "heading": self.heading,
            "post_url": self.post_url,
            "token": self.token,
            "opened_at": self.opened_at.isoformat() if self.opened_at else "",
            "generation": self.generation,
            "seen": ",".join(sorted(self.seen or ())),
            "refused": self.refused,
            "sections": drawing.sections(found, self._shown()),
            "parts": drawing.parts(found, self._shown(), lambda each: str(cost(each)["text"])),
            "wires": wires,
            "rewired": self.had_wires != {name for wire in wires for name in _names(wire)},
            "joinable": queries.joinable,
            "guards": drawing.guards(findings, queries.asked_for(found.entity_refs) if found.blocked else ()),
            "exception_of": (self.draft or self.row or Request()).ref if self.draft or self.row else "",
            "to_do": drawing.to_do(found, findings),
            "files": files,
            "tree": drawing.tree(files),
            "file": file,
            "view": self.view,
            "view_diff": self.view == "diff",
            "whole": code.whole(found.files.get(file.path, ""), file.hits) if file else "",
            "news": self.news,
            "conflicts": drawing.conflicts(found),
            "repo": queries.place_of(self.row or Request())[1],
            "cost": cost(found.cost),
            "approvals": approvals(found.approvals),
        }

    def _shown(self) -> set[str] | None:
        """Fields whose mistakes are shown: those left before, and those answered."""
        return None if self.seen is None else self.seen | set(self.answers)

    @property
    def changed(self) -> Request | None:
        """The change of something that runs already, kept or not yet."""
        row = self.row or self.unkept
        return row if row is not None and row.is_change else None

    @property
    def adopted(self) -> dict[str, Any]:
        """Of what no form made: what is kept beside the answers, without what may be a secret."""
        found = self.changed.adopted if self.changed is not None else {}
        kept: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for file, obj, path, value in found.get("kept", ()):
            kept.setdefault((obj, file), []).append((path, pasted.masked(value)))
        count = sum(map(len, kept.values())) + found.get("more", 0)
        return {"kept": kept, "count": count, "more": found["more"]} if found else {}

    @property
    def news(self) -> dict[str, Any]:
        """Of an upgrade: what was released since, and what it asks and moves."""
        return queries.news_of(self.changed) if self.changed is not None and self.changed.is_upgrade else {}

    @property
    def heading(self) -> str:
        if self.changed is not None:
            return f"{'Upgrade' if self.changed.is_upgrade else 'Change'} {self.changed.entity_name}"
        if self.row is not None and self.row.submitted_at:
            return f"Change {self.row.ref}"
        return f"New {self.blueprint.noun}"


def _names(wire: drawing.WireView) -> list[str]:
    fields = [*wire.names, wire.switch] if wire.switch else wire.names
    return [field.state.name for field in fields]


def cost(found: Cost) -> dict[str, Any]:
    """The monthly sum in two sizes, and its lines."""
    sign = CURRENCIES.get(found.currency, found.currency)
    whole, cents = f"{found.monthly:,.2f}".split(".")
    return {
        "text": f"{sign} {found.monthly:,.2f}",
        "whole": f"{sign} {whole}",
        "cents": f".{cents}",
        "lines": [(label, f"{sign} {amount:,.2f}") for label, amount in found.lines],
    }


def approvals(needs: Iterable[ApprovalNeed]) -> list[dict[str, Any]]:
    """Who must say yes, as people read it."""
    needs = list(needs)
    teams = Team.objects.in_bulk([need.team for need in needs], field_name="slug")
    names = {slug: team.name for slug, team in teams.items()}
    return [
        {
            "who": asking.who(asdict(need), names),
            "reason": need.reason,
            "avatar": teams.get(need.team) or need.team or need.who[0],
        }
        for need in needs
    ]
