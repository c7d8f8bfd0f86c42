"""Everything the run stands on: its own PostgreSQL and Redis, repositories, people, and the world outside."""

import contextlib
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings

from portal import embedded
from tests.faults.processes import live_and_end

REPO = "shop/deploy"
SETTINGS = {
    "registry": "registry.larkfield.shop",
    "domain": "int.larkfield.shop",
    "prices": {"cpu": 20, "memory": 4, "currency": "EUR"},
}


class Stack:
    """`home` is a folder of its own; the database connection here is the driver's, beside Django's."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.watcher = 0
        self._connection: psycopg.Connection[Any] | None = None

    def start(self) -> None:
        from tests.faults.outside import Outside

        embedded.start_redis(self.home)
        self.outside = Outside(self.home, str(embedded.socket_dir(self.home)))
        self.outside.start()
        settings.MAIL_URL = os.environ["SLIPWAY_MAIL_URL"] = self.outside.ask("mail_address")
        _seed(str(self.outside.ask("address")))
        self.start_watcher()

    def stop(self) -> None:
        if self.watcher:
            os.kill(self.watcher, signal.SIGKILL)
            os.waitpid(self.watcher, 0)
        self.outside.stop()
        embedded.stop_redis(self.home)

    # PostgreSQL

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]] | None:
        """What the database says, None while it is away."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._dsn, autocommit=True)
            return self._connection.execute(sql, values or None).fetchall()
        except psycopg.OperationalError:
            self._connection = None
            return None

    @property
    def _dsn(self) -> str:
        return f"host={embedded.socket_dir(self.home)} user=postgres dbname=slipway connect_timeout=2"

    def cut(self, application: str) -> None:
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", application
        )

    def restart_postgres(self) -> None:
        """As after a power cut: no goodbye to anybody, and recovery from the log."""
        server = embedded._postgres(self.home)
        embedded._pg_ctl(server, "-w", "-m", "immediate", "stop")
        self._connection = None
        embedded.start_postgres(self.home)

    # Redis

    def flush_redis(self) -> None:
        with contextlib.suppress(redis.RedisError):  # it may just be down
            redis.Redis.from_url(embedded.redis_url(self.home)).flushall()

    def stop_redis(self) -> None:
        embedded.stop_redis(self.home)

    def start_redis(self) -> None:
        embedded.start_redis(self.home)

    # the watcher

    def start_watcher(self) -> None:
        self.watcher = os.fork()
        if self.watcher == 0:
            live_and_end(_watch)

    def pause_watcher(self) -> None:
        os.kill(self.watcher, signal.SIGSTOP)

    def resume_watcher(self) -> None:
        os.kill(self.watcher, signal.SIGCONT)


def _watch() -> None:
    from django.db import connection

    from services.clusters.watching.kinds import WATCHED
    from services.clusters.watching.loop import Watcher
    from services.clusters.watching.streams import Pace

    logging.disable()  # it will have much to complain about
    connection.connection = None
    kinds = tuple(k for k in WATCHED if k.kind in ("Deployment", "Pod"))
    watcher = Watcher(Pace(watch=15, backoff=0.1, heartbeat=0.5), kinds)
    while True:
        watcher.step(wait=0.1)
        time.sleep(0.03)


def _seed(cluster: str) -> None:
    """Checkout with its lead, two platform engineers, an empty deploy repository, two environments."""
    from django.db import connection

    from services.accounts.models import Membership, User
    from services.clusters import actions as clusters
    from services.clusters.models import Environment
    from services.integrations.githosts.base import Person
    from services.integrations.githosts.local import LocalHost
    from services.integrations.kube.kubeconfig import Credentials
    from services.notices.models import Wish
    from tests.factories.people import member, platform_engineer
    from tests.fakes.cluster import TOKEN

    member("mira", "checkout")
    member("sam", "checkout", role=Membership.Role.LEAD)
    platform_engineer()
    for username in ("mira", "priya"):
        Wish.objects.create(person=User.objects.get(username=username), mail=Wish.Mail.NOTHING)
    host = LocalHost()
    host.create(REPO)
    host.commit(REPO, files={"README.md": b"Deploy\n"}, author=Person("sam", "Sam"), message="Start")
    harbour = clusters.register_cluster(by=None, name="harbour", credentials=Credentials(cluster, "", TOKEN))
    for position, (name, namespace) in enumerate([("staging", "shop-staging"), ("production", "shop")]):
        Environment.objects.create(
            name=name, cluster=harbour, namespace=namespace, position=position,
            is_production=name == "production", settings=SETTINGS,
        )  # fmt: skip
    connection.close()
