"""Sources of the catalog on their way: read because a person asked, and again because a webhook came.

Each is a repository on disk with one component and its docs. The driver pushes a second commit once the
first has been read; the webhook may be lost with the process that takes it, and is then sent again.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pygit2

from tests.faults.journal import Journal
from tests.faults.journeys import Journey
from tests.faults.stack import Stack

BRANCH = "refs/heads/main"
DESCRIPTOR = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {name}, description: "{word}", annotations: {{backstage.io/techdocs-ref: "dir:."}}}}
spec: {{type: service, lifecycle: production, owner: checkout}}
"""
NAMES = ("token", "pk", "head", "runs")
SOURCES = """
    SELECT title, id, head, (SELECT count(*) FROM catalog_importrun r WHERE r.source_id = s.id)
    FROM catalog_source s WHERE title = ANY(%s)
"""


def push(repository: Path, name: str, word: str) -> str:
    """One commit with the component and a page of docs that says `word`; its id."""
    made = not repository.exists()
    git = pygit2.init_repository(str(repository), bare=True) if made else pygit2.Repository(str(repository))
    git.set_head(BRANCH)
    docs = git.TreeBuilder()
    docs.insert("index.md", git.create_blob(f"# {word}\n".encode()), pygit2.enums.FileMode.BLOB)
    top = git.TreeBuilder()
    said = DESCRIPTOR.format(name=name, word=word).encode()
    top.insert("catalog-info.yaml", git.create_blob(said), pygit2.enums.FileMode.BLOB)
    top.insert("docs", docs.write(), pygit2.enums.FileMode.TREE)
    by = pygit2.Signature("Sam", "sam@example.com")
    parents = [] if made else [git.references[BRANCH].target]
    return str(git.create_commit(BRANCH, by, by, word, top.write(), parents))


def webhook(secret: str, token: str) -> tuple[dict[str, str], bytes]:
    """What GitHub would send: the same delivery each time, as it is sent again when nobody answered."""
    body = json.dumps({"ref": BRANCH, "repository": {"full_name": f"shop/{token}"}}).encode()
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    names = {"X-Hub-Signature-256": f"sha256={signed}", "X-GitHub-Event": "push"}
    return names | {"X-GitHub-Delivery": token, "Content-Type": "application/json"}, body


def observe(stack: Stack, journeys: list[Journey]) -> dict[str, Journey]:
    """What the database says of each source; the journeys by what their effects are found by."""
    by_token = {journey.token: journey for journey in journeys if journey.kind == "import"}
    found = {}
    for row in (stack.rows(SOURCES, list(by_token)) if by_token else None) or ():
        said = dict(zip(NAMES, row, strict=True))
        journey = by_token[said["token"]]
        journey.row = said | {"state": "read" if _is_read(journey, said) else "reading"}
        found[f"source {said['pk']}"] = journey
    return found


def _is_read(journey: Journey, said: dict[str, Any]) -> bool:
    return bool(journey.acked >= {"look", "hook"} and said["head"] == journey.head)


def next_act(stack: Stack, journal: Journal, journey: Journey) -> tuple[str, dict[str, Any]]:
    """What a person or a git host does next: ("", …) for nothing yet."""
    home = stack.home / "sources" / journey.token
    if not journey.head:
        journey.head = push(home, journey.token, "First")
        journal.write("push", token=journey.token, head=journey.head)
    if "look" not in journey.acked:
        return "look", {"token": journey.token, "location": str(home)}
    if "hook" in journey.acked or (journey.row.get("head") != journey.head != "" and not journey.pushed):
        return "", {}
    if not journey.pushed:
        journey.pushed, journey.head = True, push(home, journey.token, "Second")
        journal.write("push", token=journey.token, head=journey.head)
    return "hook", {"token": journey.token}
