"""Reading a blueprint's YAML piece by piece, so that every mistake names its file and line."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from services.manifests.emit import Document, ManifestError, load_all
from services.manifests.expressions import Expression, ExpressionError, compile_expression
from services.manifests.functions import text
from services.manifests.render import RenderError, Template, compile_template
from services.onboarding.blueprints.sketch import Folder

MISSING: Any = object()


class BlueprintError(ValueError):
    """A blueprint that cannot be used; `file` is relative to its folder, `line` counts from 1."""

    def __init__(self, message: str, file: str, line: int = 0) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.message = message
        self.file = file
        self.line = line


def read_documents(folder: Folder, name: str) -> list[Document]:
    try:
        return load_all((folder / name).read_bytes(), name)
    except ManifestError as error:
        raise BlueprintError(error.message, name, error.line) from error
    except OSError as error:
        raise BlueprintError(f"cannot be read: {error.strerror}", name) from error


def read_one(folder: Folder, name: str) -> Document:
    documents = read_documents(folder, name)
    if len(documents) != 1:
        raise BlueprintError(f"must hold one document, not {len(documents)}", name)
    return documents[0]


def template_of(tree: Any, file: str, line: int) -> Template:
    try:
        return compile_template(tree)
    except RenderError as error:
        raise BlueprintError(error.message, file, error.line or line) from error


class Piece:
    """A mapping at a place of a document. Whoever reads it calls `only` with every key it understands."""

    def __init__(self, document: Document, path: tuple[str | int, ...], data: Any) -> None:
        self.document = document
        self.path = path
        if not isinstance(data, dict):
            raise BlueprintError("must be a mapping", document.file, document.line_of(path))
        self.data = data

    def error(self, message: str, key: str = "") -> BlueprintError:
        place = (*self.path, key) if key else self.path
        return BlueprintError(message, self.document.file, self.document.line_of(place))

    def only(self, known: Sequence[str]) -> None:
        for key in self.data:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"
                raise self.error(f"{key} is not known{hint}", key)

    def get(self, key: str, kind: type | tuple[type, ...], default: Any = MISSING) -> Any:
        value = self.data.get(key, default)
        if value is MISSING:
            raise self.error(f"{key} is missing")
        if value is not default and (
            not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, (int, float)))
        ):
            names = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
            raise self.error(f"{key} must be {names}, not {type(value).__name__}", key)
        return value

    def text(self, key: str, default: Any = MISSING) -> str:
        return str(self.get(key, str, default))

    def piece(self, key: str) -> "Piece":
        return Piece(self.document, (*self.path, key), self.get(key, dict, {}))

    def pieces(self, key: str) -> "Iterator[Piece]":
        for at, item in enumerate(self.get(key, list, [])):
            yield Piece(self.document, (*self.path, key, at), item)

    def template(self, key: str, default: Any = MISSING) -> Template:
        """The value of a key as a template (`${{ … }}` inside)."""
        value = self.get(key, object, default)
        document = Document(0, self.document.line_of((*self.path, key)), value, file=self.document.file)
        return template_of(document, self.document.file, document.line)

    def tree(self, key: str) -> Template:
        """The same for a whole mapping, with the lines inside it."""
        prefix = (*self.path, key)
        inner = {
            path[len(prefix) :]: place
            for path, place in self.document.positions.items()
            if path[: len(prefix)] == prefix
        }
        line = self.document.line_of(prefix)
        document = Document(0, line, self.get(key, dict), inner, self.document.file)
        return template_of(document, self.document.file, line)

    def expression(self, key: str) -> Expression:
        try:
            return compile_expression(text(self.get(key, (str, bool, int))))
        except ExpressionError as error:
            raise self.error(str(error), key) from error

    def expression_or_none(self, key: str) -> Expression | None:
        return self.expression(key) if key in self.data else None

    def expressions(self, key: str) -> dict[str, Expression]:
        inner = self.piece(key)
        return {name: inner.expression(name) for name in inner.data}
