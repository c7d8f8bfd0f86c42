from types import SimpleNamespace

import pytest

from portal.shell import code


def test_marks_key_value_and_comment():
    html = code.yaml("  replicas: 3  # one per zone")
    assert html.startswith('  <span class="k">replicas</span>:<span class="v"> 3')
    assert html.endswith('<span class="c"> # one per zone</span>')


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("image: a/b:1", '<span class="k">image</span>:<span class="s"> a/b:1</span>'),
        ("- name: web", '- <span class="k">name</span>:<span class="s"> web</span>'),
        ("memory: 128Mi", '<span class="v"> 128Mi</span>'),
        ("spec:", '<span class="k">spec</span>:'),
        ("", ""),
    ],
)
def test_yaml(text, wanted):
    assert wanted in code.yaml(text)


@pytest.mark.parametrize("text", ["<script>: x", 'a: "<b>"', "# <i>", "- <u>", "'<k>': 1"])
def test_nothing_of_a_file_becomes_a_tag(text):
    html = code.yaml(text)
    for tag in ("<script>", "<b>", "<i>", "<u>", "<k>"):
        assert tag not in html


def test_a_hash_inside_quotes_is_no_comment():
    assert 'class="c"' not in code.yaml('color: "a #b"')


def test_diff_rows():
    rows = [
        SimpleNamespace(kind="skip", old=None, new=None, text="4 unchanged"),
        SimpleNamespace(kind="same", old=5, new=5, text="a: 1"),
        SimpleNamespace(kind="del", old=6, new=None, text="b: 1"),
        SimpleNamespace(kind="add", old=None, new=6, text="b: 2"),
    ]
    html = code.lines(rows, hits={6})
    assert "4 unchanged" in html
    assert html.count('class="l del"') == 1
    assert 'class="l add hit" data-n="6"' in html


def test_whole_file_numbers_its_lines():
    assert code.whole("a: 1\nb: 2").count("data-n=") == 2
