"""Secrets by their shape: what people paste into what they write, and what a container prints.

The shapes of tokens are listed here alone; what is redacted elsewhere imports them.
"""

import re

BLANK = "•••"

PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
TOKEN = re.compile(
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|slipway_)[\w-]{10,}"
    r"|(?<![\w-])sk-(?=[\w-]{0,200}\d)[\w-]{10,}"
)
# "Bearer" and "basic" are words: what follows must look typed like a token, less so after the header's name;
# else it has letters and digits, and for "basic" is base64.
_HEADER = (
    r"(?i:\b(authorization[\"']?\s{0,20}[=:]\s{0,20}[\"']?(?:bearer|basic|token|apikey|digest)\s{1,20}))"
    r"(?=[\w.~+/-]{0,200}[\dA-Z_=])[\w.~+/=-]{8,}"
)
_BEARER = r"(?i:\b(bearer\s{1,20}))(?=[\w.~+/-]{0,200}\d)(?=[\w.~+/-]{0,200}[A-Za-z])[\w.~+/=-]{16,}"
_BASIC = (
    r"(?i:\b(basic\s{1,20}))(?=[\w+/]{0,200}[\d=])(?=[\w+/]{0,200}[A-Z])(?=[\w+/]{0,200}[a-z])"
    r"[A-Za-z0-9+/]{12,}={0,2}"
)
SHAPES = [
    ("a password in an address", re.compile(r"(?<=://)[^/\s:@]{0,300}:[^/\s@]{1,1000}(?=@)"), BLANK),
    ("a private key", PRIVATE_KEY, BLANK),
    ("a token", TOKEN, BLANK),
    *(("a password or token", re.compile(pattern), rf"\1{BLANK}") for pattern in (_HEADER, _BEARER, _BASIC)),
]
# How names end that hold a reference to a secret, or a fact about one, and not the secret itself.
HARMLESS = ("name", "ref", "mount", "type", "version", "count", "path", "file", "ttl")
NAMED = (
    r"(?i)((?:passw(?:or)?d|secret|token|api[-_ ]?key)[\w-]{0,60}"
    + "".join(f"(?<!{end})" for end in HARMLESS)
    + r")([\"']?[ \t]{0,20}[=:][ \t]{0,20}[\"']?)"
)
# What people write about secrets is seldom one: theirs has letters and digits, and is no placeholder,
# address, version, or call.
_TYPED = re.compile(
    NAMED + r"(?!=|https?://|v?\d+\.\d|[a-z_]\w{0,60}(?:\.\w{1,60}){1,9}[(\[])"
    r"(?=[^\s,;&\"']{0,200}\d)(?=[^\s,;&\"']{0,200}[a-z])[^\s,;&\"'•<>{}$]{8,}"
)


def suspects(text: str) -> list[str]:
    """What in words that somebody typed looks like a secret, by its kind; empty for nearly everything."""
    found = [what for what, pattern, _ in SHAPES if pattern.search(text)]
    return list(dict.fromkeys(found + ["a password or token"] * bool(_TYPED.search(text))))


def masked(text: str) -> str:
    """The words without what `suspects` finds in them."""
    return _TYPED.sub(rf"\1\2{BLANK}", without_shapes(text))


def words(text: str) -> str:
    """What somebody said in a plain field, as it may be kept: no NUL, no blanks around, no secret."""
    return masked(text.replace("\x00", "").strip())


def without_shapes(text: str) -> str:
    for _, pattern, replacement in SHAPES:
        text = pattern.sub(replacement, text)
    return text
