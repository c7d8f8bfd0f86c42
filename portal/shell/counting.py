"""Many small numbers in one query."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from portal.shell.frozen import Keys


def counts(wanted: "Mapping[str, QuerySet[Any] | Keys | int | None]") -> dict[str, int]:
    """The numbers by key; rows are counted together, in one UNION, and what is nothing is left out."""
    found = {key: value for key, value in wanted.items() if isinstance(value, int)}
    found |= _counted({key: value for key, value in wanted.items() if isinstance(value, QuerySet | Keys)})
    return {key: number for key, number in found.items() if number}


def _counted(wanted: "Mapping[str, QuerySet[Any] | Keys]") -> dict[str, int]:
    arms, params = [], []
    for key, rows in wanted.items():
        try:
            keys = rows if isinstance(rows, Keys) else _keys(rows)
        except EmptyResultSet:
            continue
        arms.append(ARM.format(keys.statement))
        params += [key, *keys.params]
    if not arms:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(arms), params)
        return dict(cursor.fetchall())


def _keys(rows: "QuerySet[Any]") -> Keys:
    return Keys(*rows.order_by().values_list("pk").query.sql_with_params())


# A row that is joined twice counts once.
ARM = "SELECT %s, count(DISTINCT found.pk) FROM ({}) AS found (pk)"
