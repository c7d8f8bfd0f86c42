"""Reading raw Kubernetes objects (dicts as the API gives them) without tripping over what is absent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]


def find(obj: Any, path: str, default: Any = None) -> Any:
    """`find(pod, "status.phase")`; the default where anything on the way is absent or null."""
    for part in path.split("."):
        if not isinstance(obj, Mapping) or obj.get(part) is None:
            return default
        obj = obj[part]
    return obj


def number(obj: Any, path: str, default: int = 0) -> int:
    """A count; anything else is the default."""
    found = find(obj, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def items(obj: Any, path: str) -> list[Mapping[str, Any]]:
    found = find(obj, path)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def kind(obj: Object) -> str:
    return str(obj.get("kind") or "")


def group(obj: Object) -> str:
    return str(obj.get("apiVersion") or "").rpartition("/")[0]


def name(obj: Object) -> str:
    return str(find(obj, "metadata.name", ""))


def namespace(obj: Object) -> str:
    return str(find(obj, "metadata.namespace", ""))


def reference(obj: Object) -> str:
    """`Pod/shop/wishlist-7d4b9`; the namespace is left out where there is none."""
    return "/".join(part for part in (kind(obj), namespace(obj), name(obj)) if part)


def condition(obj: Object, type_: str) -> Mapping[str, Any]:
    """The condition of that type, or an empty one."""
    return next((each for each in items(obj, "status.conditions") if each.get("type") == type_), {})


def owned_by(objects: Iterable[Object], owner: Object) -> Iterator[Object]:
    """Those whose controller is `owner`: by uid, or by kind and name where a uid was left out."""
    for each in objects:
        if namespace(each) == namespace(owner) and any(
            _is(owning, owner) for owning in items(each, "metadata.ownerReferences")
        ):
            yield each


def _is(owning: Mapping[str, Any], owner: Object) -> bool:
    uid = find(owner, "metadata.uid")
    if uid is not None and owning.get("uid"):
        return bool(owning["uid"] == uid)
    return (owning.get("kind"), owning.get("name")) == (kind(owner), name(owner))
