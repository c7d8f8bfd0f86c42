"""Annotations that are commands to another program."""

import re
from typing import Final

_COMMANDS: Final = re.compile(
    r"(?:^|\.)(?:argocd\.argoproj\.io|argoproj\.io|config\.kubernetes\.io|kustomize\.config\.k8s\.io|helm\.sh"
    r"|toolkit\.fluxcd\.io|fluxcd\.io|kapp\.k14s\.io|werf\.io|sidecar\.istio\.io)/"
    r"|load-?balancer|-snippet$",
    re.IGNORECASE,
)


def commands(key: str) -> bool:
    """Whether this key tells a deployer, a mesh or a cloud to do something: hooks, pruning, addresses.

    Only who writes a template decides about those; a value that somebody typed never becomes such a key.
    """
    return _COMMANDS.search(key) is not None
