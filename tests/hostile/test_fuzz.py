"""Whatever may arrive at any address: bodies that break off, lie about their kind or are no text at all."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.hostile import doors
from tests.hostile.asking import THOROUGH, Asked

pytestmark = pytest.mark.django_db
EXAMPLES = 3000 if THOROUGH else 60
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not THOROUGH,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Co", "Cn"]), max_size=20),
    st.integers(-(10**40), 10**40).map(str),
    st.sampled_from(["\x00", "NaN", "1e999", "[" * 3000, '{"a":' * 3000, "../..", "%00", "'\"><", "{{7*7}}"]),
)
NAMES = st.sampled_from(
    [
        "name",
        "title",
        "body",
        "q",
        "to",
        "state",
        "_fix",
        "_token",
        "_intent",
        "_remove",
        "config.0.name",
        "config.99999.x",
        "kubeconfig",
        "uploads",
        "text",
        "location",
        "next",
        "tickets",
        "back",
        "tree_hash",
        "head",
        "key",
        "seen",
        "vis",
    ]
)
PAIRS = st.lists(st.tuples(NAMES, TEXT), max_size=6)


def encoded(pairs: list[tuple[str, str]]) -> bytes:
    """As a form sends it, halves of surrogates included."""
    texts = ((name, quote_from_bytes(value.encode("utf-8", "surrogatepass"))) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in texts).encode()


def parts(pairs: list[tuple[str, str]], cut: int) -> bytes:
    """As files, from a program that lies about names and sizes and may break off."""
    lines = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{value[:30]}"\r\n'
        "Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsD====\r\n"
        for name, value in pairs
    ]
    whole = "".join([*lines, "--x--\r\n"]).encode("utf-8", "surrogatepass")
    return whole[: max(0, len(whole) - cut)]


KINDS = [
    "application/json",
    "text/plain; charset=utf-7",
    "application/x-www-form-urlencoded; charset=nonsense",
    "multipart/form-data; boundary=" + "x" * 300,
    'multipart/form-data; boundary="\x01"',
    "",
]
MULTIPART = "multipart/form-data; boundary=x"
BODIES: Any = st.one_of(
    st.tuples(PAIRS.map(encoded), st.just("application/x-www-form-urlencoded")),
    st.tuples(st.builds(parts, PAIRS, st.integers(0, 60)), st.just(MULTIPART)),
    st.tuples(st.binary(max_size=200), st.sampled_from([MULTIPART, "application/x-www-form-urlencoded"])),
    st.tuples(
        PAIRS.map(encoded),
        st.sampled_from(KINDS),
    ),
    st.sampled_from(['{"a":' * 5000, "[" * 50_000, '{"a": NaN}', '"\\ud800"', "1" * 5000]).map(
        lambda text: (text.encode(), "application/json")
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "HX-Request",
            "HX-Current-URL",
            "HX-Target",
            "HX-Trigger",
            "HX-Prompt",
            "X-Request-ID",
            "Accept",
            "Accept-Language",
            "Referer",
            "Range",
            "If-None-Match",
            "If-Modified-Since",
            "X-Forwarded-For",
            "User-Agent",
        ]
    ),
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
    max_size=4,
)
Arrived = tuple[str, tuple[bytes, str], list[tuple[str, str]], dict[str, str]]


@pytest.mark.case("P5", "T13")
@pytest.mark.parametrize("asked", ["priya"], indirect=True)
def test_nothing_that_arrives_makes_the_portal_fall_over(asked: Asked, world: SimpleNamespace) -> None:
    known = doors.known(world)
    paths = [door.rooms(known)[0] for door in doors.doors() if not door.name.endswith("sign_out")]

    @FUZZ
    @given(arrived=st.tuples(st.sampled_from(paths), BODIES, PAIRS, HEADERS))
    def arrive(arrived: Arrived) -> None:
        path, (body, kind), query, headers = arrived
        # the test client would try to speak the content type itself
        sent = {"content_type": "application/octet-stream", "headers": {**headers, "Content-Type": kind}}
        asked.ask("POST", path, body, **sent)
        asked.ask("GET", f"{path}?{encoded(query).decode()}", headers=headers)

    arrive()
    asked.all_well()
