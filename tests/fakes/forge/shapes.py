"""The long answers of GitHub, with every field that its description asks for; Gitea's are parts of them."""

from functools import cache
from typing import Any

import pygit2

from .state import Forge, Pull
from .words import stamp

AT = "https://github.test"


def _names(text: str) -> list[str]:
    return text.split()


USER_URLS = _names("""
    avatar_url events_url followers_url following_url gists_url html_url organizations_url
    received_events_url repos_url starred_url subscriptions_url url
""")
REPO_URLS = _names("""
    archive_url assignees_url blobs_url branches_url collaborators_url comments_url commits_url
    compare_url contents_url contributors_url deployments_url downloads_url events_url forks_url
    git_commits_url git_refs_url git_tags_url hooks_url html_url issue_comment_url issue_events_url
    issues_url keys_url labels_url languages_url merges_url milestones_url notifications_url
    pulls_url releases_url stargazers_url statuses_url subscribers_url subscription_url tags_url
    teams_url trees_url url clone_url git_url ssh_url svn_url
""")
PULL_URLS = _names("""
    comments_url commits_url diff_url html_url issue_url patch_url review_comment_url
    review_comments_url statuses_url url
""")
LINKS = _names("""
    comments commits statuses html issue review_comments review_comment self
""")
COUNTS = _names("""
    forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count
    network_count subscribers_count
""")


@cache
def user(login: str) -> dict[str, Any]:
    known = {"login": login, "id": 7, "node_id": "U", "gravatar_id": "", "type": "User", "site_admin": False}
    return {**dict.fromkeys(USER_URLS, f"{AT}/{login}"), **known}


def repository(forge: Forge, full: bool = False) -> dict[str, Any]:
    owner, _, name = forge.name.partition("/")
    times = dict.fromkeys(("pushed_at", "created_at", "updated_at"), "2026-11-01T00:00:00Z")
    flags = {
        f"has_{each}": True for each in ("issues", "projects", "wiki", "pages", "discussions", "downloads")
    }
    may = {"admin": forge.level >= 50, "push": forge.level >= 30, "pull": True}
    known = {
        "id": 1, "node_id": "R", "name": name, "full_name": forge.name, "owner": user(owner),
        "private": False,
        "fork": False, "description": None, "homepage": None, "language": None, "license": None,
        "mirror_url": None, "disabled": False, "archived": forge.archived, "default_branch": forge.trunk,
        "permissions": may,
    }  # fmt: skip
    return {
        **dict.fromkeys(REPO_URLS, f"{AT}/{forge.name}"),
        **dict.fromkeys(COUNTS, 1),
        **times,
        **flags,
        **known,
    }


def pull_row(forge: Forge, pull: Pull, full: bool) -> dict[str, Any]:
    ended = pull.ended_at or None
    merged = pull.state == "merged"
    row = {
        **dict.fromkeys(PULL_URLS, f"{AT}/{forge.name}/pull/{pull.number}"),
        "_links": {name: {"href": AT} for name in LINKS},
        "id": pull.number, "node_id": "P", "number": pull.number, "locked": False, "title": pull.title,
        "state": "open" if pull.state == "open" else "closed", "body": pull.body, "user": user(pull.by),
        "labels": [_label(name) for name in pull.labels], "milestone": None, "assignee": None,
        "created_at": pull.at, "updated_at": pull.at, "closed_at": ended,
        "merged_at": ended if merged else None,
        "merge_commit_sha": pull.merge_sha or None, "author_association": "MEMBER", "auto_merge": None,
        "requested_reviewers": [user(name) for name in pull.asked],
        "head": _end(forge, pull.branch, pull.head), "base": _end(forge, pull.base, forge.tip(pull.base)),
    }  # fmt: skip
    if merged:
        row["base"]["sha"] = pull.base_sha
    return {**row, **_counted(forge, pull)} if full else row


def _end(forge: Forge, branch: str, sha: str) -> dict[str, Any]:
    owner = forge.name.partition("/")[0]
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user(owner),
        "repo": repository(forge),
    }


def _label(name: str) -> dict[str, Any]:
    known = {"id": 1, "node_id": "L", "url": AT, "description": "", "color": "ededed", "default": False}
    return {**known, "name": name}


def _counted(forge: Forge, pull: Pull) -> dict[str, Any]:
    found = list(forge.patches(forge.base_of(pull), pull.head))
    mergeable = None if pull.state != "open" or forge.still_checking else forge.merges(pull)
    merged = pull.state == "merged"
    return {
        "additions": sum(each[3] for each in found), "deletions": sum(each[4] for each in found),
        "changed_files": len(found), "comments": len(pull.notes), "commits": 1, "review_comments": 0,
        "mergeable": mergeable, "mergeable_state": "clean", "merged": merged, "maintainer_can_modify": False,
        "merged_by": user(pull.merged_by) if merged else None,
    }  # fmt: skip


def person(signature: pygit2.Signature) -> dict[str, str]:
    return {"name": signature.name, "email": signature.email, "date": stamp(signature.time)}


def _parents(commit: pygit2.Commit) -> list[dict[str, str]]:
    return [{"sha": str(each), "url": f"{AT}/c", "html_url": f"{AT}/c"} for each in commit.parent_ids]


def _verification() -> dict[str, Any]:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def simple_commit(commit: pygit2.Commit) -> dict[str, Any]:
    """A commit as git has it."""
    return {
        "sha": str(commit.id), "node_id": "C", "url": f"{AT}/c", "html_url": f"{AT}/c",
        "author": person(commit.author), "committer": person(commit.committer), "message": commit.message,
        "tree": {"sha": str(commit.tree_id), "url": f"{AT}/t"}, "parents": _parents(commit),
        "verification": _verification(),
    }  # fmt: skip


def commit_row(commit: pygit2.Commit) -> dict[str, Any]:
    """A commit as lists have it."""
    inner = {
        "url": f"{AT}/c", "author": person(commit.author), "committer": person(commit.committer),
        "message": commit.message, "comment_count": 0, "tree": {"sha": str(commit.tree_id), "url": f"{AT}/t"},
        "verification": _verification(),
    }  # fmt: skip
    urls = dict.fromkeys(("url", "html_url", "comments_url"), f"{AT}/c")
    people = {"author": None, "committer": None}
    return {
        "sha": str(commit.id),
        "node_id": "C",
        **urls,
        **people,
        "commit": inner,
        "parents": _parents(commit),
    }
