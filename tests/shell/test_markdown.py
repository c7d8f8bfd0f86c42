from html.parser import HTMLParser

import pytest

from portal.shell import markdown


def test_renders_what_people_write():
    html = markdown.render("**api** was `OOMKilled`\n\n- one\n- two\n\n[docs](https://example.com)")
    assert "<strong>api</strong>" in html
    assert "<code>OOMKilled</code>" in html
    assert html.count("<li>") == 2
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        '<a href="https://x" onclick="alert(1)">x</a>',
        "<iframe src=https://x></iframe>",
        "<svg/onload=alert(1)>",
        "![x](https://tracker.example/pixel.png)",
        '[x](https://x "\\" onmouseover=\\"alert(1)")',
        "<style>body{display:none}</style>",
        "&#x6A;avascript:alert(1)",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
@pytest.mark.case("X1", "X2")
def test_nothing_runs(text):
    html = markdown.render(text)
    parsed = Tags()
    parsed.feed(html)
    assert parsed.names <= markdown.TAGS | {"div"}
    assert parsed.attributes <= {"href", "title", "rel", "start", "class"}
    assert all(url.startswith(("http://", "https://", "mailto:")) for url in parsed.links)


class Tags(HTMLParser):
    """What a browser would see: tags, attributes, links."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]


def test_very_long_text_is_cut():
    assert len(markdown.render("word " * 100_000)) < 60_000


def test_plain_is_one_line_of_words():
    assert markdown.plain("# Title\n\n**bold** & <b>raw</b>") == "Title bold &amp; &lt;b&gt;raw&lt;/b&gt;"
    assert markdown.plain("x" * 300, 10) == "xxxxxxxxx…"


@pytest.mark.case("P6")
def test_a_flood_of_brackets_is_text():
    """Links are looked for in what people write, not in what is made to keep the parser busy."""
    assert markdown.render("[a](https://b.example) " * markdown.BRACKETS).count("<a ") == markdown.BRACKETS
    flood = markdown.render("**so** " + "[a](https://b.example) " * (markdown.BRACKETS + 1))
    assert "<strong>so</strong>" in flood
    assert "<a " not in flood
