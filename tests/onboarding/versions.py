"""A small blueprint in two versions, written into a folder of the company's own."""

from pathlib import Path

from services.onboarding.blueprints import loader

BLUEPRINT = """\
apiVersion: slipway.dev/v1
kind: Blueprint
metadata:
  name: small
  title: Small service
  version: "{version}"
{changes}
spec:
  sections:
  - title: What it is
    fields:
    - {{name: name, label: Name, required: true, unique: true, format: dns-label}}
    - {{name: owner, label: Owner, from: teams, required: true}}
    - {{name: {copies}, label: Copies, type: integer, default: 2}}
    - {{name: environments, label: Where, type: array, from: environments, required: true}}
{fields}
  subject: ${{{{ answers.name }}}}
  owner: ${{{{ answers.owner }}}}
  environments: answers.environments
  path: apps/${{{{ answers.owner }}}}/${{{{ answers.name }}}}
  entityPath: catalog/${{{{ answers.name }}}}.yaml
  entity:
    apiVersion: backstage.io/v1alpha1
    kind: Component
    metadata: {{name: "${{{{ answers.name }}}}"}}
    spec: {{type: service, lifecycle: production, owner: "group:default/${{{{ answers.owner }}}}"}}
"""
SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: "${{{{ answers.name }}}}", namespace: "${{{{ environment.namespace }}}}"}}
data:
  copies: "${{{{ string(answers.{copies}) }}}}"
  level: {level}
  mode: {mode}
"""
EXTRA = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: "${{{{ answers.name }}}}-{name}", namespace: "${{{{ environment.namespace }}}}"}}
data: {{of: "{name}"}}
"""
CHANGES = """\
  changes:
  - version: "2.0"
    text: Asks for a **zone**, and calls replicas copies.
    moved: {replicas: copies}
"""
ZONE = '    - {name: zone, label: Zone, required: true, visible: "true"}\n'


def write(folder: Path, version: str, *, zone: bool = True, level: str = "info", mode: str = "slow") -> None:
    """Version 1.0 as it was; any other asks for a zone, has another name for copies, and other files."""
    old, home = version == "1.0", folder / "small"
    (home / "manifests").mkdir(parents=True, exist_ok=True)
    for file in (home / "manifests").iterdir():
        file.unlink()
    said = {
        "version": version, "copies": "replicas" if old else "copies",
        "changes": "" if old else CHANGES, "fields": ZONE if zone and not old else "",
    }  # fmt: skip
    (home / "blueprint.yaml").write_text(BLUEPRINT.format(**said))
    settings = SETTINGS.format(copies=said["copies"], level=level, mode=mode)
    (home / "manifests" / "settings.yaml").write_text(settings)
    name = "old" if old else "new"
    (home / "manifests" / f"{name}.yaml").write_text(EXTRA.format(name=name))
    loader.forget()
    from services.onboarding.blueprints import library

    library._read.cache_clear()
