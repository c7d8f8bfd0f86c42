"""API definitions as pages show them: text in, a tree of groups, operations and schemas out. Pure.

Every limit is in `tree` and `documents`; what cannot be read raises `Broken`, with the line where it breaks.
"""

from functools import lru_cache

from services.catalog.definitions import asyncapi, graphql, openapi, proto
from services.catalog.definitions.documents import check_size, load
from services.catalog.definitions.tree import Broken, Definition

__all__ = ["LANGUAGES", "Broken", "Definition", "read"]
LANGUAGES = {
    "openapi": "OpenAPI", "swagger": "OpenAPI", "asyncapi": "AsyncAPI", "graphql": "GraphQL", "grpc": "gRPC",
    "proto": "gRPC", "protobuf": "gRPC",
}  # fmt: skip


@lru_cache(maxsize=4)
def read(kind: str, text: str) -> Definition | None:
    """What a definition says; `kind` is the `spec.type` of its entity. None for a language not read here.

    Refuses (`Broken`) what is too large, too deep, or not written in that language.
    """
    check_size(text)
    language = LANGUAGES.get(kind.strip().lower())
    if language == "GraphQL":
        return graphql.draw(text)
    if language == "gRPC":
        return proto.draw(text)
    if language is None:
        return _guessed(text)
    root = load(text)
    if openapi.is_openapi(root):
        return openapi.draw(root)
    if asyncapi.is_asyncapi(root):
        return asyncapi.draw(root)
    raise Broken(
        f"it has neither {'openapi nor swagger' if language == 'OpenAPI' else 'asyncapi'} in its root", 1
    )


def _guessed(text: str) -> Definition | None:
    """A definition of unknown type that says itself what it is."""
    if not any(word in text[:2000] for word in ("openapi", "swagger", "asyncapi")):
        return None
    try:
        root = load(text)
    except Broken:
        return None
    if openapi.is_openapi(root):
        return openapi.draw(root)
    return asyncapi.draw(root) if asyncapi.is_asyncapi(root) else None
