"""SARIF as code hosts read it: what the standard (OASIS, 2.1.0) requires of a log."""

import re
from pathlib import Path

from services.manifests import files, report
from services.manifests.check import check, unreadable

URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+\Z")
SEMANTIC = re.compile(r"\d+\.\d+\.\d+\Z")
LEVELS = {"none", "note", "warning", "error"}
BAD = """apiVersion: v1
kind: Pod
metadata: {name: Web}
spec:
  containers:
    - name: web
      image: web
---
a: 1
---
b: [
"""


def log_of(folder: Path) -> dict:
    read = list(files.read([folder]))
    found = [unreadable(error) for file in read for error in file.errors]
    documents = [each for file in read for each in file.documents]
    found += check(documents, environment="production")
    return report.as_sarif(report.as_json(found, len(documents)))


def test_a_log_has_what_the_standard_requires(tmp_path: Path):
    (tmp_path / "Über uns").mkdir()
    (tmp_path / "Über uns" / "a#1 100%.yaml").write_text(BAD)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    log = log_of(tmp_path)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert SEMANTIC.match(driver["semanticVersion"])
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(rules) == len(set(rules))
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    for result in run["results"]:
        assert_result(result, rules)
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]
    }
    assert uris == {"%C3%9Cber%20uns/a%231%20100%25.yaml", "binary.yaml"}


def assert_result(result: dict, rules: list[str]) -> None:
    assert result["ruleId"] in rules
    assert result["level"] in LEVELS
    assert result["message"]["text"].strip()
    (location,) = result["locations"]
    place = location["physicalLocation"]
    assert URI_REFERENCE.match(place["artifactLocation"]["uri"])
    assert place.get("region", {"startLine": 1})["startLine"] >= 1
    assert all(each["fullyQualifiedName"] for each in location.get("logicalLocations", []))


def test_a_log_without_findings_is_a_log(tmp_path: Path):
    (run,) = log_of(tmp_path)["runs"]
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []
