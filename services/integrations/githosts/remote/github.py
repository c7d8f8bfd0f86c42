"""GitHub's REST API, of github.com and of Enterprise servers (whose address ends in /api/v3)."""

import base64
from typing import Any

from services.integrations.errors import Unavailable
from services.integrations.rest import (
    FILE_LIMIT,
    Http,
    Malformed,
    said_by,
    segment,
    segments,
)

from ..base import Check, Commit, Person, Rights
from . import rights
from .apps import AppToken
from .dialect import (
    Merged,
    Note,
    Pull,
    Vote,
    Writing,
    moment,
    needed,
    newest,
    number_of,
    part,
    perhaps,
    person_of,
    state_of,
    text,
)
from .trees import Folder, Trees, entries

RAW = "application/vnd.github.raw+json"


class GitHub:
    name = "github"

    def __init__(self, http: Http, app: AppToken | None = None) -> None:
        self._http, self._app = http, app
        trees = Trees(self._tree)
        self.folder, self.below = trees.folder, trees.below

    def close_connections(self) -> None:
        for each in (self._http, self._app):
            if each is not None:
                each.close()

    # Reading

    def default_branch(self, repo: str) -> str:
        return needed(self._http.get(_at(repo)).object(), "default_branch")

    def tip(self, repo: str, branch: str) -> str | None:
        found = self._http.find(f"{_at(repo)}/git/ref/heads/{segments(branch)}")
        return needed(part(found.object(), "object"), "sha") if found else None

    def commit(self, repo: str, sha: str) -> Commit | None:
        found = self._http.find(f"{_at(repo)}/git/commits/{segment(sha)}")
        if found is None:
            return None
        row = found.object()
        return commit_of({"sha": row.get("sha"), "parents": row.get("parents"), "commit": row})

    def _tree(self, repo: str, sha: str) -> Folder:
        found = self._http.get(f"{_at(repo)}/git/trees/{segment(sha)}").object()
        if found.get("truncated"):
            raise Malformed("A folder has too many files for GitHub to list.")
        return entries(found.get("tree"))

    def blob(self, repo: str, sha: str) -> bytes:
        url = f"{_at(repo)}/git/blobs/{segment(sha)}"
        return self._http.get(url, limit=FILE_LIMIT, headers={"Accept": RAW}).body

    def log(self, repo: str, sha: str, path: str, limit: int) -> list[Commit]:
        params = {"sha": sha, "per_page": str(min(limit, 100)), **({"path": path} if path else {})}
        return [commit_of(row) for row in self._first(f"{_at(repo)}/commits", params, limit)]

    def _first(self, path: str, params: dict[str, str], limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in self._http.pages(path, params):
            found += page.rows()
            if len(found) >= limit:
                break
        return found[:limit]

    def beyond(self, repo: str, base: str, head: str) -> list[Commit]:
        pages = self._http.pages(f"{_at(repo)}/compare/{base}...{head}", {"per_page": "100"})
        rows = [row for page in pages for row in page.object().get("commits", [])]
        return [commit_of(row) for row in rows]

    # Writing

    def write(self, repo: str, writing: Writing) -> str:
        parents = [each for each in (writing.old, writing.base) if each]
        if writing.old and not writing.takes_in:
            parents = [writing.old]
        body = {
            "message": writing.message,
            "tree": self._written_tree(repo, writing),
            "parents": parents,
            "author": {"name": writing.author.name, "email": writing.author.address},
        }
        sha = needed(self._http.send("POST", f"{_at(repo)}/git/commits", body).object(), "sha")
        self._move(repo, writing, sha)
        return sha

    def _written_tree(self, repo: str, writing: Writing) -> str:
        base = self._http.get(f"{_at(repo)}/git/commits/{segment(writing.base)}").object()
        lines = [
            {"path": path, "mode": "100644", "type": "blob", **self._content(repo, data)}
            for path, data in writing.files.items()
            if data is not None or writing.before.get(path)
        ]
        body = {"base_tree": needed(part(base, "tree"), "sha"), "tree": lines}
        return needed(self._http.send("POST", f"{_at(repo)}/git/trees", body).object(), "sha")

    def _content(self, repo: str, data: bytes | None) -> dict[str, str | None]:
        """Text goes with the tree; what is none is written first."""
        if data is None:
            return {"sha": None}
        try:
            return {"content": data.decode()}
        except UnicodeDecodeError:
            packed = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
            return {"sha": needed(self._http.send("POST", f"{_at(repo)}/git/blobs", packed).object(), "sha")}

    def _move(self, repo: str, writing: Writing, sha: str) -> None:
        name = f"heads/{writing.branch}"
        if writing.old is None:
            said = {"ref": f"refs/{name}", "sha": sha}
            answer = self._http.send("POST", f"{_at(repo)}/git/refs", said, also=(422,))
        else:
            path = f"{_at(repo)}/git/refs/{segments(name)}"
            answer = self._http.send("PATCH", path, {"sha": sha, "force": False}, also=(422,))
        if answer.status == 422:
            raise Unavailable(f"{writing.branch} moved meanwhile. {said_by(answer)}")

    # Pull requests

    def find(self, repo: str, branch: str) -> Pull | None:
        head = f"{repo.partition('/')[0]}:{branch}"
        params = {"head": head, "state": "all", "sort": "created", "direction": "desc", "per_page": "30"}
        found = [pull_of(row) for row in self._http.get(f"{_at(repo)}/pulls", params).rows()]
        mine = [pull for pull in found if pull.branch == branch]
        return next((pull for pull in mine if pull.state == "open"), mine[0] if mine else None)

    def pull(self, repo: str, number: int) -> Pull | None:
        found = self._http.find(f"{_at(repo)}/pulls/{number}")
        return self._whole(repo, found.object()) if found else None

    def _whole(self, repo: str, row: dict[str, Any]) -> Pull:
        """With the commit it left its base at, which GitHub tells elsewhere."""
        open_ = not row.get("merged_at")
        base = needed(part(row, "base"), "ref" if open_ else "sha")
        compared = f"{_at(repo)}/compare/{segments(base)}...{needed(part(row, 'head'), 'sha')}"
        answer = self._http.get(compared, {"per_page": "1"}).object()
        return pull_of(row, needed(part(answer, "merge_base_commit"), "sha"))

    def changed(self, repo: str, pull: Pull) -> list[str]:
        rows = self._http.rows(f"{_at(repo)}/pulls/{pull.number}/files", {"per_page": "100"})
        names = [text(row, name) for row in rows for name in ("filename", "previous_filename")]
        return [name for name in names if name]

    def open(self, repo: str, branch: str, base: str, title: str, body: str) -> Pull | None:
        said = {"title": title, "body": body, "head": branch, "base": base}
        answer = self._http.send("POST", f"{_at(repo)}/pulls", said, also=(422,))
        if answer.status == 422 and b"already exists" in answer.body:
            return None
        if answer.status == 422:  # such as a branch that is not to be seen yet
            raise Unavailable(said_by(answer))
        return self._whole(repo, answer.object())

    def edit(self, repo: str, number: int, title: str, body: str) -> None:
        self._http.send("PATCH", f"{_at(repo)}/pulls/{number}", {"title": title, "body": body})

    def close(self, repo: str, number: int) -> None:
        self._http.send("PATCH", f"{_at(repo)}/pulls/{number}", {"state": "closed"})

    def merge(self, repo: str, number: int, head: str, title: str, message: str) -> Merged:
        said = {"commit_title": title, "commit_message": message, "sha": head, "merge_method": "merge"}
        answer = self._http.send("PUT", f"{_at(repo)}/pulls/{number}/merge", said, also=(405, 409, 422))
        if answer.status >= 300:
            return Merged(why=said_by(answer))
        return Merged(needed(answer.object(), "sha"))

    def notes(self, repo: str, number: int) -> list[Note]:
        return [
            note_of(row) for row in self._http.rows(f"{_issue(repo, number)}/comments", {"per_page": "100"})
        ]

    def add_note(self, repo: str, number: int, body: str) -> Note:
        return note_of(self._http.send("POST", f"{_issue(repo, number)}/comments", {"body": body}).object())

    def votes(self, repo: str, number: int) -> list[Vote]:
        rows = self._http.rows(f"{_at(repo)}/pulls/{number}/reviews", {"per_page": "100"})
        return votes_of(rows, "APPROVED", "CHANGES_REQUESTED")

    def add_vote(self, repo: str, number: int, head: str, body: str) -> None:
        """As a comment: nobody approves with the account that proposed it."""
        said = {"commit_id": head, "body": body, "event": "COMMENT"}
        self._http.send("POST", f"{_at(repo)}/pulls/{number}/reviews", said)

    def label(self, repo: str, pull: Pull, labels: tuple[str, ...]) -> None:
        self._http.send("POST", f"{_issue(repo, pull.number)}/labels", {"labels": list(labels)})

    def ask(self, repo: str, pull: Pull, handles: tuple[str, ...]) -> None:
        """One by one, for one that GitHub does not take keeps it from asking the others."""
        for handle in handles:
            team = handle.partition("/")[2]
            said = {"team_reviewers": [team]} if team else {"reviewers": [handle]}
            self._http.send("POST", f"{_at(repo)}/pulls/{pull.number}/requested_reviewers", said, also=(422,))

    def checks(self, repo: str, head: str) -> list[Check]:
        at = f"{_at(repo)}/commits/{segment(head)}"
        told = self._http.get(f"{at}/status", {"per_page": "100"}).object().get("statuses") or []
        runs = self._http.get(f"{at}/check-runs", {"per_page": "100"}).object().get("check_runs") or []
        return newest([*map(check_of, told), *map(_run, runs)])

    def report(self, repo: str, head: str, check: Check) -> None:
        said = {"state": check.state, "context": check.name, "description": check.summary}
        url = {"target_url": check.url} if check.url else {}
        self._http.send("POST", f"{_at(repo)}/statuses/{segment(head)}", {**said, **url})

    def rights(self, repo: str) -> Rights:
        found = self._http.get(_at(repo)).object()
        if self._app is not None:
            return rights.of_app(found, self._app.grant())
        user = self._http.get("/user")
        return rights.of_github(found, user.object(), user.headers.get("x-oauth-scopes"))


def _at(repo: str) -> str:
    return f"/repos/{segments(repo)}"


def _issue(repo: str, number: int) -> str:
    return f"{_at(repo)}/issues/{number}"


def commit_of(row: dict[str, Any]) -> Commit:
    """A commit as GitHub and Gitea write it."""
    author = part(row, "commit", "author")
    person = Person(text(author, "email").partition("@")[0], text(author, "name"), text(author, "email"))
    at = moment(part(row, "commit", "committer").get("date") or author.get("date"))
    parents = tuple(needed(parent, "sha") for parent in row.get("parents") or ())
    return Commit(needed(row, "sha"), text(part(row, "commit"), "message"), person, at, parents)


def pull_of(row: dict[str, Any], base_sha: str = "") -> Pull:
    """A pull request as GitHub and Gitea write it."""
    merged = bool(row.get("merged_at"))
    asked = [
        part(each) for name in ("requested_reviewers", "requested_teams") for each in row.get(name) or ()
    ]
    return Pull(
        number=number_of(row, "number"),
        branch=text(part(row, "head"), "ref"),
        base=needed(part(row, "base"), "ref"),
        title=text(row, "title"),
        body=text(row, "body"),
        state="merged" if merged else "closed" if row.get("state") == "closed" else "open",
        head_sha=needed(part(row, "head"), "sha"),
        author=person_of(part(row, "user")),
        url=text(row, "html_url"),
        created_at=moment(row.get("created_at")),
        base_sha=base_sha,
        merge_sha=text(row, "merge_commit_sha") if merged else "",
        mergeable=row.get("mergeable") if isinstance(row.get("mergeable"), bool) else None,
        additions=row.get("additions") or 0,
        deletions=row.get("deletions") or 0,
        merged_at=perhaps(row.get("merged_at")),
        merged_by=text(part(row, "merged_by"), "login"),
        closed_at=None if merged else perhaps(row.get("closed_at")),
        labels=frozenset(text(part(label), "name") for label in row.get("labels") or ()),
        reviewers=frozenset(text(each, "login") or text(each, "slug") for each in asked),
    )


def check_of(row: dict[str, Any]) -> Check:
    """A status as GitHub and Gitea write it."""
    state = state_of(row.get("state") or row.get("status"))
    return Check(state, text(row, "description"), text(row, "target_url"), text(row, "context"))


def _run(row: dict[str, Any]) -> Check:
    word = row.get("conclusion") if row.get("status") == "completed" else "pending"
    return Check(state_of(word), text(part(row, "output"), "title"), text(row, "html_url"), text(row, "name"))


def note_of(row: dict[str, Any]) -> Note:
    author = person_of(part(row, "user"))
    return Note(str(row.get("id")), author, text(row, "body"), moment(row.get("created_at")))


def votes_of(rows: list[dict[str, Any]], yes: str, no: str) -> list[Vote]:
    """Reviews; of each person only the last yes or no counts."""
    last = {
        person_of(part(row, "user")).username: row
        for row in rows
        if row.get("state") in (yes, no, "DISMISSED")
    }
    return [
        Vote(
            author=(author := person_of(part(row, "user"))),
            body=text(row, "body"),
            head_sha=text(row, "commit_id"),
            at=moment(row.get("submitted_at")),
            approves=row.get("state") == yes and last[author.username] is row,
        )
        for row in rows
        if row.get("submitted_at")
    ]
