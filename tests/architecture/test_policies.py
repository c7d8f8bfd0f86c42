"""Every view is under a policy, and docs/permissions.md says which."""

from pathlib import Path

import pytest
from django import forms
from django.urls import get_resolver

from portal.shell.forms import Plain
from portal.shell.permissions import Row, as_markdown, matrix

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.case("Z1")


def test_every_view_has_a_policy():
    assert [row for row in matrix() if not row.policy] == []


def test_the_matrix_knows_the_pages():
    paths = {row.path for row in matrix()}
    assert {"/", "/sign-in/", "/palette", "/livez"} <= paths


def test_a_view_without_a_policy_would_show():
    assert "| `/x` | `a.b` |  |" in as_markdown([Row("/x", "a.b", "")])


def test_docs_name_the_policy_of_every_view():
    assert as_markdown(matrix()) in (ROOT / "docs" / "permissions.md").read_text(), (
        "run manage.py permission_matrix"
    )


def test_only_the_door_and_the_probes_are_public():
    public = {row.path for row in matrix() if row.policy == "public"}
    assert {"/sign-in/", "/become/", "/livez", "/readyz"} <= public
    assert not {
        path for path in public if path.startswith(("/catalog", "/requests", "/new", "/help", "/insights"))
    }


def test_every_form_refuses_in_our_own_words():
    """Django's own sentences name neither the field nor what would do (`portal.shell.forms`)."""
    get_resolver().url_patterns  # noqa: B018  # imports every view, and with them every form
    ours = [form for form in _below(forms.BaseForm) if form.__module__.startswith(("portal.", "services."))]
    assert len(ours) > 40
    assert [form for form in ours if not issubclass(form, Plain)] == []


def _below(kind: type) -> set[type]:
    return {each for sub in kind.__subclasses__() for each in {sub, *_below(sub)}}
