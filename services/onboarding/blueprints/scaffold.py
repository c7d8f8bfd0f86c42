"""A new blueprint that works from the first minute, or the form of a kind of a cluster."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.manifests.emit import dump
from services.onboarding.blueprints.cases import run_cases
from services.onboarding.blueprints.crd import Kind

CONTEXT = """\
# The company of the test cases.
user: {username: ada, name: Ada Example, teams: [{slug: orders, name: Orders}]}
today: "2026-11-20"
environments:
- {name: staging, title: Staging, namespace: example-staging}
- {name: production, title: Production, namespace: example, is_production: true}
taken: [basket]
services: ["component:default/parcels"]
"""
HEAD = """\
# Say here what it is for. Below, every key is explained in docs/blueprints.md.
apiVersion: slipway.dev/v1
kind: Blueprint
metadata:
  name: NAME
  title: TITLE
  description: What it gives to whom, in one sentence.
  icon: puzzle
  category: Platform
  verb: Make
  tags: [NAME]

spec:
  intro: One paragraph above the form.
REQUIRES  sections:
  - title: What it is
    fields:
    - use: name
    - use: owner
    - use: description
    - use: environments
"""
FIELD = """\
  - title: What it says
    fields:
    - name: greeting
      label: Greeting
      help: What everybody reads.
      required: true
      default: Hello
      example: Hello
      maxLength: 100
"""
TAIL = """
  subject: ${{ answers.name }}
  owner: ${{ answers.owner }}
  path: apps/${{ answers.owner }}/${{ answers.name }}
  environments: answers.environments

  entityPath: catalog/${{ answers.name }}.yaml
  entity:
    apiVersion: backstage.io/v1alpha1
    kind: Resource
    metadata:
      name: ${{ answers.name }}
      description: ${{ answers.description }}
      tags: [NAME]
    spec:
      type: NAME
      owner: group:default/${{ answers.owner }}

  approvals:
  - key: production
    when: environments.exists(e, e.production)
    who: lead
    team: ${{ answers.owner }}
    reason: It goes to production
"""
MANIFEST = """\
# Why this object exists.
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${{ answers.name }}
  namespace: ${{ environment.namespace }}
data:
  greeting: ${{ answers.greeting }}
"""
REFUSED = "A name that is taken, and a sentence that says nothing."
WRONG = {"answers": {"name": "basket", "description": "Short"}}
SAID = {"expect": {"blocked": True, "errors": ["description: minLength", "name: taken"]}}


class AlreadyThere(ValueError):
    """The folder holds something."""


def write(folder: Path, kind: Kind | None = None) -> list[str]:
    """Write a blueprint called like the folder, with cases that pass; the files. Refuses (AlreadyThere)."""
    if folder.exists() and any(folder.iterdir()):
        raise AlreadyThere(f"{folder} is not empty")
    for name, text in _files(folder.name, kind):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for case in ("minimal", "everything"):
        (folder / "tests" / case).mkdir(parents=True)
    for _ in run_cases(folder, update=True):
        continue
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _files(name: str, kind: Kind | None) -> Iterator[tuple[str, str]]:
    title = kind.title if kind else name.replace("-", " ").capitalize()
    requires = f"  requires: {{{kind.key}: {kind.name}}}\n" if kind else ""
    head = HEAD.replace("NAME", name).replace("TITLE", title).replace("REQUIRES", requires)
    yield "blueprint.yaml", head + (_sections(kind) if kind else FIELD) + TAIL.replace("NAME", name)
    yield (
        f"manifests/{kind.name.lower() if kind else 'configmap'}.yaml",
        _manifest(kind) if kind else MANIFEST,
    )
    yield "tests/context.yaml", CONTEXT
    answers = {"name": "my-thing", "description": "What it is for."}
    yield "tests/minimal.yaml", _case("The least one must say.", answers | _needed(kind))
    yield "tests/everything.yaml", _case("Everything said.", answers | _everything(kind))
    wrong = {"answers": WRONG["answers"] | _needed(kind)} | SAID
    yield "tests/refused.yaml", dump([wrong], REFUSED)


def _case(comment: str, answers: Mapping[str, Any]) -> str:
    return dump(
        [{"answers": dict(answers), "request": "R-1001", "expect": {"blocked": False, "errors": []}}], comment
    )


def _needed(kind: Kind | None) -> dict[str, Any]:
    fields = kind.fields if kind else []
    return {
        each["name"]: each["example"] for each in fields if each.get("required") and "default" not in each
    }


def _everything(kind: Kind | None) -> dict[str, Any]:
    if kind is None:
        return {"owner": "orders", "environments": ["production"], "greeting": "Good morning"}
    said = {each["name"]: each["example"] for each in kind.fields if "example" in each}
    return {"owner": "orders", "environments": ["production"], **said}


def _sections(kind: Kind) -> str:
    text = dump([{"sections": [{"title": kind.name, "fields": kind.fields}]}])
    return "".join(f"  {line}\n" for line in text.removeprefix("sections:\n").splitlines())


def _manifest(kind: Kind) -> str:
    tree = {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"name": "${{ answers.name }}", "namespace": "${{ environment.namespace }}"},
        "spec": kind.template,
    }
    return dump([tree], f"The {kind.name} itself.")
