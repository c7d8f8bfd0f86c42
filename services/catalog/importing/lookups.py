"""`ref__any_of=[…]`: like `__in`, but one parameter however long the list, which is what long lists need.

An `ArraySubquery` may stand there too: it is read first, and then looked up, whatever the planner expects.
"""

from typing import Any

from django.db.models import Lookup


class AnyOf(Lookup):
    """`column = ANY(list)`; an empty one finds nothing."""

    lookup_name = "any_of"
    prepare_rhs = False

    def get_prep_lookup(self) -> Any:
        return self.rhs if hasattr(self.rhs, "as_sql") else list(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        if self.rhs_is_direct_value():
            return f"{column} = ANY(%s)", (*params, self.rhs)
        array, inner = self.process_rhs(compiler, connection)
        return f"{column} = ANY({array})", (*params, *inner)
