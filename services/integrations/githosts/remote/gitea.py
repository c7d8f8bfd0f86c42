"""The REST API of Gitea, and of Forgejo."""

import base64
import binascii
from typing import Any

from services.integrations.errors import Unavailable
from services.integrations.rest import Answer, Http, Malformed, said_by, segment, segments

from ..base import Check, Commit, Rights
from . import rights
from .dialect import Entry, Merged, Note, Pull, Vote, Writing, needed, newest, part, text
from .github import check_of, commit_of, note_of, pull_of, votes_of
from .trees import Folder, Trees, entries

MOST_PAGES = 1000
COLOUR = "#6b7280"
QUIET = {"stat": "false", "verification": "false"}


class Gitea:
    name = "gitea"

    def __init__(self, http: Http) -> None:
        self._http = http
        trees = Trees(self._tree)
        self.folder, self.below = trees.folder, trees.below

    def close_connections(self) -> None:
        self._http.close()

    # Reading

    def default_branch(self, repo: str) -> str:
        return needed(self._http.get(_at(repo)).object(), "default_branch")

    def tip(self, repo: str, branch: str) -> str | None:
        found = self._http.find(f"{_at(repo)}/branches/{segment(branch)}")
        return needed(part(found.object(), "commit"), "id") if found else None

    def commit(self, repo: str, sha: str) -> Commit | None:
        found = self._http.find(f"{_at(repo)}/git/commits/{segment(sha)}", QUIET)
        return commit_of(found.object()) if found else None

    def _tree(self, repo: str, sha: str) -> Folder:
        found: Folder = {}
        for page in range(1, MOST_PAGES + 1):
            params = {"per_page": "1000", "page": str(page)}
            body = self._http.get(f"{_at(repo)}/git/trees/{segment(sha)}", params).object()
            found |= entries(body.get("tree") or [])
            if not body.get("truncated") or not body.get("tree"):
                return found
        raise Malformed("A folder has too many files to list.")

    def blob(self, repo: str, sha: str) -> bytes:
        found = self._http.get(f"{_at(repo)}/git/blobs/{segment(sha)}").object()
        try:
            return base64.b64decode(str(found.get("content") or ""), validate=True)
        except binascii.Error as error:
            raise Malformed("A file of the git host is not in base64.") from error

    def log(self, repo: str, sha: str, path: str, limit: int) -> list[Commit]:
        params = {**QUIET, "files": "false", "sha": sha, "limit": str(min(limit, 50))}
        found: list[Commit] = []
        for page in self._http.pages(f"{_at(repo)}/commits", {**params, **({"path": path} if path else {})}):
            found += map(commit_of, page.rows())
            if len(found) >= limit:
                break
        return found[:limit]

    def beyond(self, repo: str, base: str, head: str) -> list[Commit]:
        return [commit_of(row) for row in self._compared(repo, base, head)]

    def _compared(self, repo: str, base: str, head: str) -> list[dict[str, Any]]:
        found = self._http.get(f"{_at(repo)}/compare/{base}...{head}").object().get("commits") or []
        return [part(row) for row in found]

    # Writing

    def write(self, repo: str, writing: Writing) -> str:
        """Gitea commits onto branches only: a new one is made first, and a base is taken in by an update."""
        if writing.old is None:
            said = {"new_branch_name": writing.branch, "old_ref_name": writing.base}
            self._http.send("POST", f"{_at(repo)}/branches", said)
            return self._commit(repo, writing, writing.base, dict(writing.files))
        if not writing.takes_in or not self._may_take_in(repo, writing):
            back = self._back(repo, writing, writing.base)
            return self._commit(repo, writing, writing.old, {**back, **writing.files})
        return self._over(repo, writing)

    def _may_take_in(self, repo: str, writing: Writing) -> bool:
        """An update takes in all of the default branch: what changed after the base is to stay a conflict."""
        tip = self.tip(repo, writing.trunk) or writing.base
        changed = (self._entry(repo, tip, path) != writing.before.get(path) for path in writing.files)
        return writing.number is not None and not any(changed)

    def _over(self, repo: str, writing: Writing) -> str:
        """Everything back to what the base has, which the base then merges into, and then the change."""
        back = self._back(repo, writing, writing.base)
        for path in writing.files:
            back.setdefault(path, self._content(repo, writing.base, path))
        old = self._commit(repo, writing, writing.old or "", back)
        answer = self._http.send(
            "POST", f"{_at(repo)}/pulls/{writing.number}/update?style=merge", None, also=(409,)
        )
        if answer.status == 409:  # people pushed what does not merge; it is shown as a conflict
            return self._commit(repo, writing, old, dict(writing.files))
        return self._commit(repo, writing, self._tip_now(repo, writing.branch), dict(writing.files))

    def _back(self, repo: str, writing: Writing, base: str) -> dict[str, bytes | None]:
        """What the branch changed and the change does not, as the base has it."""
        touched: set[str] = set()
        for row in self._compared(repo, base, writing.old or ""):
            touched |= {text(part(each), "filename") for each in row.get("files") or ()}
        return {path: self._content(repo, base, path) for path in touched - set(writing.files) - {""}}

    def _content(self, repo: str, commit: str, path: str) -> bytes | None:
        entry = self._entry(repo, commit, path)
        return self.blob(repo, entry.sha) if entry and entry.kind == "file" else None

    def _entry(self, repo: str, commit: str, path: str) -> Entry | None:
        folder, _, name = path.rpartition("/")
        return self.folder(repo, commit, folder).get(name)

    def _tip_now(self, repo: str, branch: str) -> str:
        if (found := self.tip(repo, branch)) is None:
            raise Unavailable(f"{branch} is not to be seen yet")
        return found

    def _commit(self, repo: str, writing: Writing, tip: str, files: dict[str, bytes | None]) -> str:
        """The branch's commit after writing what differs from `tip`."""
        lines = [self._line(path, self._entry(repo, tip, path), data) for path, data in sorted(files.items())]
        author = {"name": writing.author.name, "email": writing.author.address}
        body = {
            "branch": writing.branch,
            "message": writing.message,
            "author": author,
            "committer": {"name": "Slipway", "email": "slipway@users.noreply.slipway"},
            "files": [line for line in lines if line],
        }
        if not body["files"]:
            return tip
        answer = self._http.send("POST", f"{_at(repo)}/contents", body, also=(404, 422))
        if answer.status >= 400:
            raise Unavailable(f"{writing.branch} moved meanwhile. {said_by(answer)}")
        return needed(part(answer.object(), "commit"), "sha")

    def _line(self, path: str, entry: Entry | None, data: bytes | None) -> dict[str, str]:
        if data is None:
            return {"operation": "delete", "path": path, "sha": entry.sha} if entry else {}
        packed = {"path": path, "content": base64.b64encode(data).decode()}
        if entry is None:
            return {"operation": "create", **packed}
        return {"operation": "update", "sha": entry.sha, **packed}

    # Pull requests

    def find(self, repo: str, branch: str) -> Pull | None:
        base = self.default_branch(repo)
        found = self._http.find(f"{_at(repo)}/pulls/{segment(base)}/{segments(branch)}")
        return _pull(found.object()) if found else None

    def pull(self, repo: str, number: int) -> Pull | None:
        found = self._http.find(f"{_at(repo)}/pulls/{number}")
        return _pull(found.object()) if found else None

    def changed(self, repo: str, pull: Pull) -> list[str]:
        rows = self._http.rows(f"{_at(repo)}/pulls/{pull.number}/files", {"limit": "50"})
        names = [text(row, name) for row in rows for name in ("filename", "previous_filename")]
        return [name for name in names if name]

    def open(self, repo: str, branch: str, base: str, title: str, body: str) -> Pull | None:
        said = {"title": title, "body": body, "head": branch, "base": base}
        answer = self._http.send("POST", f"{_at(repo)}/pulls", said, also=(404, 409, 422))
        if answer.status == 409:
            return None
        if answer.status >= 400:  # such as a branch that is not to be seen yet
            raise Unavailable(said_by(answer))
        return _pull(answer.object())

    def edit(self, repo: str, number: int, title: str, body: str) -> None:
        self._http.send("PATCH", f"{_at(repo)}/pulls/{number}", {"title": title, "body": body})

    def close(self, repo: str, number: int) -> None:
        self._http.send("PATCH", f"{_at(repo)}/pulls/{number}", {"state": "closed"})

    def merge(self, repo: str, number: int, head: str, title: str, message: str) -> Merged:
        said = {"Do": "merge", "MergeTitleField": title, "MergeMessageField": message, "head_commit_id": head}
        path = f"{_at(repo)}/pulls/{number}/merge"
        answer = self._http.send("POST", path, said, also=(405, 409, 422))
        if answer.status >= 300 and not _tells_nothing(answer):
            return Merged(why=said_by(answer))
        return Merged()

    def notes(self, repo: str, number: int) -> list[Note]:
        return [note_of(row) for row in self._http.rows(f"{_issue(repo, number)}/comments", {})]

    def add_note(self, repo: str, number: int, body: str) -> Note:
        return note_of(self._http.send("POST", f"{_issue(repo, number)}/comments", {"body": body}).object())

    def votes(self, repo: str, number: int) -> list[Vote]:
        rows = self._http.rows(f"{_at(repo)}/pulls/{number}/reviews", {"limit": "50"})
        return votes_of([row for row in rows if not row.get("dismissed")], "APPROVED", "REQUEST_CHANGES")

    def add_vote(self, repo: str, number: int, head: str, body: str) -> None:
        """As a comment: nobody approves with the account that proposed it."""
        said = {"commit_id": head, "body": body, "event": "COMMENT"}
        self._http.send("POST", f"{_at(repo)}/pulls/{number}/reviews", said)

    def label(self, repo: str, pull: Pull, labels: tuple[str, ...]) -> None:
        """Gitea's are numbers, and there only once somebody made them."""
        known = {
            text(row, "name"): row.get("id")
            for row in self._http.rows(f"{_at(repo)}/labels", {"limit": "50"})
        }
        for name in labels:
            if name not in known:
                made = self._http.send("POST", f"{_at(repo)}/labels", {"name": name, "color": COLOUR})
                known[name] = made.object().get("id")
        self._http.send("POST", f"{_issue(repo, pull.number)}/labels", {"labels": [known[n] for n in labels]})

    def ask(self, repo: str, pull: Pull, handles: tuple[str, ...]) -> None:
        """One by one, for one that Gitea does not take keeps it from asking the others."""
        for handle in handles:
            team = handle.partition("/")[2]
            said = {"team_reviewers": [team]} if team else {"reviewers": [handle]}
            path = f"{_at(repo)}/pulls/{pull.number}/requested_reviewers"
            self._http.send("POST", path, said, also=(404, 422))

    def checks(self, repo: str, head: str) -> list[Check]:
        path = f"{_at(repo)}/commits/{segment(head)}/statuses"
        rows = self._http.rows(path, {"sort": "recentupdate", "limit": "50"})
        return newest(map(check_of, rows))

    def report(self, repo: str, head: str, check: Check) -> None:
        said = {"state": check.state, "context": check.name, "description": check.summary}
        self._http.send("POST", f"{_at(repo)}/statuses/{segment(head)}", {**said, "target_url": check.url})

    def rights(self, repo: str) -> Rights:
        found = self._http.get(_at(repo)).object()
        return rights.of_gitea(found, self._http.get("/api/v1/user").object())


def _at(repo: str) -> str:
    return f"/api/v1/repos/{segments(repo)}"


def _tells_nothing(answer: Answer) -> bool:
    """Still finding out, or merged before: looking tells which."""
    said = answer.body.lower()
    return not said or any(words in said for words in (b"try again later", b"already merged"))


def _issue(repo: str, number: int) -> str:
    return f"{_at(repo)}/issues/{number}"


def _pull(row: dict[str, Any]) -> Pull:
    return pull_of(row, text(row, "merge_base"))
