"""A preview for every labelled pull request, made by Argo CD: an ApplicationSet and what it applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from services.clusters import deliveries
from services.clusters.models import Environment
from services.integrations import githosts
from services.integrations.models import GitServer
from services.manifests import images, objects, pointers
from services.manifests.check import Finding, check
from services.manifests.copying import Copied, Item
from services.manifests.copying.follow import Followed, followed
from services.manifests.reader import load_all
from services.onboarding.queries.forms import environment_info

from ..errors import Impossible
from . import space
from .gathering import Gathered, gather
from .plans import WORKLOADS, Choice, Wish, _choices, _services, closure_of

KIND = "argoproj.io/v1alpha1/ApplicationSet"
PUBLIC = {"api.github.com": "github.com"}


@dataclass(frozen=True)
class Following:
    wish: Wish
    choices: list[Choice]
    gathered: Gathered
    copied: Copied
    files: dict[str, str]
    findings: list[Finding]
    needs: list[dict[str, Any]]

    @property
    def chosen(self) -> list[Choice]:
        return [each for each in self.choices if each.chosen]

    @property
    def blocked(self) -> bool:
        return any(each.severity == "block" for each in self.findings)


def why_not(base: Environment) -> str:
    """Why Argo CD cannot make previews of an environment; empty where it can, or nobody has looked."""
    from services.onboarding.blueprints.choices import lacking

    return lacking([environment_info(base)], {KIND: "Argo CD with ApplicationSets"})


def following(wish: Wish, about: Followed) -> Following:
    """What Argo CD would be given, nothing done.

    Refuses (Impossible): a cluster without it, nothing to copy. Raises `integrations.errors`.
    """
    if reason := why_not(wish.base):
        raise Impossible(f"{reason}.")
    closure = closure_of(wish)
    gathered = gather([entity for _, entity in closure.values() if entity is not None], wish.base.name)
    choices = _choices(wish, closure, gathered)
    chosen = {each.ref for each in choices if each.chosen}
    if wish.entity.ref not in chosen:
        raise Impossible(
            f"There are no manifests of {wish.entity.name} for {wish.base} to make previews from."
        )
    own = [item for ref in gathered.items if ref in chosen for item in gathered.items[ref]]
    others = [item for ref in gathered.items if ref not in chosen for item in gathered.items[ref]]
    beside = sorted(_services(others) | {each.name for each in choices if not each.chosen})
    files, copied = followed(
        own, about, source=wish.base.namespace, beside=beside, around=lambda made: _around(made, wish.base)
    )
    settings = {**space.settings_of(wish.base), "is_production": False}
    datas = [_placed(each.data) for each in copied.items]
    [made] = load_all(files[f"{about.folder}/applicationset.yaml"])
    findings = check([*datas, made], environment="preview", settings=settings)
    return Following(wish, choices, gathered, copied, files, findings, _needs(copied, wish))


def _around(copied: Copied, base: Environment) -> Sequence[Item]:
    """Quota, limits, who may speak to it, and its secrets; the namespace is Argo CD's to make."""
    kept = space.secrets(copied.missing, base)
    copied.missing = [each for each in copied.missing if each.kind != "Secret" or not kept]
    made = [*space.around(copied.items, base, ""), *kept]
    return [item for item in made if item.data["kind"] != "Namespace"]


def _placed(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "metadata": {**data.get("metadata", {}), "namespace": "preview"}}


def _needs(copied: Copied, wish: Wish) -> list[dict[str, Any]]:
    """It may deploy whatever its project may: somebody of the platform says yes, once for all of them."""
    reason = "Argo CD makes something for each labelled pull request, by itself"
    need = {"key": "applicationset", "who": ["platform"], "team": "", "count": 1, "reason": reason}
    return [need, *space.needs_of(copied.items, wish.base, wish.team.slug)]


def about(wish: Wish, said: dict[str, str]) -> Followed:
    """What is followed, from what a form says and the environment's settings."""
    way = deliveries.way_of(wish.base)
    token = wish.base.settings.get("preview_token")
    opened = token if isinstance(token, dict) else {}
    project = str(wish.base.settings.get("preview_project") or "previews")
    return Followed(
        name=wish.name, provider=said["provider"], source=said["source"], deploy=said["deploy"],
        folder=f"previews/{wish.team.slug}/{wish.name}-pulls", image=said["image"],
        domain=space.domain_of(wish.base), project=project,
        namespace=way.namespace if way and way.by == "argocd" else "argocd", api=said.get("api", ""),
        token=(str(opened.get("secret") or ""), str(opened.get("key") or "token")),
    )  # fmt: skip


def guessed(wish: Wish, repository: dict[str, str]) -> dict[str, str]:
    """What a form begins with: the repository of the service, its image, and where the manifests lie."""
    name = repository.get("name", "")
    provider = "gitlab" if "gitlab" in repository.get("url", "") else "github"
    is_slug = "/" in name and "." not in name.split("/")[0]
    return {
        "provider": provider, "source": name if is_slug else "",
        "image": _image(wish), "deploy": _deploy(), "api": "",
    }  # fmt: skip


def _image(wish: Wish) -> str:
    """The repository of the image that runs."""
    for item in gather([wish.entity], wish.base.name).items.get(wish.entity.ref, []):
        at = objects.pod_path(item.data)
        if at is None or item.data.get("kind") not in WORKLOADS:
            continue
        for container in pointers.find(item.data, (*at, "containers")) or []:
            try:
                return images.parse(str(container.get("image"))).repository
            except images.NotAnImage:
                continue
    return ""


def _deploy() -> str:
    """The deploy repository as a host of others gives it; the built-in one is for nobody else to read."""
    place = githosts.target()
    server = GitServer.objects.filter(name=place[0]).first() if place else None
    if server is None:
        return ""
    host = urlsplit(server.address).netloc
    return f"https://{PUBLIC.get(host, host)}/{server.repository}.git"


def named(wish: Wish) -> Wish:
    """Without a person's name in it: it is for everybody's pull requests."""
    return replace(wish, name=wish.entity.name.lower()[:30])
