"""RabbitMQ for one test: found, or Debian's installed when it is missing and we may; run in a folder of ours.

SLIPWAY_RABBITMQ names the `rabbitmq-server` script to use.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack import free_ports

START_SECONDS = 100
# Debian's /usr/sbin/rabbitmq-server insists on the system's user and folders; this is what it calls.
SCRIPTS = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"


def find() -> str | None:
    installed = sorted(map(str, Path("/").glob(SCRIPTS.removeprefix("/"))))
    return (
        os.environ.get("SLIPWAY_RABBITMQ") or next(iter(installed), None) or shutil.which("rabbitmq-server")
    )


def main() -> int:
    if find():
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return say(
            "The scale tests need RabbitMQ (Debian: apt install rabbitmq-server), or set SLIPWAY_RABBITMQ."
        )
    print("  Installing RabbitMQ …", flush=True)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "rabbitmq-server"]
    for command in (["apt-get", "update", "-qq"], install):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
        if done.returncode:
            return say(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
    return 0


def say(problem: str) -> int:
    print(f"  {problem}", file=sys.stderr)
    return 1


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start a server below `folder`; the address once asked for is given when it answers."""
    script = find()
    assert script, "RabbitMQ is missing: `python -m tests.scale.rabbitmq` installs or says why not"
    port, distribution, mapper = free_ports(3)
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | _environment(folder, port, distribution, mapper)
    with (folder / "rabbitmq.log").open("wb") as log:
        options = {"env": environment, "stdout": log, "stderr": log, "start_new_session": True}
        epmd = subprocess.Popen(["epmd", "-port", str(mapper), "-address", "127.0.0.1"], **options)
        server = subprocess.Popen([script], **options)
    try:
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        for process in (server, epmd):
            os.killpg(process.pid, signal.SIGKILL)  # it keeps nothing that anybody wants
            process.wait()


def _environment(folder: Path, port: int, distribution: int, mapper: int) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"slipway-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }


def wait_for(address: str) -> None:
    """Until it speaks: its port opens before it does."""
    port = int(address.rstrip("/").rsplit(":", 1)[1])
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.settimeout(2)
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                if probe.recv(1):
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("RabbitMQ did not start")


if __name__ == "__main__":
    sys.exit(main())
