"""What a company says of bringing images to environments: where no review is needed, what may differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from services.manifests import pointers
from services.manifests.expressions import Expression, ExpressionError
from services.onboarding.blueprints.source import Piece, read_one


@dataclass(frozen=True)
class May:
    """A place in which environments may differ; of every kind where `kind` is empty."""

    kind: str
    pattern: tuple[str | int, ...]
    why: str

    def covers(self, kind: str, path: tuple[str | int, ...]) -> bool:
        """The place itself, and everything below it."""
        if self.kind not in ("", kind) or len(path) < len(self.pattern):
            return False
        return all(want in ("*", here) for want, here in zip(self.pattern, path, strict=False))


@dataclass(frozen=True)
class Promotion:
    automatic: Expression
    differs: tuple[May, ...]

    def is_automatic(self, environment: Mapping[str, Any]) -> bool:
        """What cannot be judged waits for a review."""
        try:
            return self.automatic.evaluate({"environment": environment}) is True
        except ExpressionError:
            return False

    def why(self, kind: str, path: tuple[str | int, ...]) -> str:
        """Why this may differ; empty where it is unexpected."""
        return next((each.why for each in self.differs if each.covers(kind, path)), "")


@cache
def of_company(path: Path) -> Promotion:
    """The file of `kind: Promotion`, read once a process; BlueprintError names its mistake."""
    top = Piece(document := read_one(path.parent, path.name), (), document.data)
    top.only(("apiVersion", "kind", "automatic", "differs"))
    if top.text("kind") != "Promotion" or top.text("apiVersion") != "slipway.dev/v1":
        raise top.error("must be apiVersion slipway.dev/v1, kind Promotion", "kind")
    return Promotion(top.expression("automatic"), tuple(_may(each) for each in top.pieces("differs")))


def _may(piece: Piece) -> May:
    piece.only(("kind", "path", "why"))
    try:
        pattern = pointers.parse(piece.text("path").replace("[*]", '["*"]'))
    except ValueError as error:
        raise piece.error(str(error), "path") from error
    return May(piece.text("kind", ""), pattern, piece.text("why"))
