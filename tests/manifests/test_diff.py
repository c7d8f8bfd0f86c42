"""Line diffs with numbers."""

from services.manifests.diff import Line, file_diff, file_diffs, unified


def test_unified_numbers_the_lines_and_folds_the_rest():
    old = "\n".join(f"l{n}" for n in range(1, 21))
    new = old.replace("l10\n", "l10\nnew\n").replace("l12\n", "")
    lines = unified(old, new, context=1)
    assert lines[0] == Line("skip", None, None, "9 unchanged")
    assert Line("add", None, 11, "new") in lines
    assert Line("del", 12, None, "l12") in lines
    assert Line("same", 13, 13, "l13") in lines
    assert lines[-1] == Line("skip", None, None, "7 unchanged")
    assert unified(old, old) == []


def test_very_long_files_are_shown_as_replaced():
    old = "\n".join(str(n) for n in range(3000))
    lines = unified(old, old.replace("7\n", "8\n"))
    assert {line.kind for line in lines} == {"add", "del"}
    assert len(lines) == 6000


def test_file_diff_names_what_happens():
    added = file_diff("a", None, "x\ny\n")
    assert (added.status, added.additions, added.deletions) == ("added", 2, 0)
    removed = file_diff("a", b"x\n", None)
    assert (removed.status, removed.additions, removed.deletions) == ("removed", 0, 1)
    changed = file_diff("a", b"x\n", "z\n")
    assert (changed.status, changed.additions, changed.deletions) == ("changed", 1, 1)
    assert file_diff("a", b"x\n", "x\n") is None
    assert file_diff("a", None, None) is None
    assert file_diff("a", None, "").status == "added"


def test_bytes_that_are_not_text_are_only_named():
    assert file_diff("logo", b"\xff\xfe", b"\xff").binary
    assert file_diff("logo", b"\xff", b"\xff") is None


def test_file_diffs_leaves_alone_what_is_not_mentioned():
    diffs = file_diffs({"a": "1", "b": "2", "gone": "3"}, {"b": "4", "c": "5", "gone": None})
    assert [(diff.path, diff.status) for diff in diffs] == [
        ("b", "changed"),
        ("c", "added"),
        ("gone", "removed"),
    ]
