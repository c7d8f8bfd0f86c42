"""No expression may take long, whatever its author and its data are like: what could is refused before."""

import contextlib
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.manifests import cost
from services.manifests.expressions import ExpressionError, Scope, compile_expression, evaluate

SECONDS = 0.4  # a tenth is what the bounds are made for; other processes take their share of the caches
MANY = int(os.environ.get("SLIPWAY_EXAMPLES", "150"))

# Each is quick for small data, and without bounds takes seconds or all memory for larger ones.
GROWING = [
    "l.map(x, x)",
    "l.map(x, l)",
    "l.map(x, o)",
    "l.map(x, [l, l, l])",
    "l.map(x, {'a': o, 'b': o})",
    "l.map(x, l.map(y, x + y)).size()",
    "l.map(x, l.filter(y, y == x)).size()",
    "l.all(x, l.all(y, x == x || y == y))",
    "l.all(x, l.exists(y, l == l))",
    "l.all(x, o.a.b.c == 1)",
    "l.all(x, o == o)",
    "l.filter(x, o.a.b == o.a.b).size() > 0",
    "(l + l + l).map(x, x)",
    "size(l" + " + l" * 200 + ")",
    "[" + "l, " * 500 + "l]",
    "size(s" + " + s" * 200 + ")",
    "s.split('').map(x, x + 'a').size()",
    "l.map(x, s.split('')).size()",
    "l.all(x, size(split(s, '')) > 0)",
    "l.all(x, sort(l).size() > 0)",
    "l.all(x, l.sort().size() > 0)",
    "l.all(x, digest(o) != '')",
    "l.all(x, s.contains('nowhere') || true)",
    "l.all(x, s.matches('(a|b|ab)*c') || true)",
    "l.all(x, (s + s).size() > 0)",
    "d.all(x, x.a.b.all(y, y == x.a.c || true))",
    "d.map(x, x.a.b.map(y, x)).size()",
    "d.filter(x, x.a.b.exists(y, l.size() > y))",
    "flatten(d.map(x, x.a.b)).size()",
    "l.all(x, '%s %s'.format([x, o]) != '')",
    "l.map(x, merge(o, o)).size()",
    "[l, l, l, l].map(x, x.map(y, l)).size()",
    "(true ? l : [1]).map(x, (true ? l : [1])).size()",
    "l.map(x, {x: l})",
]


def data(size):
    return {
        "l": list(range(size)),
        "o": {f"k{n}": n for n in range(size)} | {"a": {"b": {"c": 1, "l": list(range(size))}}},
        "s": "ab" * (size * 10),
        "d": [
            {"a": {"b": list(range(size // 10)), "c": n}} for n in range(min(size, 4_000_000 // size // size))
        ],
    }


def spent(source, scope):
    """Seconds of the processor, or nothing where it is refused."""
    started = time.thread_time()
    with contextlib.suppress(ExpressionError):
        evaluate(source, scope)
    return time.thread_time() - started


@pytest.mark.parametrize("size", [10, 40, 120, 400, 1_500, 15_000])
def test_however_much_data_there_is_the_answer_or_the_refusal_comes_soon(size):
    scope = Scope(data(size))
    slow = {source: round(took, 3) for source in GROWING if (took := spent(source, scope)) > SECONDS}
    assert slow == {}


def test_all_of_them_are_refused_at_some_size():
    scope = Scope(data(15_000) | {"d": data(400)["d"] * 20})
    accepted = [each for each in GROWING if compile_expression(each).shape.cost(scope.sizes) <= cost.MAX_COST]
    assert accepted == []


@pytest.mark.parametrize(
    "source",
    [
        "pod.containers.filter(c, !has(c.image) || c.image.endsWith(':latest')).size() == 0",
        "pod.containers.all(c, c.env.all(e, !e.name.matches(pattern) || e.value == ''))",
        "pod.containers.filter(c, c.env.exists(e, e.value == c.name)).map(c, c.name)",
        "pod.containers.map(c, c.name + ': ' + c.image)",
        "pod.containers.all(c, registries.split(',').exists(r, c.image.startsWith(r + '/')))",
        "size(pod.volumes) < 9 && pod.containers.all(c, c.volumeMounts.all(m, m.name in names))",
    ],
)
def test_what_people_ask_of_large_pods_is_answered(source):
    env = [{"name": f"VARIABLE_{n}", "value": f"value {n}"} for n in range(60)]
    mounts = [{"name": f"v{n}", "mountPath": f"/{n}"} for n in range(8)]
    containers = [
        {"name": f"c{n}", "image": f"r.example/c{n}:1", "env": env, "volumeMounts": mounts} for n in range(5)
    ]
    variables = {
        "pod": {"containers": containers, "volumes": mounts},
        "pattern": "(?i)(password|token)$",
        "registries": "r.example,s.example",
        "names": [f"v{n}" for n in range(8)],
    }
    assert evaluate(source, variables) not in (None, False)


names = st.sampled_from(["l", "o", "s", "d", "n", "x", "y", "missing"])
atoms = st.one_of(
    names,
    st.sampled_from(["1", "-1", "0", "1.5", "true", "null", "'a'", "''", "[]", "{}", "9223372036854775807"]),
    st.sampled_from(["b'\\xff'", "'\\u00e9'", "[[[]]]", "{'a': [1]}", "type(1)", "duration('1h')"]),
)


def compound(inner):
    pair = st.tuples(inner, inner)
    functions = ["size", "string", "int", "sort", "flatten", "digest", "quantity", "text", "has", "distinct"]
    methods = ["size", "split", "contains", "matches", "replace", "format", "join", "get", "substring"]
    return st.one_of(
        pair.flatmap(
            lambda p: st.sampled_from(["+", "-", "*", "/", "%", "==", "in", "&&", "||", "<"]).map(
                lambda op: f"({p[0]} {op} {p[1]})"
            )
        ),
        st.tuples(inner, st.sampled_from(["all", "exists", "exists_one", "map", "filter"]), names, inner).map(
            lambda p: f"{p[0]}.{p[1]}({p[2]}, {p[3]})"
        ),
        st.tuples(st.sampled_from(functions), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, st.sampled_from(methods), st.lists(inner, max_size=2)).map(
            lambda p: f"{p[0]}.{p[1]}({', '.join(p[2])})"
        ),
        st.tuples(inner, st.sampled_from(["a", "b", "k1", "nothing"])).map(lambda p: f"{p[0]}.{p[1]}"),
        pair.map(lambda p: f"{p[0]}[{p[1]}]"),
        st.lists(inner, max_size=4).map(lambda p: f"[{', '.join(p)}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} ? {p[1]} : {p[2]})"),
    )


EXPRESSIONS = st.recursive(atoms, compound, max_leaves=12)
SCOPES = [Scope(data(size) | {"n": None}) for size in (3, 60, 600)]


@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(EXPRESSIONS | st.text("()[]{}.,+-'\"\\ lsox1&|?:\0\n", max_size=40))
def test_made_up_expressions_end_soon_in_a_value_or_an_expression_error(source):
    for scope in SCOPES:
        assert spent(source, scope) < SECONDS


BAD = [
    "(" * 100_000 + "1" + ")" * 100_000,
    "[" * 100_000,
    "!" * 5_000 + "true",
    "-" * 5_000 + "1",
    "a" + ".a" * 2_900,
    "a" + "[0]" * 1_900,
    "1" + "+1" * 2_900,
    "true" + " ? true : true" * 400,
    "'" * 5_999,
    '"""' * 1_999,
    "\0",
    "\ud800",
    "\u202e1",
    "1 / 0",
    "1 % 0",
    "9223372036854775807 + 1",
    "-9223372036854775808 - 1",
    "9223372036854775807 * 2",
    "99999999999999999999999999",
    "1e999999",
    "0x",
    "''.substring(-1)",
    "'é'.substring(1, 0)",
    "'a'.charAt(99)",
    "[1][-1]",
    "[1][9223372036854775807]",
    "{}.a.b.c",
    "{'a': 1, 'a': 2}",
    "{[1]: 2}",
    "timestamp('never')",
    "timestamp('9999-12-31T23:59:59Z') + duration('999999999h')",
    "duration('999999999999999999h')",
    "timestamp('2024-01-01T00:00:00Z').getFullYear('Nowhere/At_All')",
    "int('9' + '9')  + int(1e300)",
    "uint(-1)",
    "b'\\xff' + 'a'",
    "string(b'\\xff')",
    "'%d'.format(['x'])",
    "'%.99f'.format([1.5])",
    "'%s'.format('abc')",
    "matches('a', '(')",
    "[3, 'a', null].sort()",
    "flatten([[[[1]]]])",
    "object.x",
    "dyn(1).a",
    "has(1)",
    "size(null)",
    "[].map(1, 2)",
    "l.map()",
    "cel.bind(x, 1, x)",
    "google.protobuf.Struct{}",
    "Struct{a: 1}",
]


@pytest.mark.parametrize("source", BAD, ids=range(len(BAD)))
def test_bad_expressions_end_soon_in_a_value_or_an_expression_error(source):
    scope = Scope({"l": [1], "a": {"a": 1}})
    assert spent(source, scope) < SECONDS
