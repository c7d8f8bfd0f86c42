"""The attacks the portal must survive, by id. A test says which it covers: `@pytest.mark.case("T4", "L5")`.

`make cases` lists them with their tests; with `MUTATE=1` it takes each defence away and sees its tests fail.
"""

import ast
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parents[2]

CASES: dict[str, str] = {
    # Values that end up in manifests
    "T1": "a name with a line break, capitals, or more than a label may hold",
    "T2": "a text that would begin another YAML document",
    "T3": "a text that looks like a YAML anchor, alias, merge key or tag",
    "T4": "a text that YAML would read as a number, a date, a boolean or nothing",
    "T5": "a text in the language of some template engine, or of the kubelet",
    "T6": "an annotation that commands another program (hooks, sync options, load balancers)",
    "T7": "keys nobody asked for inside a pod's specification",
    "T8": "one key written twice, escaped, in other letters",
    "T9": "an image from elsewhere, or one whose name is a path",
    "T10": "YAML aliases that multiply",
    "T11": "YAML of great size, depth, breadth, or with huge numbers",
    "T12": "a kustomization that reads or fetches what it should not",
    "T13": "line breaks and NUL in fields of one line",
    # Git hosts
    "G1": "a path that leaves its folder, or means a reserved one",
    "G2": "a file that is a symbolic link or a submodule, or lies below one",
    "G3": "writing to what a host or a build runs by itself",
    "G4": "a branch named like an option, a reference or a command",
    "G5": "a pull request's text that mentions, closes, commands or signs",
    "G6": "a repository outside of those allowed",
    "G7": "direction marks, invisible characters and letters that look like others",
    "G8": "the base moves between the preview and the submission",
    "G9": "a token that may do more than it needs",
    "G10": "the same form sent twice",
    # Outbound requests
    "S1": "addresses of the machine itself and of cloud metadata",
    "S2": "the same addresses in other spellings",
    "S3": "addresses that are special without being called private",
    "S4": "an allowed host redirects inwards",
    "S5": "a name that resolves to another address the second time",
    "S6": "other schemes, user names and line breaks in an address",
    "S7": "an answer that never ends, or unpacks without end",
    "S8": "a kubeconfig that runs, reads or trusts too much",
    "S9": "proxies and passwords from the server's own surroundings",
    "S10": "a chat's file address that leads elsewhere",
    # Parsers
    "P1": "XML with external entities or entities that multiply",
    "P2": "archives that explode, lie, climb or link",
    "P3": "mail nested without end, or broken",
    "P4": "an image of enormous size",
    "P5": "JSON of great depth, with keys twice or with NaN",
    "P6": "text on which a regular expression would take forever",
    # Browsers
    "X1": "markup and scripted addresses in every text field",
    "X2": "Markdown with raw HTML, scripted links, images that report back",
    "X3": "markup that htmx would execute",
    "X4": "a fragment opened as if it were a page",
    "X5": "a scripted address as a link in the catalog",
    "X6": "anything the content security policy would have to stop",
    "X7": "a formula in a downloaded table",
    "X8": "the portal inside somebody else's frame",
    # Attachments
    "F1": "a file that a browser would run",
    "F2": "a file's name that is a path, a header or a disguise",
    "F3": "a known virus",
    "F4": "a file just over the size allowed",
    "F5": "somebody else's attachment by its number",
    "F6": "an export that reads the server's files",
    "F7": "a stored file without a session",
    # Authorisation
    "Z1": "every address as every kind of person",
    "Z2": "other people's things by number, list, search, count or order",
    "Z3": "fields no form has, set to one's advantage",
    "Z4": "approving one's own request, in any disguise",
    "Z5": "two decisions at once",
    "Z6": "a step taken before its time",
    "Z7": "an account that was deactivated",
    "Z8": "a team's old name taken by others",
    # Access requests
    "K1": "a grant of rights from which others follow",
    "K2": "a binding whose name is taken",
    "K3": "an expiry while the cluster is away",
    "K4": "a granted role edited by hand",
    "K5": "a credential of the portal's own that may write everything",
    "K6": "a person who left the group before the grant is applied",
    # Sessions
    "C1": "a post without the token of the person's own session",
    "C2": "a change by looking",
    "C3": "a session planted before signing in",
    "C4": "a way on that leads out of the portal",
    "C5": "an identity token with anything about it wrong",
    "C6": "an account taken over by a matching mail address or name",
    "C7": "groups that are missing, too many or of another company",
    "C8": "an identity provider that does not answer",
    "C9": "a session used after signing out",
    "C10": "headers that pretend to come from a proxy",
    # Webhooks
    "W1": "a signature that is missing, wrong or of no secret",
    "W2": "a signature over other bytes than those sent",
    "W3": "one delivery twice",
    "W4": "a delivery from another time",
    "W5": "a shared token in place of a signature",
    "W6": "news in the wrong order",
    "W7": "news about others, too large or too often",
    "W8": "false news under a stolen secret",
    # Leaks
    "L1": "secrets in pages, rows, logs, tasks, errors",
    "L2": "a cluster's secrets",
    "L3": "a secret in a difference",
    "L4": "a secret pasted into a text",
    "L5": "texts that would forge a line of a log",
    "L6": "telling hidden things from missing ones",
    "L7": "an error page that says too much",
    # Mail and chat
    "E1": "mail that answers by itself",
    "E2": "a message that claims to belong to another's ticket",
    "E3": "a sender that is not who it says",
    "E4": "mail from nobody known",
    "E5": "a sender's name that is another address",
    "E6": "a subject that would split a header",
    "E7": "a crash between fetching and keeping a mail",
    "E8": "chat mentions and links in titles",
    # Limits
    "R": "too much of anything, by one person, one address or all together",
}  # fmt: skip


def _imports(*names: str) -> bool:
    """Whether any module of the product imports one of these."""
    return bool(_imported() & set(names))


@cache
def _imported() -> set[str]:
    found: set[str] = set()
    for path in [*(ROOT / "portal").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found


def _has(module: str) -> bool:
    parent, _, _ = module.rpartition(".")
    return (not parent or find_spec(parent) is not None) and find_spec(module) is not None


def _stores_files() -> bool:
    return any(
        isinstance(field, models.FileField) for m in apps.get_models() for field in m._meta.get_fields()
    )


Exists = Callable[[], bool]
XML: tuple[str, Exists] = (
    "nothing reads XML", lambda: _imports("xml", "lxml", "defusedxml"),
)  # fmt: skip
IMAGES: tuple[str, Exists] = ("nothing opens images", lambda: _imports("PIL"))
FILES: tuple[str, Exists] = ("no files are kept", _stores_files)
REPORTS: tuple[str, Exists] = (
    "nothing is exported but CSV and YAML",
    lambda: _imports("weasyprint", "reportlab"),
)
ACCESS: tuple[str, Exists] = ("no access requests", lambda: _has("services.access"))
IDENTITY: tuple[str, Exists] = (
    "no single sign-on",
    lambda: _imports("allauth", "mozilla_django_oidc", "authlib"),
)

# What does not exist cannot be attacked. Each reason comes with what proves it wrong once that is built.
ABSENT: Mapping[str, tuple[str, Exists]] = {
    "P1": XML, "P4": IMAGES,
    "F1": FILES, "F3": FILES, "F5": FILES, "F6": REPORTS, "F7": FILES,
    **dict.fromkeys([f"K{n}" for n in range(1, 7)], ACCESS),
    **dict.fromkeys([f"C{n}" for n in range(5, 9)], IDENTITY),
}  # fmt: skip

# Covered or absent, never open.
REQUIRED = [case for case in CASES if case[0] in "TGPXRW"] + ["C1", "C2", "C3", "C4"]
