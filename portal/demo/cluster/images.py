"""Which images exist. No registry is asked: the rule is a sentence each.

In the demo company's registry a tag exists when it looks released (a version below 90, a commit, `latest`,
`stable`, `main`, or a digest); names or tags that say so (`missing`, `nope`, `does-not-exist`) do not.
The large public registries have everything else; any other host is unknown.
"""

import re
from dataclasses import dataclass

OWN = "registry.larkfield.shop"
PUBLIC = {
    "docker.io", "index.docker.io", "ghcr.io", "quay.io", "gcr.io", "us.gcr.io", "registry.k8s.io",
    "k8s.gcr.io", "public.ecr.aws", "mcr.microsoft.com", "registry.gitlab.com", "docker.elastic.co",
}  # fmt: skip
_ABSENT = re.compile(r"missing|nope|does-not-exist|doesnotexist|unknown")
_RELEASED = re.compile(
    r"^(v?(?!9\d|\d{3})\d{1,2}(\.\d+){0,3}([-+._][\w.\-]+)?|[0-9a-f]{7,40}|sha-[0-9a-f]{7,40}|latest|stable|main|edge)$"
)


@dataclass(frozen=True)
class Image:
    host: str
    name: str
    tag: str
    digest: str = ""


def parse(reference: str) -> Image:
    """`host/name:tag@digest`; without a host it is Docker Hub's, without a tag `latest`."""
    rest, _, digest = reference.partition("@")
    first, slash, others = rest.partition("/")
    hosted = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, path = (first, others) if hosted else ("docker.io", rest)
    name, colon, tag = path.rpartition(":")
    return Image(host, name if colon else path, tag if colon else "latest", digest)


class Registry:
    def trouble(self, reference: str) -> str:
        """Why an image cannot be pulled, in the words of a container runtime; empty when it can."""
        image = parse(reference)
        shown = f'"{reference}"'
        if image.host != OWN and image.host not in PUBLIC:
            return (
                f"failed to pull and unpack image {shown}: failed to resolve reference {shown}: "
                f'failed to do request: Head "https://{image.host}/v2/{image.name}/manifests/{image.tag}": '
                f"dial tcp: lookup {image.host}: no such host"
            )
        if self._exists(image):
            return ""
        return (
            f"failed to pull and unpack image {shown}: failed to resolve reference {shown}: "
            f"{image.host}/{image.name}:{image.tag}: not found"
        )

    def _exists(self, image: Image) -> bool:
        if _ABSENT.search(image.name) or _ABSENT.search(image.tag):
            return False
        return bool(image.host != OWN or image.digest or _RELEASED.match(image.tag))
