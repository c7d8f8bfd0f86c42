"""Django's `migrate`, as the owner of the tables; afterwards the application gets its privileges."""

from typing import Any

from django.core.management.commands import migrate

from portal.shell import roles


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with roles.as_owner():
            super().handle(*args, **options)
            roles.grant()
