"""GitHub, GitLab and Gitea as far as whole organisations are read: on a real socket, with their paging,
their refusals and their bad days. What their documents promise is what is said here, field by field."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "canary-git-token"


class Repo:
    """One repository: its files, and what a host says about it."""

    def __init__(self, name: str, files: dict[str, bytes], **about: Any) -> None:
        self.name, self.files, self.about, self.pushes = name, files, about, 1

    def push(self, files: dict[str, bytes]) -> None:
        self.files, self.pushes = files, self.pushes + 1

    @property
    def at(self) -> str:
        return f"2026-11-01T00:00:{self.pushes:02}Z"

    @property
    def sha(self) -> str:
        return hashlib.sha1(f"{self.name} {self.pushes}".encode()).hexdigest()


class GitHostFake:
    """`asked` is every request; `bad` maps a part of a path to what goes wrong there: a status, with
    headers, or "slow", "cut" and "html"."""

    def __init__(self, provider: str, *repos: Repo, page: int = 2) -> None:
        self.provider, self.repos, self.page = provider, {repo.name: repo for repo in repos}, page
        self.asked: list[str] = []
        self.bad: dict[str, Any] = {}
        handler = type("Handler", (_Handler,), {"fake": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def hosting(provider: str, *repos: Repo, page: int = 2) -> Iterator[GitHostFake]:
    fake = GitHostFake(provider, *repos, page=page)
    try:
        yield fake
    finally:
        fake.close()


class _Handler(BaseHTTPRequestHandler):
    fake: GitHostFake
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client to say it heard the headers

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.fake.asked.append(self.path)
        for where, what in list(self.fake.bad.items()):
            if where in unquote(self.path):
                self._misbehave(what)
                return
        if not self._authorised():
            self.say(401, {"message": "Bad credentials"})
            return
        getattr(self, self.fake.provider)([unquote(part) for part in parts.path.strip("/").split("/")])

    def _authorised(self) -> bool:
        given = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
        wanted = {"github": f"Bearer {TOKEN}", "gitlab": TOKEN, "gitea": f"token {TOKEN}"}
        return given == wanted[self.fake.provider]

    def _misbehave(self, what: Any) -> None:
        if what == "slow":
            time.sleep(2)
            what = 200
        if what == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'[{"full_na')
            self.close_connection = True
        elif what == "half":
            self.raw(b'[{"full_na')
        elif what == "html":
            self.raw(b"<html>Sign in</html>")
        else:
            status, headers = what if isinstance(what, tuple) else (what, {})
            self.say(status, [] if status == 200 else {"message": "no"}, **headers)

    def raw(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say(self, status: int, body: Any, **headers: str) -> None:
        self.raw(json.dumps(body).encode(), status, **headers)

    def paged(self, rows: list[Any], *, links: bool, **headers: str) -> None:
        """As many as were asked for, but never more than the fake's page."""
        asked = int(self.query.get("per_page") or self.query.get("limit") or 30)
        size, page = min(asked, self.fake.page), int(self.query.get("page", 1))
        more = len(rows) > page * size
        if more and links:
            path = urlsplit(self.path)
            query = "&".join(f"{key}={value}" for key, value in {**self.query, "page": page + 1}.items())
            headers["Link"] = (
                f'<{self.fake.url}{path.path}?{query}>; rel="next", <{self.fake.url}/x>; rel="last"'
            )
        elif not links:
            headers["x-next-page"] = str(page + 1) if more else ""
        self.say(200, rows[(page - 1) * size : page * size], **headers)

    def missing(self) -> None:
        self.say(404, {"message": "Not Found"})

    # GitHub

    def github(self, path: list[str]) -> None:
        if path[0] == "orgs":
            rows = sorted(self.fake.repos.values(), key=lambda repo: (repo.at, repo.name), reverse=True)
            etag = '"' + hashlib.sha1("".join(r.name + r.at for r in rows).encode()).hexdigest() + '"'
            if self.headers.get("If-None-Match") == etag:
                self.send_response(304)
                self.end_headers()
                return
            self.paged([self._github_repo(repo) for repo in rows], links=True, ETag=etag)
            return
        repo = self.fake.repos.get("/".join(path[1:3]))
        if repo is None:
            self.missing()
        elif len(path) == 3:
            self.say(200, self._github_repo(repo))
        elif path[3:5] == ["git", "trees"]:
            if not repo.files:
                self.say(409, {"message": "Git Repository is empty."})
                return
            self.say(200, {"sha": repo.sha, "tree": _tree(repo), "truncated": repo.about.get("cut", False)})
        else:
            self._file(repo, "/".join(path[4:]))

    def _github_repo(self, repo: Repo) -> dict[str, Any]:
        known = {"archived": False, "fork": False, "size": 1, "default_branch": "main"}
        return {**known, "full_name": repo.name, "pushed_at": repo.at, **repo.about}

    def _file(self, repo: Repo, path: str) -> None:
        if path in repo.files and self.query.get("ref") == "main":
            self.raw(repo.files[path])
        else:
            self.missing()

    # GitLab

    def gitlab(self, path: list[str]) -> None:
        if path[2] == "groups":
            self.paged([self._gitlab_repo(repo) for repo in self.fake.repos.values()], links=False)
            return
        repo = self.fake.repos.get(path[3])
        if repo is None:
            self.missing()
        elif len(path) == 4:
            self.say(200, self._gitlab_repo(repo))
        elif path[5] == "commits":
            self.say(200, [{"id": repo.sha}])
        elif path[5] == "tree":
            self.paged(_tree(repo), links=False)
        else:
            self._file(repo, path[6])

    def _gitlab_repo(self, repo: Repo) -> dict[str, Any]:
        known = {"archived": False, "empty_repo": not repo.files, "default_branch": "main"}
        about = {"forked_from_project": {"id": 1}} if repo.about.get("fork") else {}
        return {**known, "path_with_namespace": repo.name, **repo.about, **about}

    # Gitea

    def gitea(self, path: list[str]) -> None:
        if path[2] == "orgs":
            self.paged([self._gitea_repo(repo) for repo in self.fake.repos.values()], links=True)
            return
        repo = self.fake.repos.get("/".join(path[3:5]))
        if repo is None:
            self.missing()
        elif len(path) == 5:
            self.say(200, self._gitea_repo(repo))
        elif path[5] == "branches":
            self.say(200, {"name": "main", "commit": {"id": repo.sha}})
        elif path[5] == "git":
            size, page = self.fake.page, int(self.query["page"])
            rows = _tree(repo)
            cut = len(rows) > page * size
            self.say(200, {"tree": rows[(page - 1) * size : page * size], "truncated": cut, "page": page})
        else:
            self._file(repo, "/".join(path[6:]))

    def _gitea_repo(self, repo: Repo) -> dict[str, Any]:
        known = {"archived": False, "fork": False, "empty": not repo.files, "default_branch": "main"}
        return {**known, "full_name": repo.name, **repo.about}


def _tree(repo: Repo) -> list[dict[str, Any]]:
    folders = sorted({path.rpartition("/")[0] for path in repo.files} - {""})
    rows = [{"path": folder, "type": "tree", "mode": "040000"} for folder in folders]
    rows += [{"path": path, "type": "blob", "mode": "100644"} for path in sorted(repo.files)]
    return [*rows, {"path": "linked.yaml", "type": "blob", "mode": "120000"}]
