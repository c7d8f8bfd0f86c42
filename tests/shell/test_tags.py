from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone


def draw(source: str, query: str = "", **context) -> str:
    request = RequestFactory().get("/" + query)
    return Template(source).render(Context({"request": request, **context})).strip()


def test_icon_points_into_the_sprite():
    html = draw('{% icon "home" "s" "ok" %}')
    assert 'class="ic ic-s ok"' in html
    assert "sprite.svg#i-home" in html


def test_names_are_escaped():
    assert "<b>" not in draw("{% icon name %}{% pill name %}{% health name %}", name='"><b>')


@pytest.mark.parametrize(
    ("status", "mark", "word"),
    [
        ("Healthy", "ok", "Healthy"),
        ("Progressing", "go", "Rolling out"),
        ("Degraded", "bad", "Degraded"),
        ("Missing", "warn", "Missing"),
        ("", "idle", "Unknown"),
        (None, "idle", "Unknown"),
    ],
)
def test_health_has_a_shape_and_a_word(status, mark, word):
    html = draw("{% health status %}", status=status)
    assert f"dot-{mark}" in html
    assert f"<span>{word}</span>" in html


def test_dot_keeps_the_word_for_screen_readers():
    assert '<span class="sr">Rolling out</span>' in draw('{% dot "Progressing" %}')


def test_pill_tones():
    assert 'class="pill pill-accent"' in draw('{% pill "Rolling out" "info" "progress" %}')
    assert 'class="pill pill-line"' in draw('{% pill "Draft" %}')


def test_avatar_of_a_person_a_team_and_nobody():
    person = SimpleNamespace(username="mira", initials="ML")
    team = SimpleNamespace(slug="checkout")
    html = draw("{% avatar person %}|{% avatar team %}|{% avatar None %}", person=person, team=team)
    of_person, of_team, of_nobody = html.split("|")
    assert "ML" in of_person
    assert "av-team" not in of_person
    assert "av-team" in of_team
    assert "i-robot" in of_nobody


def test_times_carry_the_exact_moment():
    at = timezone.now() - timedelta(minutes=14)
    html = draw("{% ago at %}{% since at %}{% clock at %}", at=at)
    assert html.count("<time ") == 3
    assert "14 min ago" in html
    assert "data-since" in html
    assert at.strftime("%Y") in html
    assert draw("{% ago at %}|{% since at %}|{% clock at %}", at=None) == "never||"


def test_duration():
    assert draw("{{ a|duration }}|{{ b|duration }}|{{ c|duration }}", a=timedelta(hours=2), b=90, c=None) == (
        "2 h|1 min|"
    )


def test_qs_changes_one_key_and_drops_empty_ones():
    assert draw('{% qs page=2 sort="" %}', "?q=a b&sort=name") == "?q=a+b&amp;page=2"


def test_sort_turns_round():
    assert "sort=-name" in draw('{% sort "name" "Name" %}', "?sort=name&page=3")
    assert "page=" not in draw('{% sort "name" "Name" %}', "?sort=name&page=3")
    assert "sorted downward" in draw('{% sort "name" "Name" %}', "?sort=-name")


def test_empty_offers_the_way_in():
    html = draw('{% empty "inbox" "Nothing yet" "It comes." "/new/" "Begin" %}')
    assert 'href="/new/"' in html
    assert "Nothing yet" in html


def test_meter_stays_inside():
    assert 'width="100.0"' in draw('{% meter 9 3 "9 of 3" "ok" %}')
    assert 'width="0.0"' in draw('{% meter 1 0 "none" %}')


def test_markdown_filter_cleans():
    assert "<script" not in draw("{{ text|markdown }}", text="<script>x</script>")


def test_small_filters():
    assert draw("{{ 1|plus:2 }}{{ d|get:'a' }}{{ n|get:'a' }}", d={"a": "x"}, n=3) == "3xNone"


def test_what_is_written_in_the_template_is_found_out_once():
    written = "{% icon 'x' 's' %}{% url 'home' %}{% static 'favicon.svg' %}"
    drawn = Template(written + "{% icon name %}{% url to %}")
    first = drawn.render(Context({"name": "plus", "to": "home"}))
    again = drawn.render(Context({"name": "search", "to": "palette"}))
    assert "#i-x" in first
    assert "#i-plus" in first
    assert first.replace("#i-plus", "#i-search").removesuffix("/") + "/palette" == again
    kept = Template("{% url 'home' as there %}[{{ there }}]{% icon 'x' as drawn %}{{ drawn }}")
    alone = Template("{% icon 'x' %}").render(Context())
    assert kept.render(Context()) == f"[/]{alone}"


def test_long_texts_end_in_an_ellipsis():
    drawn = Template("{{ text|truncatechars:5 }}")
    shown = [drawn.render(Context({"text": text})) for text in ("12345", "123456", "<1234", 123456)]
    assert shown == ["12345", "1234…", "&lt;1234", "1234…"]
