"""CEL, the one expression language of the product, bounded.

The library has no cost limit of its own and cannot be interrupted, so an expression is refused before it runs
when its text, its nesting, or the lists it is given could make it slow. One that still took too long
is an error too.
"""

import logging
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from services.manifests import cost, functions
from services.manifests.cel_engine import cel
from services.manifests.cost import Size, Sizes

MAX_LENGTH: Final = 6_000
MAX_NESTING: Final = 32
MAX_MACRO_DEPTH: Final = 2
LIGHT: Final = 100  # values: as few are converted anew each time they are asked for
MAX_SECONDS: Final = 1.0  # the bounds of `cost` are meant to keep it below a tenth

# The library reports every failing function there, with its arguments; our error says it once, without them.
logging.getLogger("cel").setLevel(logging.CRITICAL)


class ExpressionError(ValueError):
    """An expression that cannot be read or has no result. `line` and `column` count from 1 where known."""

    def __init__(self, message: str, source: str, line: int | None = None, column: int | None = None) -> None:
        where = f" (line {line}, column {column})" if line and column else ""
        super().__init__(f"{message}{where} in expression: {_shorten(source)}")
        self.message = message
        self.source = source
        self.line = line
        self.column = column


def _shorten(source: str) -> str:
    flat = " ".join(source.split())
    return flat if len(flat) <= 120 else flat[:117] + "..."


class Scope:
    """Variables checked and converted once, for many expressions; `extend` adds more of them."""

    def __init__(
        self, variables: Mapping[str, Any], known: Mapping[str, Size] = MappingProxyType({})
    ) -> None:
        """`known`: how large some of them are, where it is known."""
        self.variables = dict(variables)
        self.sizes = Sizes({name: known.get(name) or sized(value) for name, value in variables.items()})
        try:
            self.context = cel.Context(variables=self.variables, functions=functions.REGISTERED)
        except (ValueError, TypeError, OverflowError) as error:
            raise ExpressionError(f"a variable cannot be used in expressions: {error}", "") from error
        self._light: dict[str, Any] = {}
        self.context.set_variable_resolver(self._light.get)

    def narrowed(self, names: Iterable[str], extra: Mapping[str, Any]) -> "Scope":
        """A smaller scope of some of the variables and others beside them."""
        kept = {name: self.variables[name] for name in names if name in self.variables}
        return Scope({**kept, **extra})

    def extend(self, name: str, value: Any) -> None:
        """Set one more variable, in place of one of that name.

        Each change to the library's context makes it convert everything again at the next evaluation. What is
        quickly converted, as are most results, is therefore handed over when it is asked for; but for None,
        which to the library means that there is no such variable.
        """
        size = sized(value)
        if value is not None and size.nodes <= LIGHT and size.characters <= LIGHT * 10:
            self._lend(name, value, size)
            return
        self._light.pop(name, None)
        self.sizes.add(name, size)
        try:
            self.context.add_variable(name, value)
            self.variables[name] = value
        except (ValueError, TypeError, OverflowError) as error:
            raise ExpressionError(f"a variable cannot be used in expressions: {error}", "") from error

    def lend(self, name: str, value: Any) -> None:
        """Hand a part of the variables over again under a name, when an expression asks for it."""
        self._lend(name, value, sized(value))

    def _lend(self, name: str, value: Any, size: Size) -> None:
        self._light[name] = self.variables[name] = value
        self.sizes.add(name, size)

    def each(self, name: str, values: Iterable[Any]) -> "Iterator[Scope]":
        """This scope again and again, with one variable taking each of the values."""
        for value in values:
            self.extend(name, value)
            yield self


def sized(value: Any) -> Size:
    try:
        return cost.size(value)
    except cost.TooMuch as error:
        raise ExpressionError(str(error), "") from error


class Program:
    """A text that was put together from expressions, each of which keeps the bounds; the sum need not."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.program = _compile(source)

    def run(self, scope: Scope) -> Any:
        return run(self.program, scope.context, self.source)


_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Nothing is evaluated any more once so much time is over: for what many expressions of others cost."""
    token = _deadline.set(time.perf_counter() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class Expression:
    """A compiled expression; make it with `compile_expression`."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_LENGTH:
            raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters", source)
        self.source = source
        self.shape = cost.shape(source)
        if self.shape.nesting > MAX_NESTING:
            raise ExpressionError(f"brackets are nested more than {MAX_NESTING} deep", source)
        if self.shape.macros > MAX_MACRO_DEPTH:
            raise ExpressionError(f"macros (all, map, …) are nested more than {MAX_MACRO_DEPTH} deep", source)
        self.program = _compile(source)
        self.variables = frozenset(self.program.variables())
        self.functions = frozenset(self.program.functions())

    @property
    def portable(self) -> bool:
        """Whether Kubernetes' own admission policies can evaluate it as well."""
        return not self.functions & functions.OWN.keys()

    def evaluate(self, variables: "Mapping[str, Any] | Scope") -> Any:
        scope = variables if isinstance(variables, Scope) else Scope(variables)
        if self.shape.cost(scope.sizes) > cost.MAX_COST:
            raise ExpressionError("this would take too long for as much data", self.source)
        started = time.perf_counter()
        if started > _deadline.get():
            raise ExpressionError("all of this together takes too long", self.source)
        result = run(self.program, scope.context, self.source)
        if time.perf_counter() - started > MAX_SECONDS:
            raise ExpressionError("the evaluation took too long", self.source)
        return result


_PARSE_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")


_MATCHES = re.compile(rf"{cost.TEXT}|\b(?P<name>matches)(?=\s*\()", re.DOTALL)


def _with_kept_patterns(source: str) -> str:
    """`matches` as our own function, of the same length, which reads each pattern once, not at each use."""
    if "matches" not in source:
        return source
    return _MATCHES.sub(lambda match: functions.KEPT_MATCHES if match["name"] else match[0], source)


def _compile(source: str) -> cel.Program:
    try:
        return cel.compile(_with_kept_patterns(source))
    except ValueError as error:
        match = _PARSE_ERROR.search(str(error))
        if match is None:
            raise ExpressionError(str(error), source) from error
        message = re.sub(r" expecting \{.*", "", match[3])
        raise ExpressionError(message, source, int(match[1]), int(match[2])) from error
    except BaseException as error:
        raise _unless_panic(error, source) from error


def run(program: cel.Program, context: cel.Context, source: str) -> Any:
    """Execute; whatever the library throws becomes an `ExpressionError`."""
    try:
        return _plain(program.execute(context))
    except (KeyError, IndexError) as error:
        raise ExpressionError(_missing(error), source) from error
    except Exception as error:
        raise ExpressionError(_readable(str(error)), source) from error
    except BaseException as error:
        raise _unless_panic(error, source) from error


def _plain(result: Any) -> Any:
    if isinstance(result, cel.OptionalValue):
        return result.or_value(None)
    return result


def _unless_panic(error: BaseException, source: str) -> BaseException:
    """A panic of the native code arrives as a BaseException of a class that cannot be imported."""
    if type(error).__name__ == "PanicException":
        return ExpressionError(f"the evaluation failed inside the library: {error}", source)
    return error


def _missing(error: LookupError) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else str(error)


def _readable(message: str) -> str:
    message = re.sub(r"Function '(\w+)' error: Python function call failed: \w+: ", r"\1: ", message)
    message = message.removesuffix(" Check function arguments and their types.")
    undefined = re.match(r"Undefined variable or function: '([^']*)'", message)
    return f"unknown name or wrong arguments: {undefined[1]}" if undefined else message.rstrip(".")


@lru_cache(maxsize=4096)
def compile_expression(source: str) -> Expression:
    """Read an expression once; refuses what cannot be read or is too complicated, with `ExpressionError`."""
    return Expression(source)


def evaluate(source: str, variables: Mapping[str, Any] | Scope) -> Any:
    """The value of an expression. For many expressions over the same data, make a `Scope` first."""
    return compile_expression(source).evaluate(variables)


def holds(source: str, variables: Mapping[str, Any] | Scope) -> bool:
    """The same for conditions: anything but true or false is an error."""
    result = evaluate(source, variables)
    if not isinstance(result, bool):
        raise ExpressionError(f"must give true or false, gave {type(result).__name__}", source)
    return result
