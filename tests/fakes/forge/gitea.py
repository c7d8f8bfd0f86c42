"""The forge as Gitea."""

import base64
import re
from collections.abc import Callable
from typing import Any

from .shapes import commit_row, pull_row, repository, user
from .state import BOT, Forge, Pull
from .words import MISSING, Answer, Ask, blob_of, lines_of, paged, tree_of, unpacked

Route = Callable[..., Answer]
ROUTES: list[tuple[str, re.Pattern[str], Route]] = []


def route(method: str, pattern: str) -> Callable[[Route], Route]:
    def add(function: Route) -> Route:
        ROUTES.append((method, re.compile(pattern), function))
        return function

    return add


def answer(forge: Forge, ask: Ask) -> Answer:
    path = "/".join(ask.parts)
    start = f"api/v1/repos/{forge.name}"
    if path != start and not path.startswith((f"{start}/", "api/v1/user")):
        return MISSING
    for method, pattern, function in ROUTES:
        found = pattern.fullmatch(path.removeprefix(start))
        if method == ask.method and found:
            return function(forge, ask, *found.groups())
    return MISSING


def linked(rows: list[Any], ask: Ask, most: int = 50) -> Answer:
    """A page, and where the next one is."""
    found = paged(rows, ask, most)
    page, size = int(ask.query.get("page", 1)), min(int(ask.query.get("limit") or 30), most)
    more = len(rows) > page * size
    query = "&".join(f"{key}={value}" for key, value in {**ask.query, "page": page + 1}.items())
    address = f"http://{ask.headers['Host']}{ask.path}?{query}"
    return Answer(200, found, {"Link": f'<{address}>; rel="next"'} if more else {})


@route("GET", "")
def repo(forge: Forge, ask: Ask) -> Answer:
    return Answer(200, repository(forge))


@route("GET", "api/v1/user")
def me(forge: Forge, ask: Ask) -> Answer:
    return Answer(200, {"id": 7, "login": BOT, "full_name": "", "is_admin": forge.is_admin})


# Git


@route("GET", "/branches/(.+)")
def branch(forge: Forge, ask: Ask, name: str) -> Answer:
    sha = forge.tip(name, truth=False)
    return Answer(200, {"name": name, "commit": {"id": sha}}) if sha else MISSING


@route("POST", "/branches")
def make_branch(forge: Forge, ask: Ask) -> Answer:
    name = ask.body["new_branch_name"]
    if forge.tip(name):
        return Answer(409, {"message": "The branch already exists."})
    forge.move(name, ask.body["old_ref_name"])
    return Answer(201, {"name": name, "commit": {"id": ask.body["old_ref_name"]}})


@route("GET", "/git/commits/(.+)")
def commit(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = forge.resolve(sha)
    return Answer(200, commit_row(found)) if found else MISSING


@route("GET", "/git/trees/(.+)")
def tree(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = tree_of(forge, sha)
    if found is None:
        return MISSING
    rows = lines_of(found)
    size, page = 3, int(ask.query["page"])
    cut = len(rows) > page * size
    return Answer(
        200, {"sha": sha, "tree": rows[(page - 1) * size : page * size], "truncated": cut, "page": page}
    )


@route("GET", "/git/blobs/(.+)")
def blob(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = blob_of(forge, sha)
    if found is None:
        return MISSING
    return Answer(200, {"sha": sha, "encoding": "base64", "content": base64.b64encode(found).decode()})


@route("GET", "/commits")
def commits(forge: Forge, ask: Ask) -> Answer:
    start = forge.resolve(ask.query["sha"])
    found = forge.log(str(start.id), ask.query.get("path", "")) if start else []
    return linked([commit_row(each) for each in found], ask)


@route("GET", r"/compare/(.+)\.\.\.(.+)")
def compare(forge: Forge, ask: Ask, base: str, head: str) -> Answer:
    one, other = forge.resolve(base), forge.resolve(head)
    if one is None or other is None:
        return MISSING
    found = forge.beyond(str(one.id), str(other.id))[::-1]
    return Answer(200, {"total_commits": len(found), "commits": [_with_files(forge, each) for each in found]})


def _with_files(forge: Forge, each: Any) -> dict[str, Any]:
    before = str(each.parent_ids[0])
    files = [{"filename": path, "status": status} for status, path, *_ in forge.patches(before, str(each.id))]
    return {**commit_row(each), "files": files}


@route("POST", "/contents")
def contents(forge: Forge, ask: Ask) -> Answer:
    name, tip = ask.body["branch"], forge.tip(ask.body["branch"])
    if not tip or not forge.tip(name, truth=False):
        return Answer(404, {"message": "branch does not exist"})
    here = forge.git[tip].tree
    files: dict[str, bytes | None] = {}
    for line in ask.body["files"]:
        path, known = line["path"], str(here[line["path"]].id) if line["path"] in here else ""
        if known != line.get("sha", ""):
            return Answer(422, {"message": f"sha does not match or repository file already exists [{path}]"})
        files[path] = None if line["operation"] == "delete" else unpacked(line["content"])
    author = f"{ask.body['author']['name']} <{ask.body['author']['email']}>"
    made = forge.commit([tip], files, ask.body["message"], author)
    forge.move(name, made)
    return Answer(201, {"commit": {"sha": made}, "files": []})


# Pull requests


def row(forge: Forge, pull: Pull) -> dict[str, Any]:
    found = pull_row(forge, pull, full=True)
    return {**found, "merge_base": forge.base_of(pull), "mergeable": bool(found["mergeable"])}


@route("GET", r"/pulls/(\d+)")
def pull(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.visible(int(number))
    return Answer(200, row(forge, found)) if found else MISSING


@route("GET", r"/pulls/(\d+)/files")
def files(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    rows = [
        {"filename": path, "status": status}
        for status, path, *_ in forge.patches(forge.base_of(found), found.head)
    ]
    return linked(rows, ask)


@route("GET", r"/pulls/(\d+)/reviews")
def reviews(forge: Forge, ask: Ask, number: str) -> Answer:
    return linked([_review(each) for each in forge.reviews(forge.pulls[int(number)])], ask)


@route("POST", r"/pulls/(\d+)/reviews")
def add_review(forge: Forge, ask: Ask, number: str) -> Answer:
    if ask.body["event"] != "COMMENT":
        return Answer(422, {"message": "approve your own pull is not allowed"})
    found = forge.pulls[int(number)]
    return Answer(200, _review(forge.review(found, "COMMENT", ask.body["body"], head=ask.body["commit_id"])))


def _review(said: Any) -> dict[str, Any]:
    known = {"id": said.id, "user": user(said.by), "body": said.body, "state": said.state, "dismissed": False}
    return {**known, "commit_id": said.head, "submitted_at": said.at}


@route("GET", "/pulls/main/(.+)")
def by_branch(forge: Forge, ask: Ask, name: str) -> Answer:
    found = forge.of_branch(name)
    return Answer(200, row(forge, found[0])) if found else MISSING


@route("POST", "/pulls")
def make_pull(forge: Forge, ask: Ask) -> Answer:
    name = ask.body["head"]
    if not forge.tip(name, truth=False):
        return Answer(404, {"message": "head branch does not exist"})
    if forge.is_open(name):
        return Answer(409, {"message": "pull request already exists for these targets"})
    return Answer(201, row(forge, forge.open(name, ask.body["base"], ask.body["title"], ask.body["body"])))


@route("PATCH", r"/pulls/(\d+)")
def edit_pull(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    found.title, found.body = ask.body.get("title", found.title), ask.body.get("body", found.body)
    if ask.body.get("state") == "closed":
        forge.close(found)
    return Answer(201, row(forge, found))


@route("POST", r"/pulls/(\d+)/merge")
def merge(forge: Forge, ask: Ask, number: str) -> Answer:
    if forge.still_checking:
        return Answer(405, {"message": "Please try again later"})
    text = f"{ask.body['MergeTitleField']}\n\n{ask.body['MergeMessageField']}"
    why = forge.merge(forge.pulls[int(number)], text, head=ask.body["head_commit_id"])
    if why == "moved":
        return Answer(409, {"message": "head out of date"})
    if why:
        told = {"rules": "Does not have enough approvals", "ended": "The PR is already merged"}
        return Answer(405, {"message": told.get(why, "not mergeable")})
    return Answer(200)


@route("POST", r"/pulls/(\d+)/update")
def update(forge: Forge, ask: Ask, number: str) -> Answer:
    done = forge.take_in(forge.pulls[int(number)])
    return Answer(200) if done else Answer(409, {"message": "merge failed because of conflict"})


@route("GET", r"/issues/(\d+)/comments")
def notes(forge: Forge, ask: Ask, number: str) -> Answer:
    return Answer(200, [_note(note) for note in forge.notes(forge.pulls[int(number)])])


@route("POST", r"/issues/(\d+)/comments")
def add_note(forge: Forge, ask: Ask, number: str) -> Answer:
    return Answer(201, _note(forge.say(forge.pulls[int(number)], ask.body["body"])))


def _note(said: Any) -> dict[str, Any]:
    return {"id": said.id, "user": user(said.by), "body": said.body, "created_at": said.at}


@route("GET", "/labels")
def labels(forge: Forge, ask: Ask) -> Answer:
    return linked([{"id": number, "name": name} for name, number in forge.labels.items()], ask)


@route("POST", "/labels")
def make_label(forge: Forge, ask: Ask) -> Answer:
    number = forge.labels[ask.body["name"]] = len(forge.labels) + 1
    return Answer(201, {"id": number, "name": ask.body["name"]})


@route("POST", r"/issues/(\d+)/labels")
def label(forge: Forge, ask: Ask, number: str) -> Answer:
    found, names = forge.pulls[int(number)], {number: name for name, number in forge.labels.items()}
    found.labels += [names[each] for each in ask.body["labels"]]
    return Answer(200, [])


@route("POST", r"/pulls/(\d+)/requested_reviewers")
def ask_for(forge: Forge, ask: Ask, number: str) -> Answer:
    names = ask.body.get("reviewers", []) + ask.body.get("team_reviewers", [])
    if any(name not in forge.people for name in names):
        return Answer(404, {"message": "user does not exist"})
    if BOT in names:
        return Answer(422, {"message": "poster of pr can't be reviewer"})
    forge.pulls[int(number)].asked += names
    return Answer(201, [])


@route("GET", "/commits/(.+)/statuses")
def statuses(forge: Forge, ask: Ask, sha: str) -> Answer:
    return Answer(200, [{**row, "status": row["state"]} for row in forge.statuses.get(sha, [])])


@route("POST", "/statuses/(.+)")
def report(forge: Forge, ask: Ask, sha: str) -> Answer:
    return Answer(201, {**forge.report(sha, **ask.body), "status": ask.body["state"]})
