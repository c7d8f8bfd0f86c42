"""What Kubernetes' own client makes of a text."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.programs import KUBECTL


def read(text: str, home: str) -> Iterator[Any]:
    """The objects of a YAML text as kubectl reads them; it asks no server and looks at no configuration."""
    done = subprocess.run(
        [KUBECTL.needed(), "label", "--local", "-f", "-", "read=again", "-o", "json"],
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
