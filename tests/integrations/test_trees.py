"""Trees changed and merged in part are those that git makes of all files."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from services.integrations.githosts.local import content, trees

from .conftest import SAM

NAMES = ["a", "b", "a/x", "a/y", "b/x", "c/d/e", "c/d/f", "c/g", "h"]
TEXTS = [b"".join(b"%d %d\n" % (kind, line) for line in range(12)) for kind in range(3)]


@pytest.fixture
def git(tmp_path: Path) -> pygit2.Repository:
    return pygit2.init_repository(str(tmp_path), bare=True)


def listed(chance: random.Random, before: dict[str, bytes]) -> dict[str, bytes]:
    """Some files written, changed, moved and removed; none below another."""
    found = {path: text for path, text in before.items() if chance.random() < 0.8}
    for path in chance.sample(NAMES, 3):
        text = chance.choice([*TEXTS, *found.values()]).replace(b"%d\n" % chance.randrange(12), b"new\n")
        if not any(path.startswith(f"{each}/") or each.startswith(f"{path}/") for each in found):
            found[path] = text
    return found


def committed(git: pygit2.Repository, files: dict[str, bytes], *parents: pygit2.Oid) -> pygit2.Commit:
    index = pygit2.Index()
    for path, data in files.items():
        index.add(pygit2.IndexEntry(path, git.create_blob(data), FileMode.BLOB))
    made = content.commit(git, index.write_tree(git), list(parents), author=SAM, message="x")
    return content.at_id(git, made)


def cases(git: pygit2.Repository, number: int) -> Iterator[tuple[dict[str, bytes], ...]]:
    chance = random.Random(7)
    for _ in range(number):
        before = listed(chance, dict.fromkeys(chance.sample(["a/x", "b/x", "c/d/e", "h"], 3), TEXTS[0]))
        yield before, listed(chance, before), listed(chance, before)


def test_a_tree_is_changed_where_it_is_said_and_as_git_would(git) -> None:
    for before, after, _ in cases(git, 40):
        places = {path: (git.create_blob(data), FileMode.BLOB) for path, data in after.items()}
        gone = dict.fromkeys(before.keys() - after.keys())
        found = trees.changed(git, committed(git, before).tree, {**places, **gone})
        assert found == committed(git, after).tree.id


def test_nothing_where_a_folder_is_goes_with_what_is_in_it(git) -> None:
    base = committed(git, {"a/x": TEXTS[0], "h": TEXTS[1]})
    gone = committed(git, {"h": TEXTS[1]}).tree.id
    for order in (["a/x", "a"], ["a", "a/x"]):
        assert trees.changed(git, base.tree, dict.fromkeys(order)) == gone


def test_what_differs_is_what_git_says(git) -> None:
    for before, after, _ in cases(git, 40):
        one, other = committed(git, before).tree, committed(git, after).tree
        deltas = git.diff(one, other).deltas
        assert sorted(trees.differing(one, other)) == sorted({each.new_file.path for each in deltas})


def test_two_sides_are_merged_as_git_merges_them(git) -> None:
    clean = 0
    for before, ours, theirs in cases(git, 120):
        base = committed(git, before)
        one, other = committed(git, ours, base.id), committed(git, theirs, base.id)
        whole, part = git.merge_commits(one, other), trees.merged(git, one, other)
        assert _places(part.conflicts) == _places(whole.conflicts or ())
        if not content.conflicts(git, part):
            assert part.write() == whole.write_tree(git)
            clean += 1
    assert 20 < clean < 100


def _places(conflicts: Iterable[trees.Sides]) -> list[str]:
    return [next(side.path for side in sides if side) for sides in conflicts]


def test_a_file_where_the_other_side_has_a_folder_is_a_conflict(git) -> None:
    base = committed(git, {"a/x": TEXTS[0]})
    one, other = (
        committed(git, {"a": TEXTS[1]}, base.id),
        committed(git, {"a/x": TEXTS[0], "a/y": b"1"}, base.id),
    )
    found = content.conflicts(git, trees.merged(git, one, other))
    assert [(each.path, each.reason) for each in found] == [
        ("a", "a file on one side, a folder on the other")
    ]


def test_sides_that_never_parted_are_merged(git) -> None:
    one, other = committed(git, {"a": TEXTS[0]}), committed(git, {"b/x": TEXTS[1]})
    assert trees.merged(git, one, other).write() == committed(git, {"a": TEXTS[0], "b/x": TEXTS[1]}).tree.id


def test_what_neither_side_changed_is_not_looked_at(git) -> None:
    """However large the repository is: nothing is written to look, and two folders to merge."""
    many = {f"apps/team-{team}/{number}": TEXTS[0] for team in range(20) for number in range(20)}
    base = committed(git, many)
    one = committed(git, {**many, "apps/team-1/x/new": TEXTS[1]}, base.id)
    other = committed(git, {**many, "apps/team-2/0": TEXTS[2]}, base.id)
    before = set(git)
    found = trees.merged(git, one, other)
    assert set(git) == before
    found.write()
    assert len(set(git) - before) == 2, "the folder of teams and the root; the others are there already"
    assert sorted(trees.differing(one.tree, other.tree)) == ["apps/team-1/x/new", "apps/team-2/0"]
