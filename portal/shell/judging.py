"""What programs send, judged by a closed schema: all that is wrong at once, with the nearest name."""

import difflib
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any, Final

from portal.shell.api import ApiError, Mistake
from portal.shell.schemas import Schema

MOST_TOLD: Final = 20
WRONG: Final = 422


class Judge:
    """One schema, read once. Its words never repeat what was sent: that may be a secret."""

    def __init__(self, schema: Schema) -> None:
        from jsonschema_rs import Draft202012Validator  # only where programs ask

        self.schema, self._check = schema, Draft202012Validator(schema, mask="it")

    def judge(self, given: dict[str, Any], where: str) -> None:
        """Refuses with all that is wrong in `given`, which stands in the address or in the body."""
        try:
            found = [one for error in self._check.iter_errors(given) for one in self._told(error)]
        except ValueError as error:  # nested deeper than anybody means
            raise ApiError(f"{where} is nested too deep.") from error
        if found:
            first = found[0]
            near = f" Did you mean {first.suggestion}?" if first.suggestion else ""
            raise ApiError(f"{where}: {first.field} {first.detail}.{near}", WRONG, found[:MOST_TOLD])

    def _told(self, error: Any) -> Iterator[Mistake]:
        """One error of the schema as what people can act on; unknown fields one by one."""
        place, kind, rule = ".".join(map(str, error.instance_path))[:200], error.kind, error.kind.name
        if rule == "additionalProperties":
            inside: Any = reduce(_step, error.schema_path[:-1], self.schema)
            for name in kind.unexpected:
                yield Mistake(
                    _in(place, name), "unknown", "is not known here", nearest(name, inside["properties"])
                )
        elif rule == "required":
            yield Mistake(_in(place, kind.property), rule, "must be given")
        else:
            near = nearest(error.instance, kind.options) if rule == "enum" else ""
            yield Mistake(place, rule, str(error.message).removeprefix("it ")[:500], near)


def _step(inside: Any, key: Any) -> Any:
    return inside[key]


def _in(place: str, name: str) -> str:
    return f"{place}.{name[:100]}".lstrip(".")


def nearest(said: Any, known: Iterable[Any]) -> str:
    """The known word that this may have been meant to be."""
    names = [str(one) for one in known]
    return next(iter(difflib.get_close_matches(str(said)[:100], names, 1, 0.5)), "")
