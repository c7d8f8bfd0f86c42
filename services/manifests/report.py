"""Findings for machines and for people: the JSON of docs/commands.md, SARIF 2.1.0, text."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any
from urllib.parse import quote

from services.manifests.check import counts
from services.manifests.guardrails import Guardrails
from services.manifests.problems import Finding

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"block": "error", "warn": "warning", "info": "note"}
MARKS = {"block": "blocks", "warn": "warns", "info": "says"}


def as_json(findings: Iterable[Finding], documents: int) -> dict[str, Any]:
    """`documents` is how many were read."""
    found = list(findings)
    return {"documents": documents, "findings": [_as_told(each) for each in found], "counts": counts(found)}


def _as_told(finding: Finding) -> dict[str, Any]:
    """Without what only a portal knows; with the exception where one holds."""
    told = {key: value for key, value in asdict(finding).items() if key not in ("environment", "excepted")}
    if finding.excepted is not None:
        told["exception"] = {key: value for key, value in asdict(finding.excepted).items() if value}
    return told


def as_sarif(report: Mapping[str, Any]) -> dict[str, Any]:
    """The same report for code hosts that show findings beside the lines."""
    findings = report["findings"]
    driver = {"name": "Slipway", "semanticVersion": "0.1.0", "rules": _sarif_rules(findings)}
    results = [_sarif_result(each) for each in findings]
    return {
        "version": "2.1.0",
        "$schema": SARIF_SCHEMA,
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _sarif_rules(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = {each["rule"]: each for each in findings}
    return [
        {
            "id": id,
            "shortDescription": {"text": each["title"]},
            "fullDescription": {"text": each["reason"]},
            "help": {"text": each["reason"]},
        }
        for id, each in sorted(known.items())
    ]


def _sarif_result(finding: Mapping[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding["file"])}}
    if finding["line"]:
        place["region"] = {"startLine": finding["line"]}
    location: dict[str, Any] = {"physicalLocation": place}
    if named := f"{finding['object']} {finding['path']}".strip():
        location["logicalLocations"] = [{"fullyQualifiedName": named}]
    result = {
        "ruleId": finding["rule"],
        "level": LEVELS[finding["severity"]],
        "message": {"text": _sentence(finding)},
        "locations": [location],
    }
    if lease := finding.get("exception"):
        said = {"kind": "external", "status": "accepted", "justification": _lease(lease)}
        result["suppressions"] = [said]
    return result


def _lease(lease: Mapping[str, str]) -> str:
    return f"Excepted until {lease['until']}, granted by {lease['granted_by']}: {lease['reason']}"


def _sentence(finding: Mapping[str, Any]) -> str:
    fix = f" {finding['fix']['label']}." if finding["fix"] else ""
    return f"{finding['message']}. {finding['reason']}{fix}"


def as_text(report: Mapping[str, Any]) -> str:
    """For people: by file, the worst first, each with its reason and its fix."""
    parts = []
    for file, group in groupby(report["findings"], key=lambda each: each["file"]):
        parts.append(file or "(no file)")
        parts += [_told(each) for each in group]
    numbers = report["counts"]
    told = ", ".join(f"{number} {severity}" for severity, number in numbers.items())
    summary = f"{report['documents']} documents: {told}"
    return "\n".join([*parts, summary])


def _told(finding: Mapping[str, Any]) -> str:
    where = f"line {finding['line']}" if finding["line"] else finding["path"]
    mark = MARKS[finding["severity"]]
    lines = [f"  {mark} {where}  {finding['object']}: {finding['message']} [{finding['rule']}]"]
    if finding["severity"] != "info":
        lines.append(f"      why: {finding['reason']}")
    if lease := finding.get("exception"):
        lines.append(f"      {_lease(lease)}")
    if finding["fix"]:
        changes = ", ".join(f"{path} = {value}" for path, value in finding["fix"]["changes"].items())
        lines.append(f"      fix: {finding['fix']['label']} ({changes})")
    return "\n".join(lines)


def guardrail_table(guardrails: Guardrails) -> str:
    """The list in docs/guardrails.md; a test compares the two."""
    lines = ["| guardrail | what it finds | production | elsewhere | lessons |", "|---|---|---|---|---|"]
    for id, rule in sorted(guardrails.rules.items()):
        levels = [guardrails.severity(id, environment) for environment in ("production", "")]
        lessons = ", ".join(str(each) for each in rule.lessons)
        lines.append(f"| `{id}` | {rule.title} | {levels[0]} | {levels[1]} | {lessons} |")
    return "\n".join(lines) + "\n"
