"""What every process of a running portal weighs."""

import re
from pathlib import Path

import psutil

SIGNS = {
    "portal.run.up": "supervisor",
    "gunicorn": "web",
    "celery.*worker": "worker",
    "celery.*beat|portal.beat": "beat",
    "watch_clusters": "watcher",
    "portal.demo.cluster": "cluster (simulated)",
    "postgres": "postgres",
    "redis": "redis",
}


def memory(pid: int, home: Path) -> dict[str, float]:
    """Proportional set size in MiB by process: the supervisor `pid` and what runs below `home`."""
    sizes: dict[str, float] = {}
    for process in [psutil.Process(pid), *_others(pid, str(home))]:
        name = _name(process)
        sizes[name] = sizes.get(name, 0) + process.memory_full_info().pss / 2**20
    return sizes


def _others(pid: int, home: str) -> list[psutil.Process]:
    found = psutil.Process(pid).children(recursive=True)
    for process in psutil.process_iter(["name", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if home in line or (process.info["name"] == "postgres" and _below(process, home)):
            found.append(process)
    return list({process.pid: process for process in found}.values())


def _below(process: psutil.Process, home: str) -> bool:
    return any(home in " ".join(parent.cmdline()) for parent in process.parents())


def _name(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return next((name for sign, name in SIGNS.items() if re.search(sign, line)), process.name())
