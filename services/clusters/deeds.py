"""What people may do to each kind of workload, as it is written in addresses and in the audit."""

from dataclasses import dataclass

DEEDS: dict[str, tuple[str, ...]] = {
    "Deployment": ("restart", "scale", "pause", "resume"),
    "StatefulSet": ("restart", "scale"),
    "DaemonSet": ("restart",),
    "CronJob": ("run", "pause", "resume"),
}


@dataclass(frozen=True)
class Deed:
    """One that makes sense now; `needs` a number, or nothing."""

    name: str
    label: str
    icon: str
    needs: str = ""


_SHOWN = {
    "restart": Deed("restart", "Restart", "refresh"),
    "scale": Deed("scale", "Scale", "adjustments-horizontal", "replicas"),
    "run": Deed("run", "Run now", "player-play"),
    "pause": Deed("pause", "Pause", "player-pause"),
    "resume": Deed("resume", "Resume", "player-play"),
}


def possible(kind: str, *, is_paused: bool) -> list[Deed]:
    """Pausing what is paused, and resuming what is not, are left out."""
    senseless = "pause" if is_paused else "resume"
    return [_SHOWN[each] for each in DEEDS.get(kind, ()) if each != senseless]
