"""What a form posts becomes answers; what the page filled in itself does not."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from services.onboarding import blueprints, forms
from services.onboarding.errors import TooLong


@pytest.fixture(scope="module")
def blueprint():
    return blueprints.shipped()["web-service"]


def read(blueprint, text: str):
    return forms.read_answers(blueprint, QueryDict(text))


def test_answers_have_the_type_of_their_field(blueprint):
    found = read(
        blueprint, "name=wishlist&port=9090&internet=on&environments=staging&environments=production"
    )
    assert found == {
        "name": "wishlist",
        "port": 9090,
        "internet": True,
        "environments": ["staging", "production"],
    }


def test_what_was_filled_in_is_no_answer(blueprint):
    assert read(blueprint, "port=8080&was.port=8080") == {}
    assert read(blueprint, "port=8081&was.port=8080") == {"port": 8081}
    assert read(blueprint, "environments=a&environments=b&was.environments=a%0Ab") == {}


def test_an_unticked_box_is_a_no(blueprint):
    assert read(blueprint, "was.internet=on") == {"internet": False}
    assert read(blueprint, "") == {}


def test_text_that_is_no_number_stays_for_the_evaluation_to_refuse(blueprint):
    assert read(blueprint, "port=eighty") == {"port": "eighty"}


def test_rows_keep_their_order_and_lose_the_empty_ones(blueprint):
    text = "config.2.name=B&config.2.value=2&config.0.name=A&config.0.value=1&config.1.name=&config.1.value= "
    assert read(blueprint, text)["config"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_a_cross_takes_its_row_away(blueprint):
    text = "config.0.name=A&config.0.value=1&config.1.name=B&config.1.value=2&_remove=config.0"
    assert read(blueprint, text)["config"] == [{"name": "B", "value": "2"}]


def test_a_fix_changes_fields_of_the_form_only(blueprint):
    text = QueryDict(mutable=True)
    text["_fix"] = '{"memory_limit": 192, "is_staff": true}'
    assert forms.read_answers(blueprint, text) == {"memory_limit": 192}


@pytest.mark.parametrize(
    "fix", ["", "nonsense", "[1]", '"x"', "[" * 15_000, '{"name": "' + "x" * 20_000 + '"}']
)
def test_a_broken_fix_changes_nothing(blueprint, fix):
    text = QueryDict(mutable=True)
    text["_fix"] = fix
    assert forms.read_answers(blueprint, text) == {}


def test_an_entity_counts_once_it_is_whole(blueprint):
    assert read(blueprint, "pick.depends_on=component:default/cart") == {
        "depends_on": ["component:default/cart"]
    }
    assert read(blueprint, "pick.depends_on=car") == {}
    twice = "depends_on=component:default/cart&pick.depends_on=component:default/cart"
    assert read(blueprint, twice) == {"depends_on": ["component:default/cart"]}
    dropped = "depends_on=component:default/cart&_drop=depends_on component:default/cart"
    assert read(blueprint, dropped) == {}


def test_unknown_fields_are_left_out(blueprint):
    assert read(blueprint, "state=live&config.0.evil=1&config.x.name=A") == {}


@pytest.mark.parametrize("token", ["", "short", "Z" * 32, "a" * 33, "../" * 11])
def test_only_our_tokens_count(token):
    data = QueryDict(mutable=True)
    data["_token"] = token
    assert forms.token_of(data) == ""
    data["_token"] = "0" * 32
    assert forms.token_of(data) == "0" * 32


def test_a_fix_is_kept_as_json_of_the_database_can_hold_it(blueprint):
    text = QueryDict(mutable=True)
    text["_fix"] = (
        '{"name": "a\\u0000\\ud800b", "memory_limit": 1e999, "replicas": NaN, "config": [[[[[1]]]]]}'
    )
    given = forms.read_answers(blueprint, text)
    assert given == {"name": "a?b", "memory_limit": "inf", "replicas": "nan", "config": [[[None]]]}


@pytest.mark.parametrize("number", ["1e999", "NaN", "9" * 41, "9" * 17, "-inf", "9" * 5000])
def test_numbers_that_json_cannot_keep_stay_text(blueprint, number):
    data = QueryDict(mutable=True)
    data["memory_limit"] = number
    assert forms.read_answers(blueprint, data) == {"memory_limit": number}


def test_words_have_an_end():
    data = QueryDict(mutable=True)
    data["reason"] = "  because\x00  "
    assert forms.words(data, "reason", longest=10) == "because"
    data["reason"] = "x" * 11
    with pytest.raises(TooLong, match="The reason has 11 characters; 10 are the most"):
        forms.words(data, "reason", longest=10)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-45T00:00:00Z", "2026-11-20T10:00:00"])
def test_a_time_that_is_none(text):
    data = QueryDict(mutable=True)
    data["_opened_at"] = text
    assert forms.opened_at(data) is None


def test_the_time_a_form_was_opened():
    data = QueryDict(mutable=True)
    data["_opened_at"] = "2026-11-20T10:00:00+00:00"
    assert forms.opened_at(data) == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_generation_and_seen():
    data = QueryDict("_generation=3&_seen=name,,owner")
    assert forms.generation_of(data) == 3
    assert forms.seen_fields(data) == {"name", "owner"}
    assert forms.generation_of(QueryDict("_generation=x")) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (False, ""), (True, "on"), (3, "3"), (["a", "b"], "a\nb"), ({"a": 1, "b": None}, "a=1\tb=")],
)
def test_as_text(value, text):
    assert forms.as_text(value) == text
