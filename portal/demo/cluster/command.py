"""The command line of the simulated cluster."""

import argparse
import os
import secrets
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from portal.demo.cluster import loader
from portal.demo.cluster.controllers import RECONCILERS
from portal.demo.cluster.server import Server
from portal.demo.cluster.state import State
from portal.demo.cluster.store import Store
from portal.demo.cluster.world import Pace, World


def read_or_create_token(path: Path) -> str:
    """The token clients must bear, made on first use and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    token = secrets.token_urlsafe(24)
    with os.fdopen(handle, "w") as file:
        file.write(token)
    return token


def home() -> Path:
    """Where the cluster of this installation keeps its things; the demo's seed writes the manifests there."""
    return Path(os.environ.get("SLIPWAY_HOME", ".slipway")).resolve() / "cluster"


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="simulated_cluster", description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8001)
    options.add_argument("--state", type=Path, default=home() / "state.json", help="outlives restarts")
    options.add_argument("--load", type=Path, default=home() / "manifests", help="for the first start")
    options.add_argument("--token-file", type=Path, default=home() / "token")
    usual = float(os.environ.get("SLIPWAY_SIMULATED_CLUSTER_SPEED") or 1)
    options.add_argument("--speed", type=float, default=usual, help="how many times faster than usual")
    options.add_argument(
        "--deadline", type=float, default=0.05, help="share of progressDeadlineSeconds that is waited"
    )
    return options


def build(state: State, load: Path, pace: Pace) -> World:
    """A world from disk, or from manifests on the first start."""
    store = Store()
    fresh = not state.exists()
    state.load(store)
    world = World(store, RECONCILERS, pace)
    if fresh:
        loader.load(world, loader.read(load))
    state.attach(store)
    return world


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    state = State(options.state)
    token = read_or_create_token(options.token_file)
    world = build(state, options.load, Pace(options.speed, options.deadline))
    server = Server((options.host, options.port), world.store, token)
    turning = threading.Thread(target=world.run, name="world", daemon=True)
    turning.start()

    def leave(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.stop).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    sys.stderr.write(f"simulated cluster on {server.url}\n")
    server.serve_forever(poll_interval=0.2)
    world.stop()
    turning.join(timeout=5)
    state.snapshot(world.store)
    state.close()
