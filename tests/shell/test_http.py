"""Where people may be sent after what they did: into this portal, and nowhere else."""

import pytest
from django.test import RequestFactory

from portal.shell.http import inside


@pytest.mark.parametrize(
    ("wanted", "way"),
    [
        ("/catalog/?q=a#b", "/catalog/?q=a#b"),
        ("http://testserver/help/", "/help/"),
        ("http://testserver", ""),
        ("http://elsewhere.example/help/", ""),
        ("//elsewhere.example/", ""),
        ("http://testserver//elsewhere.example/", ""),
        ("/\\elsewhere.example", ""),
        ("javascript:alert(1)", ""),
        ("NaN", ""),
        ("0001-01-01T00:00:00", ""),
        ("", ""),
    ],
)
def test_only_ways_into_this_portal_are_taken(wanted: str, way: str) -> None:
    assert inside(RequestFactory().get("/"), wanted) == way


def test_the_first_way_in_wins() -> None:
    assert inside(RequestFactory().get("/"), "http://elsewhere.example/", "/a/", "/b/") == "/a/"
