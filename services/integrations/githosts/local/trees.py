"""Trees of a repository changed and merged in the places that differ: the rest of it costs nothing.

git's own index would list every file of the repository for each change, and write every folder anew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pygit2
from pygit2.enums import FileMode

Place = tuple[pygit2.Oid, int]
"""What lies at a path, and as what: a file, a link, a submodule."""
Sides = tuple[pygit2.IndexEntry | None, pygit2.IndexEntry | None, pygit2.IndexEntry | None]
"""Of a conflict: as it was, ours, theirs."""
Content = dict[str, "Content | Place | None"]


def changed(
    git: pygit2.Repository, tree: pygit2.Tree | None, places: Mapping[str, Place | None]
) -> pygit2.Oid:
    """The tree with these places as said (None: nothing there), every other as it was."""
    wanted: Content = {}
    for path, place in sorted(places.items(), key=lambda each: each[1] is not None):
        *folders, name = path.split("/")
        here = wanted
        for folder in folders:
            below = here.get(folder)
            here[folder] = here = below if isinstance(below, dict) else {}  # a file gives way to a folder
        if place is not None or not isinstance(here.get(name), dict):
            here[name] = place
    return _written(git, tree, wanted)


def _written(git: pygit2.Repository, tree: pygit2.Tree | None, wanted: Content) -> pygit2.Oid:
    builder = git.TreeBuilder(tree) if tree is not None else git.TreeBuilder()
    for name, what in wanted.items():
        found = tree[name] if tree is not None and name in tree else None
        place = what
        if isinstance(what, dict):
            below = found if isinstance(found, pygit2.Tree) else None
            oid = _written(git, below, what)
            place = (oid, FileMode.TREE) if len(git[oid].peel(pygit2.Tree)) else None
        if isinstance(place, tuple):
            builder.insert(name, *place)
        elif found is not None:
            builder.remove(name)
    return builder.write()


@dataclass(frozen=True)
class Merged:
    """`conflicts` are those git finds; `clashes` are paths that one side has as a file and the other as a
    folder, which libgit2 does not mind; `write` makes the tree where there is neither."""

    conflicts: Sequence[Sides]
    clashes: Sequence[str]
    write: Callable[[], pygit2.Oid]


def merged(git: pygit2.Repository, ours: pygit2.Commit, theirs: pygit2.Commit) -> Merged:
    """Three ways, from where the two parted: only what either side changed is looked at."""
    fork = git.merge_base(ours.id, theirs.id)
    before = git[fork].peel(pygit2.Commit).tree if fork is not None else None
    here, there = (set(differing(before, tree)) for tree in (ours.tree, theirs.tree))
    conflicts: Sequence[Sides] = ()
    found: dict[str, Place]
    if here & there or _clashes(here | there):
        few = (changed(git, None, _at(tree, here | there)) for tree in (before, ours.tree, theirs.tree))
        base, one, other = few
        index = git.merge_trees(base, one, other)
        conflicts = list(index.conflicts or ())
        found = {each.path: (each.id, each.mode) for each in index}
    else:
        found = {**_at(ours.tree, here), **_at(theirs.tree, there)}
    places: dict[str, Place | None] = {**dict.fromkeys(here | there), **found}
    return Merged(conflicts, _clashes(set(found)), lambda: changed(git, ours.tree, places))


def _clashes(paths: set[str]) -> list[str]:
    folders = {path[:end] for path in paths for end, each in enumerate(path) if each == "/"}
    return sorted(paths & folders)


def differing(one: pygit2.Tree | None, other: pygit2.Tree | None, under: str = "") -> Iterator[str]:
    """The paths at which two trees are not the same; a folder that is the same is not opened."""
    sides = [{each.name: each for each in tree} if tree is not None else {} for tree in (one, other)]
    for name in sides[0].keys() | sides[1].keys():
        found = [side.get(name) for side in sides]
        if len({(each.id, each.filemode) if each is not None else None for each in found}) == 1:
            continue
        folders = [each if isinstance(each, pygit2.Tree) else None for each in found]
        if any(each is not None for each in folders):
            yield from differing(folders[0], folders[1], f"{under}{name}/")
        if any(each is not None and not isinstance(each, pygit2.Tree) for each in found):
            yield f"{under}{name}"


def _at(tree: pygit2.Tree | None, paths: set[str]) -> dict[str, Place]:
    """What one side has at these paths; folders are none of them."""
    found: dict[str, Place] = {}
    for path in paths:
        each = tree[path] if tree is not None and path in tree else None
        if each is not None and not isinstance(each, pygit2.Tree):
            found[path] = (each.id, each.filemode)
    return found
