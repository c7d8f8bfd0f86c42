"""Everything that changes the catalog: `imports` of descriptors, `looking` at sources, `steering` them."""

from services.catalog.importing.lifecycle import retire

from .imports import (
    DescriptorRefused,
    Refused,
    apply_import,
    find_or_create_source,
    import_documents,
    judge_dependency,
    plan_import,
    register,
    take,
    undo_import,
)
from .looking import failed, sweep, took

__all__ = [
    "DescriptorRefused", "Refused", "apply_import", "failed", "find_or_create_source", "import_documents",
    "judge_dependency", "plan_import", "register", "retire", "sweep", "take", "took", "undo_import",
]  # fmt: skip
