"""Which state the catalog is in: a number that is another one as soon as anything of it was written.

Triggers add a random number with each statement that writes, inside its transaction, and the revision is
the exclusive or of all that one sees. So writers never wait for each other, nobody sees the revision of what
is not committed, two states never share one (neither after a restored backup nor a lost server), and what
was rolled back has the revision it had before. See docs/adr/0011.
"""

from typing import Any, Final

from django.db import connection

EXPRESSION: Final = "(SELECT coalesce(bit_xor(mark), 0) FROM catalog_revision)"
NAME: Final = "catalog"
MANY: Final = 50
FOLD: Final = f"""
WITH gone AS (
    DELETE FROM catalog_revision WHERE id IN (SELECT id FROM catalog_revision FOR UPDATE SKIP LOCKED)
    AND (SELECT count(*) FROM catalog_revision) > {MANY} RETURNING mark)
INSERT INTO catalog_revision (mark) SELECT bit_xor(mark) FROM gone HAVING count(*) > 0
"""  # noqa: S608  # a constant


def now() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {EXPRESSION}")
        ((found,),) = cursor.fetchall()
        return int(found)


def of(request: Any) -> int:
    """The revision as this request found it: beside its token, else asked for."""
    told: dict[str, Any] = getattr(request, "beside", {})
    return int(told[NAME]) if NAME in told else now()


def fold() -> None:
    """Put many marks into one. Safe to run twice, and beside anything."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD)
