"""A session that may only read looks well and takes nothing: it is not kept, so that the next may be let in.

One has such a session from a standby, before it is promoted or after its primary was replaced. Django asks
`is_usable` at the beginning of each request (CONN_HEALTH_CHECKS) and after whatever failed.
"""

from django.db.backends.postgresql import base
from psycopg import Error


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        try:
            found = self.connection.execute("SHOW transaction_read_only").fetchone()
        except Error:
            return False
        return bool(found == ("off",))
