import csv
import io

import pytest
from django.test import RequestFactory

from portal.shell import tables
from services.accounts.models import Team
from tests.factories.people import TeamFactory


def get(query: str = ""):
    return RequestFactory().get("/" + query)


def test_a_page_out_of_range_gives_the_nearest():
    rows = list(range(120))
    assert tables.paginate(get("?page=2"), rows)[0] == 50
    assert tables.paginate(get("?page=99"), rows).number == 3
    assert tables.paginate(get("?page=nonsense"), rows).number == 1


@pytest.mark.django_db
def test_order_takes_only_known_columns():
    for slug in ("b", "a", "c"):
        TeamFactory(slug=slug)
    columns = {"name": "name", "slug": "slug"}

    def slugs(query: str) -> list[str]:
        ordered = tables.order(get(query), Team.objects.all(), columns, "name")
        return list(ordered.values_list("slug", flat=True))

    assert slugs("") == ["a", "b", "c"]
    assert slugs("?sort=-slug") == ["c", "b", "a"]
    assert slugs("?sort=members__password") == ["a", "b", "c"]


@pytest.mark.django_db
def test_order_by_several_fields_turns_all_of_them():
    for slug in ("b", "a"):
        TeamFactory(slug=slug, runs_platform=False)
    ordered = tables.order(
        get("?sort=-both"), Team.objects.all(), {"both": ["runs_platform", "-slug"]}, "both"
    )
    assert [team.slug for team in ordered] == ["a", "b"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_csv_holds_no_formula(text):
    answer = tables.csv_response("teams", ["name"], [[text]])
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[1][0].startswith("'")


def test_csv_keeps_numbers_and_says_its_name():
    answer = tables.csv_response("teams", ["n", "none"], [[-5, None]])
    assert answer.content.decode().splitlines()[1] == "-5,"
    assert 'filename="teams-20' in answer["Content-Disposition"]
