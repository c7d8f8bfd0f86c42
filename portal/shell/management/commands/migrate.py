"""Django's `migrate`, as the owner of the tables, patiently; afterwards the application gets its privileges.

A lock it does not get within two seconds is given up, so that pages never wait long, and tried again.
"""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from portal.shell import roles
from portal.shell.migrating import patiently


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--lock-seconds", type=float, default=2.0, help="How long a lock is waited for.")
        parser.add_argument("--attempts", type=int, default=30, help="How often it is tried, 3 s apart.")

    def handle(self, *args: Any, **options: Any) -> None:
        def migrated() -> None:
            super(Command, self).handle(*args, **options)
            roles.grant()

        with roles.as_owner():
            patiently(
                migrated,
                say=self.stderr.write,
                attempts=options["attempts"],
                lock_seconds=options["lock_seconds"],
            )
