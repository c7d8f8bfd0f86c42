"""Every function that expressions know beyond CEL's own; CEL reads `x.f(y)` as `f(x, y)`: both styles work.

`KUBERNETES` are those that Kubernetes' admission policies know too (an expression using only these can be
exported); `OWN` exist only here.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema_rs

from services.manifests import dates, networks, quantities
from services.manifests.cel_engine import stdlib

MAX_RESULT = 20_000  # elements of a list, and ten times that many characters, that a function may return
MAX_PATTERN = 1_000  # characters of a regular expression
Function = Callable[..., Any]


class TooLarge(ValueError):
    """A function's result would be larger than an expression may handle."""


def quantity(value: Any) -> float:
    return float(quantities.parse(value))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else quantity(value)


def is_less_than(left: Any, right: Any) -> bool:
    return _number(left) < _number(right)


def is_greater_than(left: Any, right: Any) -> bool:
    return _number(left) > _number(right)


def compare_to(left: Any, right: Any) -> int:
    return (_number(left) > _number(right)) - (_number(left) < _number(right))


def as_integer(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)


def add(left: Any, right: Any) -> float:
    return _number(left) + _number(right)


def sub(left: Any, right: Any) -> float:
    return _number(left) - _number(right)


def sign(value: Any) -> int:
    return compare_to(value, 0)


_VERB = re.compile(r"%(?:\.(\d{1,2}))?([sdfxXboe%])")


def _verb(precision: str | None, verb: str, value: Any) -> str:
    if verb == "s":
        return text(value)
    if verb == "d":
        return str(int(value))
    if verb in "fe":
        return f"{float(value):.{precision or 6}{verb}}"
    return format(int(value), verb)


def format_(template: str, values: Sequence[Any]) -> str:
    """`"%s of %d".format([a, b])`; verbs s d f e x X b o and %%."""
    rest = list(values)

    def put(match: re.Match[str]) -> str:
        if match[2] == "%":
            return "%"
        if not rest:
            raise ValueError("format has more verbs than values")
        return _verb(match[1], match[2], rest.pop(0))

    result = _VERB.sub(put, template)
    if rest:
        raise ValueError("format has more values than verbs")
    return result


def text(value: Any) -> str:
    """A value as it appears inside a longer string: true, 3, 1.5, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def index_of(value: Any, item: Any, start: int = 0) -> int:
    if isinstance(value, str):
        return value.find(item, start)
    return next((position for position, each in enumerate(value) if each == item), -1)


def last_index_of(value: Any, item: Any) -> int:
    if isinstance(value, str):
        return value.rfind(item)
    return max((position for position, each in enumerate(value) if each == item), default=-1)


def is_sorted(values: Sequence[Any]) -> bool:
    return all(values[at] <= values[at + 1] for at in range(len(values) - 1))


def default(value: Any, fallback: Any) -> Any:
    """`value`, or `fallback` when it is null, empty text or an empty list."""
    return fallback if value is None or value in ("", [], {}) else value


def get(value: Any, path: str, fallback: Any = None) -> Any:
    """The value under a dotted path (`get(object, "spec.template", {})`), or the fallback; never an error."""
    for key in path.split("."):
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return fallback
    return value


def pluck(items: Sequence[Any], key: str) -> list[Any]:
    """The values of `key` in a list of maps, leaving out those without it."""
    return [item[key] for item in items if isinstance(item, Mapping) and key in item]


def merge(*maps: Mapping[str, Any]) -> dict[str, Any]:
    """One map of all given, later ones winning."""
    result: dict[str, Any] = {}
    for each in maps:
        result.update(each)
    return result


def slug(value: str) -> str:
    """Lower-case letters, digits and hyphens, as names of Kubernetes objects want them."""
    return re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")


def digest(value: Any) -> str:
    """Ten hexadecimal digits that change when the content does: for names of ConfigMaps."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]


def as_json(value: Any) -> str:
    """A value as JSON in one line, for tools that want theirs as text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def ceil(value: float) -> int:
    return int(stdlib.math_ceil(float(value)))


def floor(value: float) -> int:
    return int(stdlib.math_floor(float(value)))


_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_NAMED = re.compile(r"\\.|\[:(\^?\w*):\]", re.DOTALL)
# One that is not closed is taken whole: looking for its end from each of its brackets would take long.
_SET = re.compile(r"\\.|\[\^?\]?(?:\[:\^?\w*:\]|\\.|[^\]\\])*\]?", re.DOTALL)
_LINEAR = jsonschema_rs.RegexOptions(size_limit=2**20, dfa_size_limit=2**20)


def _named(match: re.Match[str]) -> str:
    """The content of a set for a named class, `^` before its name meaning all but these."""
    if match[1] is None:
        return match[0]
    known = _POSIX[match[1].removeprefix("^")]
    if not match[1].startswith("^"):
        return known
    others = (code for code in range(128) if not re.match(f"[{known}]", chr(code)))
    return "".join(f"\\x{code:02x}" for code in others) + "\x80-\U0010ffff"


@lru_cache(maxsize=1_024)
def _pattern(pattern: str) -> Callable[[str], bool]:
    """A regular expression as a schema: the one way at hand to keep it compiled, and never to backtrack."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern is longer than {MAX_PATTERN:,} characters")
    try:
        known = _SET.sub(lambda match: _NAMED.sub(_named, match[0]), pattern)
        validator = jsonschema_rs.Draft202012Validator({"pattern": known}, pattern_options=_LINEAR)
    except (jsonschema_rs.ValidationError, KeyError) as error:
        raise ValueError(f"{pattern!r} is not a valid regex") from error
    is_valid: Callable[[str], bool] = validator.is_valid
    return is_valid


def matches(value: Any, pattern: Any) -> bool:
    if not isinstance(value, str) or not isinstance(pattern, str):
        raise TypeError("matches needs two texts")
    return _pattern(pattern)(value)


KEPT_MATCHES = "matched"  # CEL's own `matches` compiles its pattern at each use: 0.2 ms
KUBERNETES: dict[str, Function] = {
    KEPT_MATCHES: matches,
    "quantity": quantity,
    "isQuantity": quantities.is_quantity,
    "isLessThan": is_less_than,
    "isGreaterThan": is_greater_than,
    "compareTo": compare_to,
    "asInteger": as_integer,
    "asApproximateFloat": _number,
    "add": add,
    "sub": sub,
    "sign": sign,
    "format": format_,
    "replace": stdlib.replace,
    "split": stdlib.split,
    "join": stdlib.join,
    "lowerAscii": stdlib.lower_ascii,
    "upperAscii": stdlib.upper_ascii,
    "trim": stdlib.trim,
    "charAt": stdlib.char_at,
    "substring": stdlib.substring,
    "indexOf": index_of,
    "lastIndexOf": last_index_of,
    "isSorted": is_sorted,
    "min": stdlib.min_,
    "max": stdlib.max_,
    "sum": stdlib.sum_,
}
OWN: dict[str, Function] = {
    "default": default,
    "get": get,
    "pluck": pluck,
    "merge": merge,
    "slug": slug,
    "text": text,
    "memory": quantities.memory,
    "cpu": quantities.cpu,
    "digest": digest,
    "json": as_json,
    "plusDays": dates.plus_days,
    "daysBetween": dates.days_between,
    "overlaps": networks.overlaps,
    "addresses": networks.addresses,
    "freeRange": networks.free_range,
    "ceil": ceil,
    "floor": floor,
    "distinct": stdlib.distinct,
    "flatten": stdlib.flatten,
    "sort": stdlib.sort,
}


def _bounded(function: Function) -> Function:
    def call(*args: Any) -> Any:
        result = function(*args)
        if isinstance(result, str) and len(result) > MAX_RESULT * 10:
            raise TooLarge("the result is too long")
        if isinstance(result, list | dict) and len(result) > MAX_RESULT:
            raise TooLarge("the result has too many elements")
        return result

    return call


REGISTERED: dict[str, Function] = {name: _bounded(function) for name, function in (KUBERNETES | OWN).items()}
