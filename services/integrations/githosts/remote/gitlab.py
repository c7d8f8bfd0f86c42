"""GitLab's REST API."""

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from services.integrations.errors import NotFound, Unavailable
from services.integrations.rest import FILE_LIMIT, Http, said_by, segment

from ..base import Check, Commit, Person, Rights
from ..names import SHA
from . import rights
from .dialect import (
    Entry,
    Merged,
    Note,
    Pull,
    Vote,
    Writing,
    kind_of,
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

STATES = {"success": "success", "failure": "failed", "pending": "pending"}
CHECKING = {"checking", "unchecked", "preparing", "approvals_syncing"}


class GitLab:
    name = "gitlab"

    def __init__(self, http: Http) -> None:
        self._http = http

    def close_connections(self) -> None:
        self._http.close()

    # Reading

    def default_branch(self, repo: str) -> str:
        return needed(self._http.get(_at(repo)).object(), "default_branch")

    def tip(self, repo: str, branch: str) -> str | None:
        found = self._http.find(f"{_git(repo)}/branches/{segment(branch)}")
        return needed(part(found.object(), "commit"), "id") if found else None

    def commit(self, repo: str, sha: str) -> Commit | None:
        found = self._http.find(f"{_git(repo)}/commits/{segment(sha)}")
        return _commit(found.object()) if found else None

    def folder(self, repo: str, commit: str, path: str) -> dict[str, Entry]:
        """A folder that is not there is answered like a commit that is not."""
        params = {"ref": commit, "per_page": "100", **({"path": path} if path else {})}
        try:
            rows = self._http.rows(f"{_git(repo)}/tree", params)
        except NotFound:
            if path and self.commit(repo, commit) is not None:
                return {}
            raise
        return {needed(row, "name"): _entry(row) for row in rows}

    def below(self, repo: str, commit: str, path: str) -> Iterator[tuple[str, Entry]]:
        params = {"ref": commit, "per_page": "100", "recursive": "true", **({"path": path} if path else {})}
        start = len(path) + 1 if path else 0
        try:
            rows = self._http.rows(f"{_git(repo)}/tree", params)
        except NotFound:
            return
        for row in rows:
            if (entry := _entry(row)).kind == "file":
                yield needed(row, "path")[start:], entry

    def blob(self, repo: str, sha: str) -> bytes:
        return self._http.get(f"{_git(repo)}/blobs/{segment(sha)}/raw", limit=FILE_LIMIT).body

    def log(self, repo: str, sha: str, path: str, limit: int) -> list[Commit]:
        params = {"ref_name": sha, "per_page": str(min(limit, 100)), **({"path": path} if path else {})}
        found: list[Commit] = []
        for page in self._http.pages(f"{_git(repo)}/commits", params):
            found += map(_commit, page.rows())
            if len(found) >= limit:
                break
        return found[:limit]

    def beyond(self, repo: str, base: str, head: str) -> list[Commit]:
        found = self._http.get(f"{_git(repo)}/compare", {"from": base, "to": head}).object()
        return [_commit(part(row)) for row in found.get("commits") or ()]

    # Writing

    def write(self, repo: str, writing: Writing) -> str:
        """A base is taken in by starting over from it: GitLab's commits have one parent."""
        files, at = dict(writing.files), writing.base
        if writing.old and not writing.takes_in:
            files, at = {**self._back(repo, writing, writing.old), **files}, writing.old
        lines = [_line(path, self._entry_at(repo, at, path), data) for path, data in sorted(files.items())]
        body: dict[str, Any] = {
            "branch": writing.branch,
            "commit_message": writing.message,
            "author_name": writing.author.name,
            "author_email": writing.author.address,
            "actions": [line for line in lines if line],
        }
        if writing.old is None or writing.takes_in:
            body["start_sha"] = writing.base
        if writing.takes_in:
            body["force"] = True
        answer = self._http.send("POST", f"{_git(repo)}/commits", body, also=(400, 409))
        if answer.status >= 400:
            raise Unavailable(f"{writing.branch} moved meanwhile. {said_by(answer)}")
        return needed(answer.object(), "id")

    def _back(self, repo: str, writing: Writing, old: str) -> dict[str, bytes | None]:
        """What the branch changed and the change does not, as the base has it."""
        params = {"from": writing.base, "to": old, "straight": "true"}
        rows = self._http.get(f"{_git(repo)}/compare", params).object().get("diffs") or []
        paths = {text(part(row), side) for row in rows for side in ("old_path", "new_path")}
        return {path: self._content(repo, writing.base, path) for path in paths - set(writing.files) - {""}}

    def _content(self, repo: str, commit: str, path: str) -> bytes | None:
        entry = self._entry_at(repo, commit, path)
        return self.blob(repo, entry.sha) if entry and entry.kind == "file" else None

    def _entry_at(self, repo: str, commit: str, path: str) -> Entry | None:
        folder, _, name = path.rpartition("/")
        return self.folder(repo, commit, folder).get(name)

    # Merge requests

    def find(self, repo: str, branch: str) -> Pull | None:
        params = {"source_branch": branch, "state": "all", "order_by": "created_at", "per_page": "30"}
        rows = self._http.get(f"{_at(repo)}/merge_requests", params).rows()
        mine = [_pull(row) for row in rows if row.get("source_project_id") == row.get("target_project_id")]
        return next((pull for pull in mine if pull.state == "open"), mine[0] if mine else None)

    def pull(self, repo: str, number: int) -> Pull | None:
        found = self._http.find(f"{_at(repo)}/merge_requests/{number}")
        return self._whole(repo, found.object()) if found else None

    def _whole(self, repo: str, row: dict[str, Any]) -> Pull:
        """With how many lines it adds and removes, which GitLab does not count."""
        diffs = [text(diff, "diff") for diff in self._diffs(repo, number_of(row, "iid"))]
        signs = [line[:1] for diff in diffs for line in diff.splitlines()]
        return _pull(row, additions=signs.count("+"), deletions=signs.count("-"))

    def _diffs(self, repo: str, number: int) -> list[dict[str, Any]]:
        return self._http.rows(f"{_at(repo)}/merge_requests/{number}/diffs", {"per_page": "100"})

    def changed(self, repo: str, pull: Pull) -> list[str]:
        rows = self._diffs(repo, pull.number)
        names = [text(row, name) for row in rows for name in ("new_path", "old_path")]
        return [name for name in names if name]

    def open(self, repo: str, branch: str, base: str, title: str, body: str) -> Pull | None:
        said = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        answer = self._http.send("POST", f"{_at(repo)}/merge_requests", said, also=(400, 409, 422))
        if answer.status == 409:
            return None
        if answer.status >= 400:  # such as a branch that is not to be seen yet
            raise Unavailable(said_by(answer))
        return self._whole(repo, answer.object())

    def edit(self, repo: str, number: int, title: str, body: str) -> None:
        self._change(repo, number, {"title": title, "description": body})

    def close(self, repo: str, number: int) -> None:
        self._change(repo, number, {"state_event": "close"})

    def _change(self, repo: str, number: int, said: dict[str, Any]) -> None:
        self._http.send("PUT", f"{_at(repo)}/merge_requests/{number}", said)

    def merge(self, repo: str, number: int, head: str, title: str, message: str) -> Merged:
        said = {
            "sha": head,
            "merge_commit_message": f"{title}\n\n{message}",
            "should_remove_source_branch": False,
        }
        path = f"{_at(repo)}/merge_requests/{number}/merge"
        answer = self._http.send("PUT", path, said, also=(405, 406, 409, 422))
        if answer.status >= 300:
            return Merged(why=said_by(answer))
        return Merged(_pull(answer.object()).merge_sha)

    def notes(self, repo: str, number: int) -> list[Note]:
        params = {"sort": "asc", "order_by": "created_at", "per_page": "100"}
        rows = self._http.rows(f"{_at(repo)}/merge_requests/{number}/notes", params)
        return [_note(row) for row in rows if not row.get("system")]

    def add_note(self, repo: str, number: int, body: str) -> Note:
        path = f"{_at(repo)}/merge_requests/{number}/notes"
        return _note(self._http.send("POST", path, {"body": body}).object())

    def votes(self, repo: str, number: int) -> list[Vote]:
        """Notes by our marks, and approvals; of which commit those are, only times tell."""
        ours = [Vote(note.author, note.body, "", note.at, False) for note in self.notes(repo, number)]
        found = self._http.get(f"{_at(repo)}/merge_requests/{number}/approvals").object()
        given = [part(row) for row in found.get("approved_by") or ()]
        versions = self._versions(repo, number) if given else []
        return ours + [_vote(row, versions) for row in given]

    def _versions(self, repo: str, number: int) -> list[tuple[datetime, str]]:
        rows = self._http.rows(f"{_at(repo)}/merge_requests/{number}/versions", {"per_page": "100"})
        return sorted((moment(row.get("created_at")), text(row, "head_commit_sha")) for row in rows)

    def add_vote(self, repo: str, number: int, head: str, body: str) -> None:
        """As a note: nobody approves with the account that proposed it."""
        self.add_note(repo, number, body)

    def label(self, repo: str, pull: Pull, labels: tuple[str, ...]) -> None:
        self._change(repo, pull.number, {"add_labels": ",".join(labels)})

    def ask(self, repo: str, pull: Pull, handles: tuple[str, ...]) -> None:
        """People alone: groups review nothing in GitLab."""
        found = [self._http.get("/api/v4/users", {"username": h}).rows() for h in handles if "/" not in h]
        if ids := [row["id"] for rows in found for row in rows[:1]]:
            self._change(repo, pull.number, {"reviewer_ids": ids})

    def checks(self, repo: str, head: str) -> list[Check]:
        rows = self._http.rows(f"{_git(repo)}/commits/{segment(head)}/statuses", {"per_page": "100"})
        return newest(
            Check(
                state_of(row.get("status")),
                text(row, "description"),
                text(row, "target_url"),
                text(row, "name"),
            )
            for row in rows
        )

    def report(self, repo: str, head: str, check: Check) -> None:
        said = {"state": STATES[check.state], "name": check.name, "description": check.summary}
        url = {"target_url": check.url} if check.url else {}
        self._http.send("POST", f"{_at(repo)}/statuses/{segment(head)}", {**said, **url})

    def rights(self, repo: str) -> Rights:
        project = self._http.get(_at(repo)).object()
        user = self._http.get("/api/v4/user").object()
        token = self._http.find("/api/v4/personal_access_tokens/self")
        return rights.of_gitlab(project, user, token.object() if token else {})


def _at(repo: str) -> str:
    return f"/api/v4/projects/{segment(repo)}"


def _git(repo: str) -> str:
    return f"{_at(repo)}/repository"


def _line(path: str, entry: Entry | None, data: bytes | None) -> dict[str, str]:
    if data is None:
        return {"action": "delete", "file_path": path} if entry else {}
    packed = {"file_path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}
    return {"action": "update" if entry else "create", **packed}


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(kind_of(row.get("mode")), needed(row, "id"))


def _commit(row: dict[str, Any]) -> Commit:
    mail = text(row, "author_email")
    person = Person(mail.partition("@")[0], text(row, "author_name"), mail)
    at = moment(row.get("committed_date") or row.get("created_at"))
    parents = tuple(str(parent) for parent in row.get("parent_ids") or ())
    return Commit(needed(row, "id"), text(row, "message"), person, at, parents)


def _pull(row: dict[str, Any], **counted: int) -> Pull:
    merged = row.get("state") == "merged"
    shas = [text(row, name) for name in ("merge_commit_sha", "squash_commit_sha", "sha")]
    return Pull(
        number=number_of(row, "iid"),
        branch=text(row, "source_branch"),
        base=needed(row, "target_branch"),
        title=text(row, "title"),
        body=text(row, "description"),
        state="merged" if merged else "closed" if row.get("state") == "closed" else "open",
        head_sha=text(row, "sha"),
        author=person_of(part(row, "author")),
        url=text(row, "web_url"),
        created_at=moment(row.get("created_at")),
        base_sha=text(part(row, "diff_refs"), "base_sha"),
        merge_sha=next((sha for sha in shas if SHA.fullmatch(sha)), "") if merged else "",
        mergeable=_mergeable(row),
        merged_at=perhaps(row.get("merged_at")) if merged else None,
        merged_by=text(part(row, "merge_user"), "username") or text(part(row, "merged_by"), "username"),
        closed_at=perhaps(row.get("closed_at")) if not merged else None,
        closed_by=text(part(row, "closed_by"), "username"),
        labels=frozenset(str(label) for label in row.get("labels") or ()),
        reviewers=frozenset(text(part(each), "username") for each in row.get("reviewers") or ()),
        **counted,
    )


def _mergeable(row: dict[str, Any]) -> bool | None:
    """None while GitLab finds out; what else keeps it from merging is said when it is asked to."""
    if row.get("state") != "opened" or text(row, "detailed_merge_status") in CHECKING:
        return None
    return not row.get("has_conflicts")


def _note(row: dict[str, Any]) -> Note:
    return Note(
        str(row.get("id")), person_of(part(row, "author")), text(row, "body"), moment(row.get("created_at"))
    )


def _vote(row: dict[str, Any], versions: list[tuple[datetime, str]]) -> Vote:
    """Of the newest version there was by then; of none where GitLab does not say when."""
    at = perhaps(row.get("approved_at"))
    seen = [sha for when, sha in versions if at and when <= at]
    known = at or (versions[-1][0] if versions else moment("1970-01-01T00:00:00Z"))
    return Vote(person_of(part(row, "user")), "", seen[-1] if seen else "", known, True)
