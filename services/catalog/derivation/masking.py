"""Evidence is shown to many; passwords are not."""

import re

LONGEST = 160
USERINFO = re.compile(r"(?<=://)[^\s/]*@|(?<![\w/])[^\s/@:;,='\"]+:(?!//)[^\s@]*@")
HIDDEN = (
    r"(?:password|passwd|pwd|secret|token|api[-_]?key|access[-_]?key|accountkey|sharedaccesskey|credential)"
)
NAMED = re.compile(
    rf"([\w.-]*{HIDDEN}[\w.-]*\s*=\s*|(?<![\w.-]){HIDDEN}[\"']?\s*:\s*)(\"[^\"]*\"|'[^']*'|[^\s;,&]+)",
    re.IGNORECASE,
)


def masked(value: str) -> str:
    """A value as it may be shown: without what stands before an @ or behind `password=`, on one line."""
    shown = USERINFO.sub("***@", value[: 10 * LONGEST])
    shown = NAMED.sub(r"\1***", " ".join(shown.split()))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
