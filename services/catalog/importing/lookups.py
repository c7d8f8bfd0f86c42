"""`ref__any_of=[…]`: like `__in`, but one parameter however long the list, which is what long lists need."""

from typing import Any

from django.db.models import Lookup


class AnyOf(Lookup):
    """`column = ANY(list)`; an empty list finds nothing."""

    lookup_name = "any_of"
    prepare_rhs = False

    def get_prep_lookup(self) -> list[Any]:
        return list(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", (*params, self.rhs)
