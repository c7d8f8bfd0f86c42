"""Secrets that people paste into what they write, found by their shape."""

import re

BLANK = "•••"

SHAPES = [
    ("a password in an address", re.compile(r"(?<=://)[^/\s:@]{0,300}:[^/\s@]{1,1000}(?=@)"), BLANK),
    (
        "a private key",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        BLANK,
    ),
    ("a token", re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), BLANK),
    ("a token", re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|AKIA)[\w-]{10,}"), BLANK),
    ("a password or token", re.compile(r"(?i)\b(bearer|basic)\s{1,20}[\w.~+/=-]{8,}"), rf"\1 {BLANK}"),
]
NAMED = r"(?i)((?:passw(?:or)?d|secret|token|api[-_]?key)[\w-]{0,60})(\s{0,20}[=:]\s{0,20})"
# What people write about secrets is seldom one: theirs has letters and digits, and is no placeholder.
_TYPED = re.compile(NAMED + r"[\"']?(?=[^\s,;&\"']{0,200}\d)(?=[^\s,;&\"']{0,200}[a-z])[^\s,;&\"'•<>{}$]{8,}")


def suspects(text: str) -> list[str]:
    """What in words that somebody typed looks like a secret, by its kind; empty for nearly everything."""
    found = [what for what, pattern, _ in SHAPES if pattern.search(text)]
    return list(dict.fromkeys(found + ["a password or token"] * bool(_TYPED.search(text))))


def masked(text: str) -> str:
    """The words without what `suspects` finds in them."""
    return _TYPED.sub(rf"\1\2{BLANK}", without_shapes(text))


def without_shapes(text: str) -> str:
    for _, pattern, replacement in SHAPES:
        text = pattern.sub(replacement, text)
    return text
