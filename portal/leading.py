"""One of several: whoever holds PostgreSQL's advisory lock leads. Knows no Django.

The lock ends with the connection that took it, so a leader that was killed is followed within seconds. It
needs a session of its own: PostgreSQL itself, or a pooler that pools by session.
"""

import contextlib
import os
import socket
import time

import psycopg
import structlog

from portal import embedded

log = structlog.get_logger(__name__)

# Any numbers nobody else locks in this database.
BEAT_LOCK = 0x51_19_7A_01
PULSE_SECONDS = 5.0
PULSE = """
    INSERT INTO effects_pulse (name, at, who) VALUES (%s, now(), %s)
    ON CONFLICT (name) DO UPDATE SET at = excluded.at, who = excluded.who
"""
# The server notices within half a minute when the leader's machine is gone.
SESSION = (
    "-c statement_timeout=5s -c lock_timeout=2s "
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)


def address() -> str:
    """SLIPWAY_BEAT_DATABASE_URL when DATABASE_URL is a pooler; else the portal's own."""
    chosen = os.environ.get("SLIPWAY_BEAT_DATABASE_URL") or os.environ.get("DATABASE_URL")
    return chosen or embedded.database_url(embedded.state_dir())


class Leader:
    """A candidate for one lock. `name` is the pulse it gives while it leads."""

    def __init__(self, url: str, *, lock: int = BEAT_LOCK, name: str = "beat") -> None:
        self._url, self._lock, self._name = url, lock, name
        self._session: psycopg.Connection | None = None
        self._holds = False
        self._pulse_at = 0.0
        self.who = f"{socket.gethostname()}:{os.getpid()}"

    def leads(self) -> bool:
        """Whether this process leads now. Without a database nobody does."""
        try:
            return self._look(self._session or self._connect())
        except psycopg.Error as error:
            log.warning("leading.database", name=self._name, error=str(error).strip())
            self.leave()
            return False

    def keeps(self) -> bool:
        """Whether it leads; if so, with a pulse."""
        leads = self.leads()
        if leads:
            self.pulse()
        return leads

    def pulse(self) -> None:
        """Write down that the leader's round ran, every 5 s, for the alarm that rings when none does."""
        if self._session is None or time.monotonic() < self._pulse_at:
            return
        self._pulse_at = time.monotonic() + PULSE_SECONDS
        try:
            self._session.execute(PULSE, [self._name, self.who])
        except psycopg.Error as error:
            log.warning("leading.pulse", name=self._name, error=str(error).strip())

    def leave(self) -> None:
        """Let the lock go."""
        session, self._session, self._holds = self._session, None, False
        if session is not None:
            with contextlib.suppress(psycopg.Error):  # a session that was cut off holds nothing
                session.execute("SELECT pg_advisory_unlock_all()")  # closing lets go a moment later
            session.close()

    def _connect(self) -> psycopg.Connection:
        self._session = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name=f"slipway-{self._name}",
            options=SESSION,
        )
        return self._session

    def _look(self, session: psycopg.Connection) -> bool:
        if self._holds:
            session.execute("SELECT 1")  # the lock lives as long as the session answers
            return True
        row = session.execute("SELECT pg_try_advisory_lock(%s)", [self._lock]).fetchone()
        self._holds = bool(row and row[0])
        if self._holds:
            log.info("leading.leads", name=self._name, who=self.who)
        return self._holds
