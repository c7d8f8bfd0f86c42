"""What forms say when they refuse: the field, the rule, and the nearest value that would do."""

import pytest
from django import forms

from portal.shell.forms import Form, NameField


class Everything(Form):
    name = NameField(max_length=20, required=False)
    title = forms.CharField(max_length=5)
    day = forms.DateField(required=False)
    at = forms.DateTimeField(required=False)
    hour = forms.TimeField(required=False)
    count = forms.IntegerField(min_value=1, max_value=9, required=False)
    to = forms.EmailField(required=False)
    slug = forms.SlugField(required=False)
    size = forms.ChoiceField(choices=[("small", "S"), ("medium", "M"), ("large", "L")], required=False)
    many = forms.MultipleChoiceField(choices=[(f"n{n}", "") for n in range(20)], required=False)
    own = forms.IntegerField(required=False, error_messages={"invalid": "Count the pods."})


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("title", "", "Title is needed."),
        ("title", "sixsix", "At most 5 characters; these are 6."),
        ("title", "a\0b", "This holds a NUL character; please take it out."),
        ("name", "Bad Name_1", "Lower-case letters, digits and dashes, such as bad-name-1."),
        ("name", "!", "Lower-case letters, digits and dashes."),
        ("day", "20.11.26", "A day such as 2026-11-20: year, month, day."),
        ("at", "noon", "A day and a time, such as 2026-11-20 14:30."),
        ("hour", "noon", "A time such as 14:30."),
        ("count", "three", "A whole number."),
        ("count", "0", "At least 1."),
        ("count", "10", "At most 9."),
        ("to", "sam", "An address such as sam@example.org."),
        ("slug", "a b", "Letters, digits, dashes and underscores."),
        ("size", "lagre", "There is no “lagre” here. Did you mean large?"),
        ("size", "9", "There is no “9” here. There is small, medium, large."),
        ("many", ["zzz"], "There is no “zzz” here."),
        ("own", "x", "Count the pods."),
    ],
)
def test_a_refusal_names_the_field_the_rule_and_the_nearest_value(field, typed, said):
    form = Everything({"title": "fine", field: typed})
    assert form.errors == {field: [said]}


def test_what_a_form_says_itself_is_kept():
    form = Everything({"title": "fine"})
    form.add_error("title", "Taken already.")
    form.add_error(None, "Not today.")
    assert form.errors == {"title": ["Taken already."], "__all__": ["Not today."]}
