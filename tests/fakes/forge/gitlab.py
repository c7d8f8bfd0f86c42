"""The forge as GitLab."""

import re
from collections.abc import Callable
from typing import Any

from .state import BOT, Forge, Pull
from .words import MISSING, MODES, Answer, Ask, blob_of, kind, paged, stamp, unpacked

Route = Callable[..., Answer]
ROUTES: list[tuple[str, re.Pattern[str], Route]] = []


def route(method: str, pattern: str) -> Callable[[Route], Route]:
    def add(function: Route) -> Route:
        ROUTES.append((method, re.compile(pattern), function))
        return function

    return add


def answer(forge: Forge, ask: Ask) -> Answer:
    """A project's name is one part of the address."""
    if ask.parts[2] == "projects" and ask.parts[3] != forge.name:
        return Answer(404, {"message": "404 Project Not Found"})
    path = "/".join(ask.parts[2:] if ask.parts[2] != "projects" else ("", *ask.parts[4:]))
    for method, pattern, function in ROUTES:
        found = pattern.fullmatch(path)
        if method == ask.method and found:
            return function(forge, ask, *found.groups())
    return MISSING


def numbered(rows: list[Any], ask: Ask) -> Answer:
    found, page = paged(rows, ask), int(ask.query.get("page", 1))
    more = len(rows) > page * int(ask.query.get("per_page") or 20)
    return Answer(200, found, {"x-next-page": str(page + 1) if more else ""})


@route("GET", "")
def project(forge: Forge, ask: Ask) -> Answer:
    may = {"project_access": {"access_level": forge.level}, "group_access": None}
    known = {"id": 1, "path_with_namespace": forge.name, "default_branch": forge.trunk}
    return Answer(200, {**known, "archived": forge.archived, "permissions": may})


@route("GET", "user")
def me(forge: Forge, ask: Ask) -> Answer:
    return Answer(
        200, {"id": 1, "username": BOT, "name": BOT, **({"is_admin": True} if forge.is_admin else {})}
    )


@route("GET", "users")
def users(forge: Forge, ask: Ask) -> Answer:
    name = ask.query["username"]
    return Answer(200, [{"id": forge.people[name], "username": name}] if name in forge.people else [])


@route("GET", "personal_access_tokens/self")
def token(forge: Forge, ask: Ask) -> Answer:
    if not forge.scopes:
        return MISSING
    return Answer(
        200, {"id": 1, "scopes": forge.scopes, "expires_at": None if "sudo" in forge.scopes else "2027-01-01"}
    )


# Git


@route("GET", "/repository/branches/(.+)")
def branch(forge: Forge, ask: Ask, name: str) -> Answer:
    sha = forge.tip(name, truth=False)
    return Answer(200, {"name": name, "commit": {"id": sha}}) if sha else MISSING


@route("GET", "/repository/commits/([0-9a-f]{40})")
def commit(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = forge.resolve(sha)
    return Answer(200, commit_row(found)) if found else MISSING


def commit_row(each: Any) -> dict[str, Any]:
    author, at = each.author, stamp(each.commit_time)
    people = {
        "author_name": author.name,
        "author_email": author.email,
        "committed_date": at,
        "created_at": at,
    }
    return {
        "id": str(each.id),
        "message": each.message,
        **people,
        "parent_ids": [str(p) for p in each.parent_ids],
    }


@route("GET", "/repository/commits")
def commits(forge: Forge, ask: Ask) -> Answer:
    start = forge.resolve(ask.query["ref_name"])
    found = forge.log(str(start.id), ask.query.get("path", "")) if start else []
    return numbered([commit_row(each) for each in found], ask)


@route("GET", "/repository/tree")
def tree(forge: Forge, ask: Ask) -> Answer:
    found = forge.resolve(ask.query["ref"])
    path = ask.query.get("path", "")
    if found is None or (path and path not in found.tree):
        return Answer(404, {"message": "404 Tree Not Found"})
    start = found.tree[path] if path else found.tree
    if kind(start) != "tree" and path:
        return Answer(404, {"message": "404 invalid revision or path Not Found"})
    rows = list(_lines(start, f"{path}/" if path else "", "recursive" in ask.query))
    return numbered(rows, ask)


def _lines(start: Any, prefix: str, deep: bool) -> Any:
    for entry in start:
        path = f"{prefix}{entry.name}"
        yield {
            "id": str(entry.id),
            "name": entry.name,
            "type": kind(entry),
            "path": path,
            "mode": MODES[entry.filemode],
        }
        if deep and kind(entry) == "tree":
            yield from _lines(entry, f"{path}/", deep)


@route("GET", "/repository/blobs/(.+)/raw")
def blob(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = blob_of(forge, sha)
    return MISSING if found is None else Answer(200, found)


@route("GET", "/repository/compare")
def compare(forge: Forge, ask: Ask) -> Answer:
    one, other = forge.resolve(ask.query["from"]), forge.resolve(ask.query["to"])
    if one is None or other is None:
        return MISSING
    base = str(one.id)
    rows = [commit_row(each) for each in forge.beyond(base, str(other.id))]
    if "straight" not in ask.query:
        base = forge.merge_base(base, str(other.id))
    return Answer(200, {"commits": rows, "diffs": _diffs(forge, base, str(other.id))})


def _diffs(forge: Forge, base: str, head: str) -> list[dict[str, str]]:
    return [
        {"old_path": path, "new_path": path, "diff": patch}
        for _, path, patch, *_ in forge.patches(base, head)
    ]


@route("POST", "/repository/commits")
def make_commit(forge: Forge, ask: Ask) -> Answer:
    name, start = ask.body["branch"], ask.body.get("start_sha", "")
    old = forge.tip(name)
    if start and old and not ask.body.get("force"):
        return Answer(400, {"message": f"A branch called '{name}' already exists."})
    base = start or old
    if not base:
        return Answer(400, {"message": "You can only create or edit files when you are on a branch"})
    here, files = forge.git[base].tree, dict[str, bytes | None]()
    for line in ask.body["actions"]:
        path = line["file_path"]
        if (line["action"] == "create") is (path in here):
            return Answer(400, {"message": "A file with this name already exists, or does not"})
        files[path] = None if line["action"] == "delete" else unpacked(line["content"])
    author = f"{ask.body['author_name']} <{ask.body['author_email']}>"
    made = forge.commit([base], files, ask.body["commit_message"], author)
    forge.move(name, made)
    return Answer(201, commit_row(forge.git[made]))


# Merge requests


def row(forge: Forge, pull: Pull, full: bool = True) -> dict[str, Any]:
    person = {"id": 1, "username": pull.by, "name": pull.by}
    merged, closed = pull.state == "merged", pull.state == "closed"
    conflicts = pull.state == "open" and not forge.merges(pull)
    status = "checking" if forge.still_checking else "conflict" if conflicts else "mergeable"
    found: dict[str, Any] = {
        "iid": pull.number, "title": pull.title, "description": pull.body, "author": person, "sha": pull.head,
        "state": {"open": "opened"}.get(pull.state, pull.state), "source_branch": pull.branch,
        "target_branch": pull.base, "source_project_id": 1, "target_project_id": 1, "created_at": pull.at,
        "web_url": f"https://gitlab.test/{forge.name}/-/merge_requests/{pull.number}", "labels": pull.labels,
        "merged_at": pull.ended_at if merged else None, "merge_commit_sha": pull.merge_sha or None,
        "merge_user": {"username": pull.merged_by} if merged else None, "has_conflicts": conflicts,
        "closed_at": pull.ended_at if closed else None, "detailed_merge_status": status,
        "closed_by": {"username": pull.closed_by} if closed else None,
        "reviewers": [{"username": name} for name in pull.asked],
    }  # fmt: skip
    return {**found, "diff_refs": {"base_sha": forge.base_of(pull), "head_sha": pull.head}} if full else found


@route("GET", "/merge_requests")
def merge_requests(forge: Forge, ask: Ask) -> Answer:
    found = forge.of_branch(ask.query["source_branch"])
    return numbered([row(forge, pull, full=False) for pull in found], ask)


@route("POST", "/merge_requests")
def make(forge: Forge, ask: Ask) -> Answer:
    name = ask.body["source_branch"]
    if not forge.tip(name, truth=False):
        return Answer(400, {"message": {"source_branch": ["does not exist"]}})
    if forge.is_open(name):
        return Answer(
            409, {"message": ["Another open merge request already exists for this source branch: !1"]}
        )
    return Answer(
        201,
        row(forge, forge.open(name, ask.body["target_branch"], ask.body["title"], ask.body["description"])),
    )


@route("GET", r"/merge_requests/(\d+)")
def one(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.visible(int(number))
    return Answer(200, row(forge, found)) if found else MISSING


@route("PUT", r"/merge_requests/(\d+)")
def edit(forge: Forge, ask: Ask, number: str) -> Answer:
    found, said = forge.pulls[int(number)], ask.body
    found.title, found.body = said.get("title", found.title), said.get("description", found.body)
    found.labels += [name for name in said.get("add_labels", "").split(",") if name]
    names = {number: name for name, number in forge.people.items()}
    found.asked = [names[each] for each in said["reviewer_ids"]] if "reviewer_ids" in said else found.asked
    if said.get("state_event") == "close":
        forge.close(found)
    return Answer(200, row(forge, found))


@route("PUT", r"/merge_requests/(\d+)/merge")
def merge(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    if forge.still_checking:
        return Answer(405, {"message": "405 Method Not Allowed"})
    why = forge.merge(found, ask.body["merge_commit_message"], head=ask.body["sha"])
    if why == "moved":
        return Answer(409, {"message": "SHA does not match HEAD of source branch"})
    if why:
        return Answer(405, {"message": "405 Method Not Allowed"})
    return Answer(200, row(forge, found))


@route("GET", r"/merge_requests/(\d+)/diffs")
def diffs(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    return numbered(_diffs(forge, forge.base_of(found), found.head), ask)


@route("GET", r"/merge_requests/(\d+)/notes")
def notes(forge: Forge, ask: Ask, number: str) -> Answer:
    found = [_note(note) for note in forge.notes(forge.pulls[int(number)])]
    system = {
        "id": 0,
        "body": "added 1 commit",
        "author": {"username": BOT},
        "system": True,
        "created_at": stamp(0),
    }
    return numbered([system, *found], ask)


@route("POST", r"/merge_requests/(\d+)/notes")
def add_note(forge: Forge, ask: Ask, number: str) -> Answer:
    return Answer(201, _note(forge.say(forge.pulls[int(number)], ask.body["body"])))


def _note(said: Any) -> dict[str, Any]:
    author = {"username": said.by, "name": said.by}
    return {"id": said.id, "body": said.body, "author": author, "system": False, "created_at": said.at}


@route("GET", r"/merge_requests/(\d+)/approvals")
def approvals(forge: Forge, ask: Ask, number: str) -> Answer:
    given = [each for each in forge.reviews(forge.pulls[int(number)]) if each.state.startswith("APPROVED")]
    rows = [{"user": {"username": each.by, "name": each.by}, "approved_at": each.at} for each in given]
    if any(each.state == "APPROVED without time" for each in given):  # as older ones answer
        rows = [{"user": row["user"]} for row in rows]
    return Answer(200, {"approved_by": rows})


@route("GET", r"/merge_requests/(\d+)/versions")
def versions(forge: Forge, ask: Ask, number: str) -> Answer:
    found = reversed(forge.pulls[int(number)].versions)
    return numbered([{"head_commit_sha": sha, "created_at": at} for at, sha in found], ask)


@route("GET", "/repository/commits/(.+)/statuses")
def statuses(forge: Forge, ask: Ask, sha: str) -> Answer:
    return numbered([{**row, "status": row["state"]} for row in forge.statuses.get(sha, [])], ask)


@route("POST", "/statuses/(.+)")
def report(forge: Forge, ask: Ask, sha: str) -> Answer:
    return Answer(201, {**forge.report(sha, **ask.body), "status": ask.body["state"]})
