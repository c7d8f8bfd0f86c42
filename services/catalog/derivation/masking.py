"""Evidence is shown to many; passwords are not."""

import re

LONGEST = 160
PLAIN = re.compile(r"[\w.-]+(?::\d{1,5})?|[\w.-]+:\d{1,5}(?:,\s?[\w.-]+:\d{1,5})*", re.ASCII)
USERINFO = re.compile(r"(?<=://)[^\s/]*@|(?<![\w/])[^\s/@:;,='\"]+:(?!//)[^\s@]*@")
HIDDEN = (
    r"(?:password|passwd|pwd|secret|token|api[-_]?key|access[-_]?key|accountkey|sharedaccesskey|credential)"
)
NAMED = re.compile(
    rf"([\w.-]*{HIDDEN}[\w.-]*\s*=\s*|(?<![\w.-]){HIDDEN}[\"']?\s*:\s*)(\"[^\"]*\"|'[^']*'|[^\s;,&]+)",
    re.IGNORECASE,
)


def as_evidence(value: str, meant: str) -> str:
    """A setting's value where it is nothing but hosts and ports; of any other only the place that it means.

    The path of a webhook, the query of a signed address and a neighbour in a JSON text are secrets too.
    """
    told = value.strip()
    return told if len(told) <= LONGEST and PLAIN.fullmatch(told) else meant[:LONGEST]


def masked(value: str) -> str:
    """A value as it may be shown: without what stands before an @ or behind `password=`, on one line."""
    shown = USERINFO.sub("***@", value[: 10 * LONGEST])
    shown = NAMED.sub(r"\1***", " ".join(shown.split()))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
