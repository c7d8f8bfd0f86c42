"""The files of a request: one per object and environment, the answers, the catalog descriptor."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from services.manifests.emit import Document, dump, load_all
from services.manifests.expressions import Expression, Scope
from services.manifests.merging import as_wanted, three_way
from services.manifests.render import RenderError, Template, Where
from services.onboarding.blueprints import newer
from services.onboarding.blueprints.adopted import KEY, Adopted, adopted_in, revised
from services.onboarding.blueprints.answers import fill
from services.onboarding.blueprints.model import (
    Blueprint,
    Brought,
    Conflict,
    Context,
    EnvironmentInfo,
    Upgrade,
    nothing_exists,
)
from services.onboarding.blueprints.previous import (
    ANSWERS,
    answers_in,
    documents_of,
    merge,
    merge_values,
    pin_in,
)

MANAGED = "Managed by Slipway: change it through its form, not here."
KUSTOMIZATION = "kustomization.yaml"
NAMED = ("name", "namespace")


@dataclass
class Tree:
    """`objects` are the rendered documents, re-read from their text, by environment.

    `scope` holds what expressions about the whole may use.
    """

    files: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    objects: dict[str, list[Document]] = field(default_factory=dict)
    entity: dict[str, Any] | None = None
    entity_ref: str = ""
    name: str = ""
    digest: str = ""
    version: str = ""
    conflicts: list[Conflict] = field(default_factory=list)
    scope: Scope = field(default_factory=lambda: Scope({}))


def build(blueprint: Blueprint, answers: dict[str, Any], base: Mapping[str, Any], context: Context) -> Tree:
    """Render everything for these answers; RenderError and ExpressionError blame the blueprint."""
    return _Building(blueprint, answers, base, context).tree()


def hash_of(tree: Tree, context: Context) -> str:
    """What was there, what is to be there: two evaluations with the same hash propose the same change."""
    total = hashlib.sha256()
    for path in sorted({*tree.files, *tree.removed}):
        before = context.existing(path)
        old = hashlib.sha256(before).hexdigest() if before is not None else "absent"
        new = hashlib.sha256(tree.files[path].encode()).hexdigest() if path in tree.files else "removed"
        total.update(f"{path}\0{old}\0{new}\n".encode())
    return f"sha256:{total.hexdigest()}"


def computed(expressions: Mapping[str, Expression], name: str, scope: Scope) -> None:
    """Named expressions in order, each seeing those before it under `name`; the scope keeps them."""
    results: dict[str, Any] = {}
    scope.extend(name, results)
    for key, expression in expressions.items():
        results[key] = expression.evaluate(scope)
        scope.extend(name, results)


class _Building:
    def __init__(
        self, blueprint: Blueprint, answers: dict[str, Any], base: Mapping[str, Any], context: Context
    ) -> None:
        self.blueprint = blueprint
        self.context = context
        self.answers = answers
        self.base = base
        self.request = context.request
        self.scope = Scope({**base, "answers": answers})
        self.result = Tree(scope=self.scope)
        self.upgrade = context.upgrade
        chosen = blueprint.environments.evaluate(self.scope)
        self.environments = [each for each in context.environments if each.name in chosen]

    def tree(self) -> Tree:
        tree, blueprint = self.result, self.blueprint
        self.scope.extend("environments", [each.as_variable() for each in self.environments])
        computed(blueprint.values, "values", self.scope)
        self.name, self.owner = self.text(blueprint.subject), self.text(blueprint.owner)
        self.path = self.text(blueprint.path)
        tree.name = self.name
        kept = self.context.existing(f"{self.path}/{ANSWERS}")
        self.before = answers_in(kept, blueprint.name)
        self.adopted = adopted_in(kept) if self.before is not None else self.context.adopted
        pin = self.context.pin or (pin_in(kept) if self.before is not None else None)
        if self.before is not None and pin is not None:
            self.before = newer.carried_on(blueprint, self.before[0], pin[1]), self.before[1]
        if self.upgrade is not None:
            self.before, pin = (dict(self.upgrade.answers), self.upgrade.request), None
        tree.digest, tree.version = pin or (blueprint.digest, blueprint.version)
        if self.before is not None:
            self.request = self.request or self.before[1]
        elif self.adopted is not None and not self.adopted.silent:
            self.before = self.adopted.answers, ""
        self.describe()
        for environment in self.environments:
            tree.objects[environment.name] = list(self.environment(environment))
        self.keep_answers()
        if self.upgrade is not None:
            self.drop_old(self.upgrade)
        return tree

    @cached_property
    def same(self) -> Tree:
        """What the answers in the repository make today, as if this request had brought it."""
        return self.rendered_before(self.request)

    @cached_property
    def base_tree(self) -> Tree:
        """The same as the request before brought it: what everything by hand is compared with."""
        return self.rendered_before(self.before[1] if self.before else "")

    def rendered_before(self, request: str) -> Tree:
        if self.before is None:
            return Tree()
        if self.upgrade is not None:
            files = {path: newer.marked(text, request) for path, text in self.upgrade.files.items()}
            return Tree(files=files)
        before = self.before[0]
        fixed = {
            each.name: before.get(each.name) for each in self.blueprint.fields.values() if each.is_identity
        }
        quiet = replace(
            self.context, fixed=fixed, existing=nothing_exists, request=request, brought=Brought(),
            pin=(self.result.digest, self.result.version),
            adopted=self.adopted and replace(self.adopted, silent=True),
        )  # fmt: skip
        answers = fill(self.blueprint, before, quiet).preview
        return build(self.blueprint, answers, self.base, quiet)

    def settle(self, path: str, text: str) -> str:
        """Puts a file into the tree; returns what the guardrails read.

        A file that the answers do not change stays as it is, whoever wrote what into it. Into one they do
        change, what was written by hand is carried over; where both changed the same lines, the form wins.
        """
        if self.adopted is not None and not self.adopted.silent and path in self.adopted_paths:
            return self.settle_adopted(path, text)
        found, files = self.context.existing(path), self.result.files
        if self.upgrade is not None:
            return self.settle_newer(self.upgrade, path, found, text)
        files[path] = text
        if found is None or path not in self.same.files:
            return text
        here = found.decode(errors="replace")
        if self.same.files[path] == text:
            files[path] = here
        else:
            files[path] = self.carried_over(path, here, text)
            return files[path]
        return text

    def carried_over(self, path: str, here: str, text: str) -> str:
        base = self.base_tree.files.get(path, "")
        merged = merge(base, here, text)
        return (
            merged if merged is not None and documents_of(merged.encode()) else merge_values(base, here, text)
        )

    def settle_newer(self, upgrade: Upgrade, path: str, found: bytes | None, text: str) -> str:
        """As `settle`, for a newer version: what people changed by hand stays, and conflicts are told."""
        done = newer.settled(upgrade, path, found, text, self.request)
        self.result.conflicts += done.conflicts
        if done.text is not None:
            self.result.files[path] = done.text
        return done.judged

    def drop_old(self, upgrade: Upgrade) -> None:
        """What the version before made and this one does not; of what no form wrote, nothing."""
        for path in upgrade.files.keys() - self.result.files.keys() if self.adopted is None else ():
            found = self.context.existing(path)
            if found is not None:
                goes, conflicts = newer.removed(upgrade, path, found, self.request)
                self.result.conflicts += conflicts
                self.result.removed += [path] if goes else []
        self.result.removed.sort()
        self.result.conflicts.sort(key=lambda each: each.key)

    @cached_property
    def adopted_paths(self) -> frozenset[str]:
        """Those of the form that files by hand stand for, and those there is nothing for."""
        found = self.adopted or Adopted()
        return frozenset((*found.places, *found.left)) & self.same.files.keys()

    def settle_adopted(self, path: str, text: str) -> str:
        """As `settle`, where no form wrote the file; what the answers do not change is not in the tree.

        Guardrails read what the form would write: what they find is of the answers, and what else is in the
        file was there before.
        """
        assert self.adopted is not None
        if path in self.adopted.left or self.same.files[path] == text:
            return text
        file, index = self.adopted.places[path]
        found = self.context.existing(file)
        before = self.result.files.get(file, found.decode(errors="replace") if found is not None else None)
        if before is None:
            return text
        base, wanted = (load_all(each)[0].data for each in (self.same.files[path], text))
        take = self.upgrade.take if self.upgrade is not None else None
        decide = as_wanted if take is None else newer.deciding(file, take, self.result.conflicts)
        self.result.files[file] = revised(before, index, base, wanted, decide)
        return text

    def keep_answers(self) -> None:
        path, text = f"{self.path}/{ANSWERS}", self.answers_file()
        found = self.context.existing(path)
        same = found is not None and self.same.files.get(path) == text
        self.result.files[path] = found.decode(errors="replace") if found is not None and same else text

    def text(self, template: Template) -> str:
        return str(template.render(self.scope))

    def describe(self) -> None:
        """The catalog descriptor, and what every object says about where it comes from."""
        entity = self.blueprint.entity.render(self.scope)
        metadata = entity["metadata"]
        namespace = metadata.get("namespace", "default")
        self.result.entity_ref = f"{entity['kind']}:{namespace}/{metadata['name']}".lower()
        path = self.text(self.blueprint.entity_path)
        self.settle(path, dump([entity], MANAGED))
        self.result.entity = self.described(path, entity)
        self.labels = {
            "app.kubernetes.io/name": self.name,
            "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/managed-by": "slipway",
            "slipway.dev/team": self.owner,
        }
        selector = {key: self.labels[key] for key in ("app.kubernetes.io/name", "app.kubernetes.io/instance")}
        self.scope.extend("labels", self.labels)
        self.scope.extend("selector", selector)

    def described(self, path: str, rendered: dict[str, Any]) -> dict[str, Any]:
        """The descriptor as the repository will have it: teams write more into theirs than a form asks."""
        wanted = (rendered["kind"], *(rendered["metadata"].get(key) for key in NAMED))
        if self.adopted is not None and path in self.adopted.left:
            known = self.adopted.descriptor
            return dict(three_way(self.same.entity, known, rendered)) if known else rendered
        at = self.adopted.file_of(path) if self.adopted is not None else path
        text = self.result.files.get(at) or (self.context.existing(at) or b"").decode(errors="replace")
        for found in documents_of(text.encode()):
            about = found.get("metadata") or {}
            readable = isinstance(about, dict) and isinstance(found.get("spec"), dict)
            if readable and (found.get("kind"), *(about.get(key) for key in NAMED)) == wanted:
                return found
        return rendered

    def environment(self, environment: EnvironmentInfo) -> Iterator[Document]:
        self.scope.extend("environment", environment.as_variable())
        computed(self.blueprint.here, "here", self.scope)
        folder, names = f"{self.path}/{environment.name}", []
        for manifest in self.blueprint.manifests:
            path = f"{folder}/{manifest.file}"
            rendered = manifest.template.render(self.scope)
            if rendered is None:
                self.remove(path)
                continue
            if manifest.plain:
                self.settle(path, _json(rendered, manifest.why))
                continue
            names.append(manifest.file)
            comment = f"{MANAGED}\n{manifest.why}" if manifest.why else MANAGED
            text = dump([self.marked(rendered, manifest.file)], comment)
            yield from self.read(path, self.settle(path, text))
        self.settle(f"{folder}/{KUSTOMIZATION}", self.kustomization(environment, names))

    def read(self, path: str, text: str) -> Iterator[Document]:
        """For the guardrails; the lines of a file by hand are not those of the form."""
        if self.adopted is None or path not in self.adopted.places:
            yield from load_all(text, path)
            return
        for each in load_all(text, self.adopted.file_of(path)):
            yield replace(each, line=0, positions={})

    def remove(self, path: str) -> None:
        """A file the answers brought goes with them; one that somebody put there by hand stays."""
        if self.upgrade is not None:
            return  # as everything the newer version does not make
        ours = self.before is None or path in self.same.files
        if self.adopted is not None and path in (*self.adopted.places, *self.adopted.left):
            ours = False  # somebody wrote it, and there may be more in it
        if ours and self.context.existing(path) is not None:
            self.result.removed.append(path)

    def marked(self, tree: Any, file: str) -> dict[str, Any]:
        """Every object says whose it is and which request brought it; a blueprint cannot forget to."""
        metadata = dict(_mapping(_mapping(tree, "", file), "metadata", file))
        for name in ("labels", "annotations"):
            metadata[name] = _mapping(metadata, name, file)
        metadata["labels"] = {**metadata.get("labels", {}), **self.labels}
        marks = {"slipway.dev/entity": self.result.entity_ref}
        if self.request and self.adopted is None:
            marks["slipway.dev/request"] = self.request
        metadata["annotations"] = {**metadata.get("annotations", {}), **marks}
        return {**tree, "metadata": metadata}

    def kustomization(self, environment: EnvironmentInfo, names: list[str]) -> str:
        """Row 36: any deployer that knows kustomize takes the folder as it is."""
        document = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": self.text(self.blueprint.namespace)
            if self.blueprint.namespace
            else environment.namespace,
            "resources": sorted(names),
        }
        return dump([document], MANAGED)

    def answers_file(self) -> str:
        metadata = {"name": self.name, "blueprint": self.blueprint.name}
        if self.request:
            metadata["request"] = self.request
        document: dict[str, Any] = {
            "apiVersion": "slipway.dev/v1",
            "kind": "Answers",
            "metadata": metadata,
            "spec": {"digest": self.result.digest, "answers": _kept(self.answers)},
        }
        if self.result.version:
            document["spec"] = {"version": self.result.version, **document["spec"]}
        if self.adopted is not None:
            document["spec"][KEY] = self.adopted.as_kept()
        return dump([document], "The answers these files were made from; the form opens with them.")


def _mapping(tree: Any, name: str, file: str) -> Mapping[str, Any]:
    """What must be keys and values in an object; nothing there is none of them."""
    found = (tree.get(name) or {}) if name else tree
    if not isinstance(found, Mapping):
        where = Where(("metadata", name) if name in ("labels", "annotations") else (name,) if name else ())
        raise RenderError("must be a mapping", replace(where, file=f"manifests/{file}"))
    return found


def _json(tree: Mapping[str, Any], why: str) -> str:
    """Text for a tool that reads JSON; a key of two slashes is a comment, as Terraform has it."""
    return json.dumps({"//": f"{MANAGED} {why}".strip(), **tree}, indent=2, ensure_ascii=False) + "\n"


def _kept(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answers.items() if value not in (None, [], "")}
