from services.catalog.views.dependencies import dependency_judge
from services.catalog.views.entities import entity_detail, entity_export, entity_list, entity_remove
from services.catalog.views.imports import (
    import_apply,
    import_detail,
    import_new,
    import_undo,
    source_list,
    source_look,
)

__all__ = [
    "dependency_judge",
    "entity_detail",
    "entity_export",
    "entity_list",
    "entity_remove",
    "import_apply",
    "import_detail",
    "import_new",
    "import_undo",
    "source_list",
    "source_look",
]
