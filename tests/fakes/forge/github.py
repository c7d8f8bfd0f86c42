"""The forge as GitHub: every answer has the shape that GitHub's published description promises."""

import re
from collections.abc import Callable
from typing import Any

import pygit2

from .shapes import AT, commit_row, pull_row, repository, simple_commit, user
from .state import BOT, Forge, Pull
from .words import MISSING, Answer, Ask, blob_of, lines_of, paged, tree_of, unpacked

Route = Callable[..., Answer]
ROUTES: list[tuple[str, re.Pattern[str], Route]] = []
SHA = re.compile(r"[0-9a-f]{40}")


def route(method: str, pattern: str) -> Callable[[Route], Route]:
    def add(function: Route) -> Route:
        ROUTES.append((method, re.compile(pattern), function))
        return function

    return add


def answer(forge: Forge, ask: Ask) -> Answer:
    path = "/".join(ask.parts)
    start = f"repos/{forge.name}"
    if path != start and not path.startswith((f"{start}/", "user", "app/")):
        return MISSING
    for method, pattern, function in ROUTES:
        found = pattern.fullmatch(path.removeprefix(start))
        if method == ask.method and found:
            return function(forge, ask, *found.groups())
    return MISSING


def unprocessable(message: str, **error: str) -> Answer:
    return Answer(422, {"message": "Validation Failed", "errors": [{"message": message, **error}]})


@route("GET", "")
def repo(forge: Forge, ask: Ask) -> Answer:
    return Answer(200, repository(forge, full=True))


@route("GET", "user")
def me(forge: Forge, ask: Ask) -> Answer:
    more = {"public_repos": 1, "public_gists": 0, "followers": 0, "following": 0, "user_view_type": "private"}
    texts = dict.fromkeys(("name", "company", "blog", "location", "email", "bio"))
    times = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
    body = {**user(BOT), **texts, **more, **times, "hireable": None, "blog": ""}
    return Answer(200, body, {"X-OAuth-Scopes": ", ".join(forge.scopes)})


@route("POST", r"app/installations/(\d+)/access_tokens")
def app_token(forge: Forge, ask: Ask, number: str) -> Answer:
    from .server import TOKEN

    held = {"contents": "write", "pull_requests": "write", "statuses": "write", "metadata": "read"}
    body = {
        "token": TOKEN,
        "expires_at": "2099-01-01T00:00:00Z",
        "permissions": held,
        "repository_selection": "all",
    }
    return Answer(201, body)


# Git


@route("GET", "/git/ref/heads/(.+)")
def ref(forge: Forge, ask: Ask, branch: str) -> Answer:
    sha = forge.tip(branch, truth=False)
    return Answer(200, _ref(branch, sha)) if sha else MISSING


def _ref(branch: str, sha: str) -> dict[str, Any]:
    target = {"type": "commit", "sha": sha, "url": "https://github.test/commit"}
    return {"ref": f"refs/heads/{branch}", "node_id": "R", "url": "https://github.test/ref", "object": target}


@route("POST", "/git/refs")
def make_ref(forge: Forge, ask: Ask) -> Answer:
    branch = ask.body["ref"].removeprefix("refs/heads/")
    if forge.tip(branch):
        return Answer(422, {"message": "Reference already exists"})
    forge.move(branch, ask.body["sha"])
    return Answer(201, _ref(branch, ask.body["sha"]))


@route("PATCH", "/git/refs/heads/(.+)")
def move_ref(forge: Forge, ask: Ask, branch: str) -> Answer:
    if forge.beyond(ask.body["sha"], forge.tip(branch)):
        return Answer(422, {"message": "Update is not a fast forward"})
    forge.move(branch, ask.body["sha"])
    return Answer(200, _ref(branch, ask.body["sha"]))


@route("GET", "/git/commits/(.+)")
def git_commit(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = forge.resolve(sha)
    return Answer(200, simple_commit(found)) if found else MISSING


@route("POST", "/git/commits")
def make_commit(forge: Forge, ask: Ask) -> Answer:
    author = f"{ask.body['author']['name']} <{ask.body['author']['email']}>"
    sha = forge.commit_tree(ask.body["tree"], ask.body["parents"], ask.body["message"], author)
    return Answer(201, simple_commit(forge.git[sha]))


@route("GET", "/git/trees/(.+)")
def tree(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = tree_of(forge, sha)
    if found is None:
        return MISSING
    return Answer(200, {"sha": str(found.id), "tree": lines_of(found), "truncated": False})


@route("POST", "/git/trees")
def make_tree(forge: Forge, ask: Ask) -> Answer:
    index = pygit2.Index()
    index.read_tree(forge.git[ask.body["base_tree"]])
    for line in ask.body["tree"]:
        if "content" in line:
            index.add(
                pygit2.IndexEntry(line["path"], forge.git.create_blob(line["content"].encode()), 0o100644)
            )
        elif line["sha"] is None:
            index.remove(line["path"])
        else:
            index.add(pygit2.IndexEntry(line["path"], pygit2.Oid(hex=line["sha"]), 0o100644))
    made = forge.git[index.write_tree(forge.git)]
    return Answer(
        201, {"sha": str(made.id), "url": "https://github.test/t", "tree": lines_of(made), "truncated": False}
    )


@route("GET", "/git/blobs/(.+)")
def blob(forge: Forge, ask: Ask, sha: str) -> Answer:
    found = blob_of(forge, sha)
    return MISSING if found is None else Answer(200, found)


@route("POST", "/git/blobs")
def make_blob(forge: Forge, ask: Ask) -> Answer:
    sha = str(forge.git.create_blob(unpacked(ask.body["content"])))
    return Answer(201, {"sha": sha, "url": "https://github.test/b"})


@route("GET", "/commits")
def commits(forge: Forge, ask: Ask) -> Answer:
    start = forge.resolve(ask.query["sha"])
    found = forge.log(str(start.id), ask.query.get("path", "")) if start else []
    return Answer(200, [commit_row(each) for each in paged(found, ask)])


@route("GET", r"/compare/(.+)\.\.\.(.+)")
def compare(forge: Forge, ask: Ask, base: str, head: str) -> Answer:
    one, other = forge.resolve(base), forge.resolve(head)
    if one is None or other is None:
        return MISSING
    ahead = forge.beyond(str(one.id), str(other.id))
    behind = len(forge.beyond(str(other.id), str(one.id)))
    fork = forge.git[forge.merge_base(str(one.id), str(other.id))]
    state = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    urls = ("url", "html_url", "permalink_url", "diff_url", "patch_url")
    body = {**dict.fromkeys(urls, "https://github.test/compare"), "status": state, "files": []}
    counts = {"ahead_by": len(ahead), "behind_by": behind, "total_commits": len(ahead)}
    rows = {"base_commit": commit_row(one), "merge_base_commit": commit_row(fork)}
    return Answer(
        200, {**body, **counts, **rows, "commits": [commit_row(each) for each in paged(ahead, ask)]}
    )


# Pull requests


@route("GET", "/pulls")
def pulls(forge: Forge, ask: Ask) -> Answer:
    owner, _, branch = ask.query["head"].partition(":")
    found = forge.of_branch(branch) if owner == forge.name.partition("/")[0] else []
    return Answer(200, [pull_row(forge, pull, full=False) for pull in found])


@route("POST", "/pulls")
def make_pull(forge: Forge, ask: Ask) -> Answer:
    branch = ask.body["head"]
    if not forge.tip(branch, truth=False):
        return unprocessable("", resource="PullRequest", field="head", code="invalid")
    if forge.is_open(branch):
        return unprocessable(f"A pull request already exists for shop:{branch}.", code="custom")
    made = forge.open(branch, ask.body["base"], ask.body["title"], ask.body["body"])
    return Answer(201, pull_row(forge, made, full=True))


def of(forge: Forge, number: str) -> Pull | None:
    return forge.visible(int(number))


@route("GET", r"/pulls/(\d+)")
def pull(forge: Forge, ask: Ask, number: str) -> Answer:
    found = of(forge, number)
    return Answer(200, pull_row(forge, found, full=True)) if found else MISSING


@route("PATCH", r"/pulls/(\d+)")
def edit_pull(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    found.title, found.body = ask.body.get("title", found.title), ask.body.get("body", found.body)
    if ask.body.get("state") == "closed":
        forge.close(found)
    return Answer(200, pull_row(forge, found, full=True))


@route("PUT", r"/pulls/(\d+)/merge")
def merge(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    text = f"{ask.body['commit_title']}\n\n{ask.body['commit_message']}"
    why = forge.merge(found, text, head=ask.body["sha"])
    if why == "moved":
        return Answer(409, {"message": "Head branch was modified. Review and try the merge again."})
    if why:
        told = {"rules": "At least 1 approving review is required.", "ended": "Pull Request is not mergeable"}
        return Answer(405, {"message": told.get(why, "Pull Request is not mergeable")})
    return Answer(
        200, {"sha": found.merge_sha, "merged": True, "message": "Pull Request successfully merged"}
    )


@route("GET", r"/pulls/(\d+)/files")
def files(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    rows = [
        {
            "sha": blob, "filename": path, "status": status, "additions": added, "deletions": removed,
            "changes": added + removed, "patch": patch,
            **dict.fromkeys(("blob_url", "raw_url", "contents_url"), "https://github.test/f"),
        }
        for status, path, patch, added, removed, blob in forge.patches(forge.base_of(found), found.head)
    ]  # fmt: skip
    return Answer(200, paged(rows, ask))


@route("GET", r"/issues/(\d+)/comments")
def notes(forge: Forge, ask: Ask, number: str) -> Answer:
    found = of(forge, number)
    return Answer(200, [_note(note) for note in paged(forge.notes(found), ask)]) if found else MISSING


@route("POST", r"/issues/(\d+)/comments")
def add_note(forge: Forge, ask: Ask, number: str) -> Answer:
    return Answer(201, _note(forge.say(forge.pulls[int(number)], ask.body["body"])))


def _note(said: Any) -> dict[str, Any]:
    urls = dict.fromkeys(("url", "html_url", "issue_url"), "https://github.test/comment")
    times = {"created_at": said.at, "updated_at": said.at}
    known = {"id": said.id, "node_id": "C", "user": user(said.by), "body": said.body}
    return {**urls, **times, **known, "author_association": "MEMBER", "performed_via_github_app": None}


@route("GET", r"/pulls/(\d+)/reviews")
def reviews(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    return Answer(200, [_review(each) for each in paged(forge.reviews(found), ask)])


@route("POST", r"/pulls/(\d+)/reviews")
def add_review(forge: Forge, ask: Ask, number: str) -> Answer:
    states = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED"}
    if ask.body["event"] == "APPROVE":
        return unprocessable("Can not approve your own pull request")
    made = forge.review(
        forge.pulls[int(number)], states[ask.body["event"]], ask.body["body"], head=ask.body["commit_id"]
    )
    return Answer(200, _review(made))


def _review(said: Any) -> dict[str, Any]:
    link = {"href": "https://github.test/review"}
    urls = dict.fromkeys(("html_url", "pull_request_url"), "https://github.test/review")
    known = {"id": said.id, "node_id": "V", "user": user(said.by), "body": said.body, "state": said.state}
    more = {"submitted_at": said.at, "commit_id": said.head, "author_association": "MEMBER"}
    return {**urls, **known, **more, "_links": {"html": link, "pull_request": link}}


@route("POST", r"/issues/(\d+)/labels")
def label(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    found.labels += [name for name in ask.body["labels"] if name not in found.labels]
    known = {"id": 1, "node_id": "L", "url": "https://github.test/l", "description": None, "color": "ededed"}
    return Answer(200, [{**known, "name": name, "default": False} for name in found.labels])


@route("POST", r"/pulls/(\d+)/requested_reviewers")
def ask_for(forge: Forge, ask: Ask, number: str) -> Answer:
    found = forge.pulls[int(number)]
    names = ask.body.get("reviewers", []) + ask.body.get("team_reviewers", [])
    if any(name not in forge.people or name == BOT for name in names):
        return unprocessable("Reviews may only be requested from collaborators.")
    found.asked += names
    return Answer(201, pull_row(forge, found, full=False))


@route("GET", r"/commits/(.+)/status")
def status(forge: Forge, ask: Ask, sha: str) -> Answer:
    latest = {row["context"]: row for row in reversed(forge.statuses.get(sha, []))}
    rows = [_status(sha, row) for row in latest.values()]
    known = {"state": "pending", "sha": sha, "total_count": len(rows), "repository": repository(forge)}
    urls = dict.fromkeys(("url", "commit_url"), "https://github.test/s")
    return Answer(
        200, {**known, **urls, "statuses": [{k: v for k, v in row.items() if k != "creator"} for row in rows]}
    )


@route("GET", r"/commits/(.+)/check-runs")
def check_runs(forge: Forge, ask: Ask, sha: str) -> Answer:
    rows = [_run(sha, name, said) for name, said in forge.runs.get(sha, {}).items()]
    return Answer(200, {"total_count": len(rows), "check_runs": rows})


def _run(sha: str, name: str, conclusion: str) -> dict[str, Any]:
    output = {"title": name, "summary": None, "text": None, "annotations_count": 0, "annotations_url": AT}
    done = {"status": "completed", "conclusion": conclusion} if conclusion else {"conclusion": None}
    known = {"id": 1, "node_id": "K", "head_sha": sha, "external_id": None, "url": "https://github.test/k"}
    urls = dict.fromkeys(("html_url", "details_url"), "https://github.test/k")
    times = {"started_at": "2026-11-20T09:00:00Z", "completed_at": "2026-11-20T09:00:00Z"}
    more = {"name": name, "check_suite": None, "app": None, "pull_requests": [], "output": output}
    return {**known, **urls, **times, **more, "status": "in_progress", **done}


@route("POST", r"/statuses/(.+)")
def report(forge: Forge, ask: Ask, sha: str) -> Answer:
    return Answer(201, _status(sha, forge.report(sha, **ask.body)))


def _status(sha: str, row: dict[str, str]) -> dict[str, Any]:
    known = {
        "id": 1,
        "node_id": "S",
        "url": "https://github.test/s",
        "avatar_url": None,
        "creator": user(BOT),
    }
    times = {"created_at": row["at"], "updated_at": row["at"], "target_url": row.get("target_url")}
    said = {name: row[name] for name in ("state", "context", "description")}
    return {**known, **times, **said}
