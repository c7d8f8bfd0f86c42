"""Requests of the past under a changed blueprint or guardrail: what would differ, and nothing is kept."""

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from services.manifests.guardrails import PolicyError
from services.onboarding import queries
from services.onboarding.blueprints import SHIPPED
from services.onboarding.models import Request

POLICIES = Path(queries.__file__).parents[2] / "manifests/policies"


@pytest.fixture
def changed(tmp_path) -> Any:
    """The shipped form of a web service, with some texts changed."""

    def copy(**files: tuple[str, str]) -> Path:
        folder = tmp_path / "web-service"
        shutil.copytree(SHIPPED / "web-service", folder, ignore=shutil.ignore_patterns("tests"))
        for name, (old, new) in files.items():
            path = folder / {"form": "blueprint.yaml"}.get(name, f"manifests/{name}.yaml")
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))
        return folder

    return copy


def rehearse(*arguments: str) -> tuple[dict[str, Any], int]:
    out, code = StringIO(), 0
    try:
        call_command("rehearse", *arguments, "--format", "json", stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    return json.loads(out.getvalue()), code


def test_what_changes_nothing_makes_the_same(submit, changed) -> None:
    submit()
    found, code = rehearse(
        "--blueprint", str(changed(form=("description: An HTTP", "description: Some HTTP")))
    )
    assert (code, found["counts"]["same"], found["requests"][0]["files"]) == (0, 1, [])


def test_other_files_findings_and_refusals_are_told_request_by_request(submit, changed) -> None:
    """Not as the list, which says nothing of the requests that nothing happens to."""
    plain, odd = submit(), submit(name="basket", port=9090)
    folder = changed(
        deployment=("imagePullPolicy: IfNotPresent\n        ports", "imagePullPolicy: Always\n        ports"),
        form=("maximum: 65535", "maximum: 9000"),
    )
    found, code = rehearse("--blueprint", str(folder))
    refused, differs = found["requests"]
    assert (code, refused["request"], refused["verdict"]) == (1, odd.ref, "refused")
    assert [(each["field"], each["rule"]) for each in refused["refused"]] == [("port", "maximum")]
    assert (differs["request"], differs["verdict"]) == (plain.ref, "differs")
    (file,) = differs["files"]
    assert file["path"] == "apps/checkout/wishlist/staging/deployment.yaml"
    assert "+        imagePullPolicy: Always" in file["lines"]
    assert "-        imagePullPolicy: IfNotPresent" in file["lines"]
    assert Request.objects.count() == 2
    assert rehearse("--blueprint", str(folder), "--last", "1")[0]["counts"]["refused"] == 1


def test_a_blueprint_that_cannot_be_filled_in_is_broken_not_a_crash(submit, changed) -> None:
    submit()
    folder = changed(form=("targets: answers.depends_on", "targets: answers.nothing.there"))
    found, code = rehearse("--blueprint", str(folder))
    assert (code, found["counts"]["broken"]) == (1, 1)


def test_a_stricter_guardrail_says_whom_it_would_stop(submit, tmp_path) -> None:
    submit()
    text = (POLICIES / "image-tag.yaml").read_text().replace("endsWith(':latest')", "endsWith(':1.0.0')")
    (file := tmp_path / "image-tag.yaml").write_text(text)
    found, code = rehearse("--guardrails", str(file))
    (told,) = found["requests"]
    assert (code, told["verdict"], [each["rule"] for each in told["gained"]]) == (1, "refused", ["image-tag"])
    assert rehearse("--guardrails", str(tmp_path))[0] == found
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("rehearse", "--guardrails", str(file), stdout=out)
    assert "+ block image-tag" in out.getvalue()
    (off := tmp_path / "off.yaml").write_text(
        text.replace("slipway.dev/severity: block", "slipway.dev/severity: warn")
    )
    assert rehearse("--guardrails", str(off))[0]["counts"]["differs"] == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "say what is changed"),
        (("--blueprint", "nowhere"), "cannot be read"),
        (("--guardrails", "nowhere"), "No such file"),
        (("--guardrails", "README.md"), "unreadable|no ValidatingAdmissionPolicy"),
        (("--guardrails", "pyproject.toml"), "unreadable"),
    ],
)
def test_what_cannot_be_rehearsed_is_said(db, arguments, why) -> None:
    with pytest.raises(CommandError, match=why):
        call_command("rehearse", *arguments)


def test_files_without_a_policy_are_refused(db) -> None:
    with pytest.raises(PolicyError, match="no ValidatingAdmissionPolicy"):
        queries.guardrails_with([("a.yaml", "kind: ConfigMap")])


def test_how_far_it_is_goes_to_standard_error(submit, changed) -> None:
    submit()
    err, folder = StringIO(), changed(form=("description: An HTTP", "description: Some HTTP"))
    call_command("rehearse", "--blueprint", str(folder), stdout=StringIO(), stderr=err)
    assert "1 of 1" in err.getvalue()
