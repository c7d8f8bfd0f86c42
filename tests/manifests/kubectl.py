"""Find kubectl, or install Debian's when it is missing and we may: `python -m tests.manifests.kubectl`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

REQUIRED = "SLIPWAY_REQUIRE_SHARED_DATA"


def find() -> str | None:
    """The path of a kubectl; SLIPWAY_KUBECTL wins."""
    return os.environ.get("SLIPWAY_KUBECTL") or shutil.which("kubectl")


def needed() -> str:
    """As `find`; where there is none the test says so, and in CI it fails."""
    found = find()
    if found is None and os.environ.get(REQUIRED) == "1":
        pytest.fail("kubectl is required and absent: what Kubernetes itself reads is not tested")
    return found or pytest.skip("no kubectl: what Kubernetes itself reads is NOT tested here")


def read(program: str, text: str, home: str) -> Iterator[Any]:
    """The objects of a YAML text as kubectl reads them; it asks no server and looks at no configuration."""
    done = subprocess.run(
        [program, "label", "--local", "-f", "-", "read=again", "-o", "json"],
        input=text.encode(),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": home, "KUBECONFIG": os.devnull},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    rest = done.stdout.decode().lstrip()
    decoder = json.JSONDecoder()
    while rest:
        value, end = decoder.raw_decode(rest)
        del value["metadata"]["labels"]
        yield value
        rest = rest[end:].lstrip()


def main() -> int:
    if find():
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return say("No kubectl: the tests that ask it are left out (Debian: apt install kubernetes-client).")
    print("  Installing kubectl …", flush=True)
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "kubernetes-client"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return say(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
    return 0


def say(problem: str) -> int:
    """The rest can be tested all the same; where it must be there, its test fails."""
    print(f"  {problem}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
