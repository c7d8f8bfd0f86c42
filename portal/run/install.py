"""Create the virtual environment and install the pinned requirements. Standard library only: it runs first.

Usage: python3 portal/run/install.py VENV REQUIREMENTS
"""

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

# What pip says, and what a newcomer can do about it.
HINTS = {
    "Temporary failure in name resolution": "The package index cannot be reached: is there a network?",
    "NewConnectionError": "The package index cannot be reached: is there a network, or a proxy to configure?",
    "Network is unreachable": "The package index cannot be reached: is there a network?",
    "No matching distribution": "The package index lacks a pinned version for this Python and machine.",
    "DO NOT MATCH THE HASHES": "A downloaded package differs from the pinned one; it was not installed.",
    "fatal error:": "A C header is missing; install the -dev package that has it.",
    "No space left on device": "The disk is full.",
    "Permission denied": "This user may not write here.",
}


def main(target: str, requirements: str) -> int:
    folder, wanted = Path(target), Path(requirements)
    stamp = folder / f"{wanted.stem}.installed"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return 0
    if sys.version_info < (3, 11):  # noqa: UP036  # this file is what checks it
        return say(
            f"Slipway needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable})."
        )
    started = time.monotonic()
    print(f"  Installing {count(wanted)} packages …", end="", flush=True)
    problem = create(folder) or install(folder, wanted)
    if problem:
        return say(problem)
    stamp.write_text(digest)
    print(f" {time.monotonic() - started:.0f} s")
    return 0


def create(folder: Path) -> str:
    """Make the environment unless it is there; returns what is wrong, or nothing."""
    if (folder / "bin" / "pip").exists():
        return ""
    try:
        venv.create(folder, with_pip=True, clear=folder.exists())
    except (OSError, subprocess.CalledProcessError) as error:
        return f"No virtual environment in {folder}: {error}. On Debian: apt install python3-venv."
    return ""


def install(folder: Path, requirements: Path) -> str:
    log = folder / "install.log"
    options = ["--require-hashes", "--no-deps", "--disable-pip-version-check"]
    environment = {**os.environ, "PIP_NO_INPUT": "1"}
    with log.open("w") as output:
        done = subprocess.run(
            [folder / "bin" / "python", "-m", "pip", "install", *options, "-r", str(requirements)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
    if done.returncode == 0:
        return ""
    return f"{explained(log.read_text(errors='replace'))}\n  The whole log: {log}"


def explained(said: str) -> str:
    """What went wrong in a sentence, with the line of pip's that shows it, or its last ones."""
    lines = [line.strip() for line in said.strip().splitlines()]
    for sign, hint in HINTS.items():
        if shown := next((line for line in lines if sign in line), ""):
            return f"{hint}\n    {shown}"
    return "\n    ".join(["pip gave up.", *lines[-4:]])


def count(requirements: Path) -> int:
    return sum("==" in line for line in requirements.read_text().splitlines())


def say(problem: str) -> int:
    print(f"\n  {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
