"""What guardrails of one object find, and what lies beside it or in the settings answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.manifests import pointers
from services.manifests.guardrails.across.rule import together
from services.manifests.objects import CONTAINER_LISTS, Object, kind, name, pod_path, pod_spec
from services.manifests.problems import Problem

OF_ACCOUNTS = frozenset({"service-account-token", "service-account-default"})


class Leniency:
    """`exempt_images` in the settings are names, or beginnings of names, that the platform vouches for.

    Containers of such an image are not judged. A pod that says nothing of the token has what its account
    says.
    """

    def __init__(self, objects: Sequence[Object], files: Sequence[str], settings: Mapping[str, Any]) -> None:
        given = settings.get("exempt_images") or ()
        listed = given.split(",") if isinstance(given, str) else list(given)
        self.images = tuple(each for image in listed if (each := str(image).strip()))
        self.accounts = [
            (file.rpartition("/")[0], obj)
            for file, obj in zip(files, objects, strict=True)
            if kind(obj) == "ServiceAccount" and obj.get("automountServiceAccountToken") is False
        ]

    def covers(self, problem: Problem, obj: Object, file: str) -> bool:
        if problem.rule.id in OF_ACCOUNTS and self._account_says_no(obj, file.rpartition("/")[0]):
            return True
        return bool(self.images) and self._is_exempt(problem, obj)

    def _account_says_no(self, obj: Object, folder: str) -> bool:
        pod = pod_spec(obj)
        wanted = pod.get("serviceAccountName") or "default"
        return "automountServiceAccountToken" not in pod and any(
            folder == where and name(account) == wanted and together(account, obj)
            for where, account in self.accounts
        )

    def _is_exempt(self, problem: Problem, obj: Object) -> bool:
        pod = pod_path(obj) or ()
        inside = problem.path[len(pod) :]
        if problem.path[: len(pod)] != pod or not inside or inside[0] not in CONTAINER_LISTS:
            return False
        image = pointers.find(obj, (*pod, *inside[:2], "image"))
        return isinstance(image, str) and image.startswith(self.images)
