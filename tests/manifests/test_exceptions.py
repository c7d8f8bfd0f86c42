"""Exceptions in a file hold in anybody's CI: for their object, until their day, with who granted them."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from portal.shell.commands import Unusable
from services.manifests import exceptions, report
from services.manifests.check import check
from services.manifests.emit import dump
from services.manifests.exceptions import Granted, Unreadable, applied, read, written
from services.manifests.problems import Lease
from services.manifests.reader import load_all

ALONE = (
    Path(exceptions.__file__).with_name("policies") / "examples" / "one-replica-prod" / "bad.yaml"
).read_text()
RULE = "one-replica-prod"
(FOUND,) = [each for each in check(load_all(ALONE), environment="production") if each.rule == RULE]
LEASE = {
    "rule": RULE,
    "environment": "production",
    "until": "2026-12-21",
    "reason": "One licence",
    "granted_by": "Priya",
}
OWNED = ALONE.replace(
    "metadata:\n", "metadata:\n  annotations: {slipway.dev/entity: 'component:default/a'}\n", 1
)


def severity(granted: Granted, text: str = ALONE, today: str = "2026-12-21", environment: str = "production"):
    documents = load_all(text, "a.yaml")
    found = check(documents, environment="production")
    rows = applied(found, documents, [granted], environment, today)
    (told,) = [each for each in rows if each.rule == RULE]
    return told.severity


@pytest.mark.parametrize(
    ("granted", "more", "holds"),
    [
        (Granted(Lease(**LEASE, object=FOUND.object)), {}, True),
        (Granted(Lease(**LEASE, object="Deployment/shop/other")), {}, False),
        (Granted(Lease(**LEASE), "component:default/a"), {}, False),
        (Granted(Lease(**LEASE), "component:default/a"), {"text": OWNED}, True),
        (Granted(Lease(**LEASE, object=FOUND.object), "component:default/b"), {"text": OWNED}, False),
        (Granted(Lease(**LEASE, object=FOUND.object)), {"today": "2026-12-22"}, False),
        (Granted(Lease(**LEASE, object=FOUND.object)), {"environment": "staging"}, False),
    ],
)
def test_whom_one_is_for_and_until_when(granted, more, holds) -> None:
    assert severity(granted, **more) == ("info" if holds else FOUND.severity)


def test_what_is_written_is_read() -> None:
    rows = [
        Granted(Lease(**LEASE, object="Deployment/shop/a"), "component:default/a"),
        Granted(Lease(**LEASE), "x:y/z"),
    ]
    assert read(dump([written(rows)])) == rows
    assert read(dump([written([])])) == []


HEAD = "apiVersion: slipway.dev/v1\nkind: Exceptions\nexceptions:\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not YAML"),
        ("kind: Exceptions\n", "is no Exceptions"),
        ("- 1\n", "is no Exceptions"),
        (f"{HEAD}- 1\n", "exception 1 is no mapping"),
        (f"{HEAD}- rule: a\n", "does not say environment, until, reason, granted_by"),
        (f"{HEAD}- {json.dumps(LEASE)}\n", "whose it is"),
        (f"{HEAD}- {json.dumps({**LEASE, 'object': 'a', 'until': 'soon'})}\n", "until is a day like"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_place(text, says) -> None:
    with pytest.raises(Unreadable, match=says):
        read(text, "e.yaml")


def test_the_command_tells_reason_approver_and_end(tmp_path, capsys) -> None:
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    file, manifest = tmp_path / "e.yaml", tmp_path / "a" / "a.yaml"
    manifest.parent.mkdir()
    manifest.write_text(ALONE)
    lease = Lease(**{**LEASE, "until": day}, object=FOUND.object)

    def run(*more: str) -> str:
        with pytest.raises(SystemExit) if "block" in more else nullcontext():
            call_command("check_manifests", str(manifest.parent), "--exceptions", str(file), *more[:2])
        return capsys.readouterr().out

    file.write_text(dump([written([Granted(lease)])]))
    told = json.loads(run("--format", "json"))
    (found,) = [each for each in told["findings"] if each["rule"] == RULE]
    assert (found["severity"], found["exception"]["granted_by"], found["exception"]["until"]) == (
        "info",
        "Priya",
        day,
    )
    assert f"Excepted until {day}, granted by Priya: One licence" in report.as_text(told)
    (result,) = [each for each in report.as_sarif(told)["runs"][0]["results"] if each["ruleId"] == RULE]
    assert result["suppressions"][0]["justification"].endswith("One licence")

    file.write_text(
        dump([written([Granted(Lease(**{**LEASE, "until": "2026-01-01"}, object=FOUND.object))])])
    )
    assert "its exception ended on 2026-01-01" in run("--format", "json", "block")
    file.write_text(dump([written([Granted(Lease(**{**LEASE, "rule": "schema"}, object="x"))])]))
    with pytest.raises(Unusable, match="schema is no guardrail"):
        run()
