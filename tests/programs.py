"""Programs that tests need: found, or Debian's installed when they are missing and we may.

`python -m tests.programs`; no test is left out because one of them is not there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """`packages` are Debian's, the first that can be had; `setting` names a path that wins."""

    title: str
    setting: str
    names: tuple[str, ...]
    packages: tuple[str, ...]
    places: str = ""

    def find(self) -> str | None:
        placed = sorted(map(str, Path("/").glob(self.places))) if self.places else []
        return os.environ.get(self.setting) or next(
            filter(None, [*placed, *map(shutil.which, self.names)]), None
        )

    def needed(self) -> str:
        """The path of it; without it the test fails, and says what to do."""
        found = self.find()
        if found is None:
            import pytest

            pytest.fail(f"{self.title} is missing: `make programs` installs it, or says why not.", False)
        return found


# The Chromium without windows costs a fifth less; old releases of Debian lack it.
CHROMIUM = Program(
    "Chromium",
    "SLIPWAY_CHROMIUM",
    ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    ("chromium-headless-shell", "chromium"),
)
KUBECTL = Program("kubectl", "SLIPWAY_KUBECTL", ("kubectl",), ("kubernetes-client",))
# Debian's /usr/sbin/rabbitmq-server insists on the system's user and folders; the place is what it calls.
RABBITMQ = Program(
    "RabbitMQ",
    "SLIPWAY_RABBITMQ",
    ("rabbitmq-server",),
    ("rabbitmq-server",),
    "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server",
)
NODE = Program("Node.js", "SLIPWAY_NODE", ("node", "nodejs"), ("nodejs",))
NPM = Program("npm", "SLIPWAY_NPM", ("npm",), ("npm",))
PROGRAMS = (CHROMIUM, KUBECTL, RABBITMQ, NODE, NPM)


def main(programs: Iterable[Program] = PROGRAMS) -> int:
    missing = [each for each in programs if each.find() is None]
    if not missing:
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return say("\n  ".join(how_to_have(each) for each in missing))
    print(f"  Installing {', '.join(each.title for each in missing)} …", flush=True)
    if problem := apt_get("update"):
        return say(problem)
    return max(install(each) for each in missing)


def how_to_have(program: Program) -> str:
    package = program.packages[-1]
    return f"The tests need {program.title} (Debian: apt install {package}), or {program.setting} to name it."


def install(program: Program) -> int:
    problems = []
    for package in program.packages:
        problems.append(apt_get("install", "-y", package))
        if not problems[-1]:
            return 0
    return say(problems[-1])


def apt_get(*arguments: str) -> str:
    """What went wrong, or nothing. Services that a package brings are not started."""
    command = ["apt-get", "-qq", *arguments]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    return f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}" if done.returncode else ""


def say(problem: str) -> int:
    print(f"  {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
