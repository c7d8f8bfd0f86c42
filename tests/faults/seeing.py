"""Takes the picture that the checker judges: of journal, database, repository and cluster."""

from typing import Any

import pygit2
import yaml

from services.audit import actions as audit
from tests.faults.checker import Picture
from tests.faults.journal import Journal
from tests.faults.stack import REPO, Stack

_REQUESTS = """
    SELECT id::text, 'R-' || number, token, state, branch, pull_number, merge_sha, entity_ref
    FROM (SELECT *, 'slipway/r-' || number AS branch FROM onboarding_request) AS r ORDER BY number
"""
_EVENTS = """
    SELECT object_id, action, coalesce(details->>'from', ''), coalesce(details->>'to', '')
    FROM audit_event WHERE object_type = 'onboarding.request' ORDER BY id
"""


_SOURCES = """
    SELECT title, head, (SELECT count(*) FROM catalog_importrun r WHERE r.source_id = s.id),
        (SELECT count(*) FROM catalog_entity e WHERE e.source_id = s.id),
        (SELECT count(*) FROM catalog_docpage p JOIN catalog_doctree t ON t.id = p.tree_id
            JOIN catalog_entity e ON e.id = t.entity_id WHERE e.source_id = s.id AND p.text LIKE '%Second%')
    FROM catalog_source s WHERE location <> ''
"""


def picture(stack: Stack, journal: Journal, broken: set[str]) -> Picture:
    git = pygit2.Repository(str(stack.home / "git" / f"{REPO}.git"))
    names = ("pk", "ref", "token", "state", "branch", "pull_number", "merge_sha", "entity_ref")
    requests = [row | {"broken": row["token"] in broken} for row in _table(stack, names, _REQUESTS)]
    return Picture(
        asked={entry["token"] for entry in journal.entries("ask")},
        accepted={e["token"]: e["ref"] for e in journal.entries("ack") if e["stage"] == "submit"},
        requests=requests,
        effects=_table(
            stack,
            ("kind", "key", "state", "request"),
            "SELECT kind, key, state, object_id FROM effects_effect",
        ),
        pulls=_table(
            stack, ("number", "branch", "state"), "SELECT number, branch, state FROM integrations_pullrequest"
        ),
        comments=[
            (str(number), body)
            for number, body in stack.rows(
                "SELECT p.number, c.body FROM integrations_pullcomment c"
                " JOIN integrations_pullrequest p ON p.id = c.pull_request_id"
            )
            or ()
        ],
        branches=_branches(git),
        merges=_merges(git),
        objects=stack.outside.ask("objects"),
        expected={row["ref"]: _expected(git, row) for row in requests},
        entities=[
            (ref, request)
            for ref, request in stack.rows("SELECT ref, onboarded_request FROM catalog_entity") or ()
        ],
        events=_table(stack, ("request", "action", "from", "to"), _EVENTS),
        notices=[
            (person, key)
            for person, key in stack.rows(
                "SELECT username, key FROM notices_notice n JOIN accounts_user u ON u.id = n.person_id"
            )
            or ()
        ],
        mails=stack.outside.ask("mails"),
        sent=_sent(stack),
        pushed=_pushed(journal),
        sources=_table(stack, ("token", "head", "runs", "entities", "docs"), _SOURCES),
        broken_links=[f"{problem.event} {problem.what}" for problem in audit.verify().problems],
    )


def _table(stack: Stack, names: tuple[str, ...], sql: str) -> list[dict[str, Any]]:
    rows = stack.rows(sql)
    assert rows is not None, "the database is away"
    return [dict(zip(names, row, strict=True)) for row in rows]


def _sent(stack: Stack) -> dict[str, str]:
    """What the effect of each mail says, by the Message-ID the mail must have; skipped ones are not sent."""
    from services.integrations.mail import Mail

    rows = (
        stack.rows(
            "SELECT key, state FROM effects_effect WHERE kind = 'notices.mail' AND NOT result ? 'skipped'"
        )
        or ()
    )
    return {Mail("", "", "", f"notice-{key}").message_id: state for key, state in rows}


def _pushed(journal: Journal) -> dict[str, list[str]]:
    """The commits of each source, by its name, of those that came to their end or were asked for."""
    found: dict[str, list[str]] = {}
    for entry in journal.entries("push"):
        found.setdefault(entry["token"], []).append(entry["head"])
    return found


def _branches(git: pygit2.Repository) -> dict[str, int]:
    """Our branches, and how many commits of ours each has."""
    found = {}
    for name in git.branches.local:
        if name.startswith("slipway/r-"):
            found[name] = _ours(git, name)
    return found


def _ours(git: pygit2.Repository, branch: str) -> int:
    ref = branch.removeprefix("slipway/").upper().rsplit("-", maxsplit=branch.count("-") - 1)[0]
    walker = git.walk(git.branches[branch].target)
    wanted = f"Slipway-Request: {ref}\n"
    return sum(1 for each in walker if wanted in each.message + "\n" and len(each.parents) == 1)


def _merges(git: pygit2.Repository) -> list[tuple[str, str]]:
    """(R-1001, sha) of each merge on the base branch's own line."""
    found, at = [], git.branches["main"].peel(pygit2.Commit)
    while at.parents:
        for line in at.message.splitlines():
            if line.startswith("Slipway-Request: ") and len(at.parents) == 2:
                found.append((line.partition(": ")[2], str(at.id)))
        at = at.parents[0]
    return found


def _expected(git: pygit2.Repository, row: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Every object of the request's folders at its merge."""
    if not row["merge_sha"]:
        return set()
    name = row["entity_ref"].rpartition("/")[2]
    tree = git[row["merge_sha"]].peel(pygit2.Commit).tree
    try:
        folder = tree[f"apps/checkout/{name}"]
    except KeyError:
        return set()
    return {found for data in _blobs(folder) for found in _documents(data)}


def _blobs(tree: Any) -> list[bytes]:
    found = []
    for item in tree:
        if isinstance(item, pygit2.Tree):
            found += _blobs(item)
        elif item.name.endswith(".yaml"):
            found.append(item.data)
    return found


def _documents(data: bytes) -> list[tuple[str, str, str]]:
    every = [each for each in yaml.safe_load_all(data) if isinstance(each, dict)]
    return [
        (each["kind"], each["metadata"]["namespace"], each["metadata"]["name"])
        for each in every
        if isinstance(each.get("metadata"), dict) and "namespace" in each["metadata"]
    ]
