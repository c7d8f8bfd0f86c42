"""Who has to say yes, and how many: rules of a blueprint, and those of the company over every blueprint."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from services.manifests.expressions import ExpressionError, Scope
from services.onboarding.blueprints.model import ApprovalNeed, ApprovalRule, Context
from services.onboarding.blueprints.source import Piece, read_one

if TYPE_CHECKING:
    from services.onboarding.blueprints.parts import Part
    from services.onboarding.blueprints.tree import Tree

WORDS = ("lead", "member", "owner", "platform", "security")
OF_A_TEAM = ("lead", "member")
MOST = 9


def read(piece: Piece) -> ApprovalRule:
    """One rule of a list `approvals`; BlueprintError names what is wrong with it."""
    piece.only(("key", "when", "who", "team", "count", "reason"))
    said = piece.get("who", (str, list))
    who = (said,) if isinstance(said, str) else tuple(said)
    if not who or not all(isinstance(word, str) and word in WORDS for word in who):
        raise piece.error(f"who must be {', '.join(WORDS[:-1])} or {WORDS[-1]}, or a list of them", "who")
    if "team" not in piece.data and set(who) & set(OF_A_TEAM):
        raise piece.error("team is missing: a lead or member of which team?")
    return ApprovalRule(
        piece.text("key"),
        piece.expression("when"),
        who,
        piece.template("team", ""),
        piece.template("reason"),
        piece.expression_or_none("count"),
    )


@cache
def of_company(path: Path) -> tuple[ApprovalRule, ...]:
    """The rules in a file of `kind: Approvals`, read once a process; BlueprintError names its mistake."""
    top = Piece(document := read_one(path.parent, path.name), (), document.data)
    top.only(("apiVersion", "kind", "approvals"))
    if top.text("kind") != "Approvals" or top.text("apiVersion") != "slipway.dev/v1":
        raise top.error("must be apiVersion slipway.dev/v1, kind Approvals", "kind")
    return tuple(read(piece) for piece in top.pieces("approvals"))


def united(parts: "Sequence[tuple[Part, Tree]]", context: Context) -> tuple[ApprovalNeed, ...]:
    """What all parts ask for: the same people for the same once, others under a key of the part's own."""
    found: dict[str, ApprovalNeed] = {}
    for part, tree in parts:
        for need in needs((*part.blueprint.approvals, *context.approvals), tree.scope):
            other = found.get(need.key)
            if other is None:
                found[need.key] = need
            elif (other.who, other.team, other.count) != (need.who, need.team, need.count):
                found[part.outer(need.key)] = replace(need, key=part.outer(need.key))
    return tuple(found.values())


def needs(rules: tuple[ApprovalRule, ...], scope: Scope) -> Iterator[ApprovalNeed]:
    """What is to be asked for; of two rules with one key the first that holds counts."""
    keys = set()
    for rule in rules:
        if rule.key not in keys and rule.when.evaluate(scope) is True:
            keys.add(rule.key)
            reason, team = str(rule.reason.render(scope)), str(rule.team.render(scope))
            yield ApprovalNeed(rule.key, rule.who, reason, team, _count(rule, scope))


def _count(rule: ApprovalRule, scope: Scope) -> int:
    count = rule.count.evaluate(scope) if rule.count else 1
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST:
        raise ExpressionError(
            f"count of {rule.key} must be a number from 1 to {MOST}, not {count!r}", "count"
        )
    return count
