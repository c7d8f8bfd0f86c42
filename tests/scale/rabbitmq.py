"""RabbitMQ for one test, in a folder of its own."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import RABBITMQ
from tests.stack import free_ports

START_SECONDS = 100


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start a server below `folder`; the address once asked for is given when it answers."""
    script = RABBITMQ.needed()
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
