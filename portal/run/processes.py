"""A few processes kept alive: started in order, restarted when they die, stopped in reverse.

Each child is a session of its own, so that Ctrl-C reaches only the supervisor. What runs is written to a
file; a supervisor that was killed leaves children behind, and the next one finds and stops them.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

STOP_SECONDS = 20  # more than web and worker give what is under way
LONGEST_WAIT = 30


@dataclass
class Program:
    """One process to keep alive."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started_at: float = 0
    start_again_at: float = field(default=0)

    def ask_to_end(self) -> None:
        if self.process:
            self.process.terminate()

    def ended(self, seconds: float) -> bool:
        """Whether it ended by itself in time; otherwise it is killed with all its children."""
        if self.process is None:
            return True
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return False
        return True


class Supervisor:
    """Keeps programs alive; `say` is told what people should know."""

    def __init__(self, folder: Path, *, environment: dict[str, str], say: Callable[[str], None]) -> None:
        self._file = folder / "processes.json"
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._environment = environment
        self._say = say
        self.programs: list[Program] = []

    def start(self, name: str, command: list[str]) -> None:
        program = Program(name, command)
        self.programs.append(program)
        self._spawn(program)

    def watch(self) -> None:
        """Restart what died, waiting longer each time. Returns after one look."""
        now = time.monotonic()
        for program in self.programs:
            if program.process is None:
                if now >= program.start_again_at:
                    self._spawn(program)
            elif (code := program.process.poll()) is not None:
                self._died(program, code, now)

    def stop(self) -> None:
        """Ask everything to end and wait for what is under way. Kills what has not ended after 20 s."""
        running = [p for p in reversed(self.programs) if p.process and p.process.poll() is None]
        if running:
            names = ", ".join(program.name for program in running)
            self._say(f"Stopping {names}: what is under way is finished first.")
        for program in running:
            program.ask_to_end()
        end = time.monotonic() + STOP_SECONDS
        for program in running:
            if not program.ended(max(0.1, end - time.monotonic())):
                self._say(f"{program.name} did not end in {STOP_SECONDS} s and was killed; others take over.")
        self.programs.clear()
        self._file.unlink(missing_ok=True)

    def stop_leftovers(self) -> int:
        """Stop what a killed supervisor left running; returns how many there were."""
        found = [process for pid, born in self._recorded() if (process := _alive(pid, born))]
        for process in found:
            process.terminate()
        _, stubborn = psutil.wait_procs(found, timeout=STOP_SECONDS)
        for process in stubborn:
            process.kill()
        self._file.unlink(missing_ok=True)
        return len(found)

    def _spawn(self, program: Program) -> None:
        with (self._logs / f"{program.name}.log").open("ab") as log:
            program.process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        program.started_at = time.monotonic()
        self._record()

    def _died(self, program: Program, code: int, now: float) -> None:
        if now - program.started_at > LONGEST_WAIT:
            program.restarts = 0
        wait = min(2**program.restarts, LONGEST_WAIT)
        program.restarts += 1
        program.process = None
        program.start_again_at = now + wait
        self._say(f"{program.name} ended with {code}; starting it again in {wait} s ({program.name}.log).")

    def _record(self) -> None:
        rows = []
        for program in self.programs:
            if program.process and (process := _alive(program.process.pid)):
                rows.append([process.pid, process.create_time()])
        self._file.write_text(json.dumps(rows))

    def _recorded(self) -> list[tuple[int, float]]:
        try:
            return [(int(pid), float(born)) for pid, born in json.loads(self._file.read_text())]
        except (OSError, ValueError):
            return []


def _alive(pid: int, born: float | None = None) -> psutil.Process | None:
    """The process of that number, if it is the one that was born then."""
    try:
        process = psutil.Process(pid)
        same = born is None or abs(process.create_time() - born) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
