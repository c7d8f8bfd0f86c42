"""The git host does not answer: pages say so, and what was typed is kept."""

import shutil
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client

from services.onboarding.models import Request, State
from tests.hostile import doors
from tests.hostile.asking import Asked
from tests.hostile.world import ANSWERS

pytestmark = pytest.mark.django_db
TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def silent(world) -> SimpleNamespace:
    """The company, its repositories gone from the disk."""
    shutil.rmtree(settings.GIT_ROOT)
    return world


def test_every_page_opens(silent):
    client = Client()
    client.force_login(silent.priya)
    asked = Asked(client, "priya")
    known = doors.known(silent)
    for door in doors.doors():
        for path in door.rooms(known):
            asked.ask("GET", path)
            asked.ask("POST", path)
    asked.all_well()


@pytest.mark.parametrize("intent", ["evaluate", "save"])
def test_a_form_is_still_a_form(client, silent, intent):
    client.force_login(silent.mira)
    answer = client.post(
        "/new/web-service/", {**ANSWERS, "name": "parcels", "_token": TOKEN, "_intent": intent}
    )
    assert answer.status_code in (200, 302)
    assert Request.objects.get(token=TOKEN).answers["name"] == "parcels"


def test_what_is_submitted_is_kept_and_says_what_to_do(client, silent):
    client.force_login(silent.mira)
    answer = client.post(
        "/new/web-service/", {**ANSWERS, "name": "parcels", "_token": TOKEN, "_intent": "submit"}
    )
    assert answer.status_code == 503
    assert "git host does not answer" in answer.content.decode()
    row = Request.objects.get(token=TOKEN)
    assert (row.state, row.answers["name"]) == (State.DRAFT, "parcels")
