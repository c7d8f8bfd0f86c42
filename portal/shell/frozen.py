"""Querysets whose statement is made once in a process: making a large one takes longer than its answer.

`Frozen(make)` calls `make` with marks instead of values, once, and keeps the statement it gives. What is
asked for then takes the places of the marks. So `make` may use its arguments as they are, in lookups that
pass them on, and nothing else that differs from one request to the next, such as the time or who asks.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from psycopg.types.json import Jsonb

M = TypeVar("M", bound=Model)
NEVER = datetime(1001, 1, 1, tzinfo=UTC)


class Frozen(Generic[M]):
    """`examples` name the arguments of `make` and show by a value what each is: a text, a number, a time, or
    a list of texts for `any_of` and within JSON."""

    def __init__(self, make: "Callable[..., QuerySet[M, Any]]", **examples: Any) -> None:
        self._make, self._lock = make, Lock()
        self._kept: Any = None
        self._marks = {name: _mark(at, value) for at, (name, value) in enumerate(examples.items())}

    def __call__(self, **values: Any) -> list[M]:
        """The rows, read now."""
        rows, compiler, statement, params = self._froze()
        filled = self._filled(params, values)
        its = copy.copy(compiler)
        its.connection = connections[DEFAULT_DB_ALIAS]
        its.as_sql = lambda *args, **kwargs: (statement, filled)
        asked = rows.all()
        asked.query.get_compiler = lambda *args, **kwargs: its
        return list(asked)

    def _filled(self, params: Any, values: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self._value(each, values) for each in params)

    def _value(self, param: Any, values: dict[str, Any]) -> Any:
        """What stands in the place of a mark, plain or within JSON; all else stays."""
        for name, mark in self._marks.items():
            if _plain(param) == mark:
                return Jsonb(values[name], param.dumps) if isinstance(param, Jsonb) else values[name]
        return param

    def _froze(self) -> Any:
        """The queryset, what made its statement, the statement and its values with the marks among them."""
        with self._lock:
            if self._kept is None:
                rows: Any = self._make(**self._marks)
                compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
                statement, params = compiler.as_sql()
                plain = [*map(_plain, params)]
                unused = [name for name, mark in self._marks.items() if mark not in plain]
                assert not unused, f"{unused} do not stand as they are among the values of the statement"
                self._kept = rows, compiler, statement, params
            return self._kept


def _plain(param: Any) -> Any:
    return param.obj if isinstance(param, Jsonb) else param


@dataclass(frozen=True)
class Keys:
    """A statement that gives the keys of rows; nothing is asked yet."""

    statement: str
    params: tuple[Any, ...]


class Counted(Frozen[M]):
    """Rows that are only counted, by `portal.shell.counting` together with others."""

    def __init__(self, make: "Callable[..., QuerySet[M, Any]]", **examples: Any) -> None:
        super().__init__(lambda **marks: make(**marks).order_by().values_list("pk"), **examples)

    def of(self, **values: Any) -> Keys:
        _, _, statement, params = self._froze()
        return Keys(statement, self._filled(params, values))


def _mark(at: int, example: Any) -> Any:
    """A value that no question has; one that says so where it is shown."""
    if isinstance(example, datetime):
        return NEVER + timedelta(days=at)
    if isinstance(example, int):
        return -(2**40) - at
    text = f"\x02frozen {at}\x03"
    return [text] if isinstance(example, list) else text
