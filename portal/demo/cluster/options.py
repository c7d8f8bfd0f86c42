"""What goes with a request besides its object: dry runs, and the conditions and manner of a deletion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.demo.cluster import status
from portal.demo.cluster.kinds import Kind

Object = dict[str, Any]
POLICIES = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True)
class Deletion:
    dry_run: bool = False
    policy: str = "Background"
    uid: str = ""
    version: str = ""

    @classmethod
    def read(cls, body: Object | None, params: Mapping[str, str]) -> "Deletion":
        """Options in the body replace those of the query, as in a real API server."""
        said = body or {"dryRun": [params["dryRun"]] if "dryRun" in params else []}
        said.setdefault("propagationPolicy", params.get("propagationPolicy") or "Background")
        if said["propagationPolicy"] not in POLICIES:
            _unsupported("DeleteOptions", "propagationPolicy", said["propagationPolicy"], POLICIES)
        wanted = said.get("preconditions") or {}
        return cls(
            is_dry("DeleteOptions", said.get("dryRun") or []),
            said["propagationPolicy"],
            str(wanted.get("uid") or ""),
            str(wanted.get("resourceVersion") or ""),
        )

    def check(self, kind: Kind, live: Object) -> None:
        """Refuses with 409 another object than the one that was meant."""
        metadata = live["metadata"]
        for word, wanted, found in (
            ("UID", self.uid, metadata["uid"]),
            ("ResourceVersion", self.version, metadata["resourceVersion"]),
        ):
            if wanted and wanted != found:
                raise status.unmet(kind, metadata["name"], word, wanted, found)


def is_dry(kind: str, said: list[Any]) -> bool:
    """Refuses with 422 any word but `All`."""
    if said and said != ["All"]:
        _unsupported(kind, "dryRun", said, ("All",))
    return bool(said)


def _unsupported(kind: str, field: str, value: Any, known: tuple[str, ...]) -> None:
    options = ", ".join(f'"{word}"' for word in known)
    raise status.unfit(
        f"{kind}.meta.k8s.io", "", [(field, f"Unsupported value: {value}: supported values: {options}")]
    )
