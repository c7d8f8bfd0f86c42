from services.catalog.views.confirming import (
    confirm_list,
    handover_detail,
    handover_new,
    handover_step,
    ownership_confirm,
    ownership_unconfirm,
)
from services.catalog.views.definitions import definition_download
from services.catalog.views.dependencies import dependency_judge
from services.catalog.views.docs import doc_file
from services.catalog.views.entities import entity_detail, entity_export, entity_remove
from services.catalog.views.hooks import hook, source_hook
from services.catalog.views.imports import (
    import_apply,
    import_detail,
    import_new,
    import_undo,
)
from services.catalog.views.lifecycle import claim_choose, entity_restore
from services.catalog.views.lists import entity_list
from services.catalog.views.ownership import ownership_report
from services.catalog.views.pushing import source_file, source_put
from services.catalog.views.reference import api_reference
from services.catalog.views.saved import (
    view_delete,
    view_list,
    view_rename,
    view_restore,
    view_save,
    view_start,
)
from services.catalog.views.sources import (
    source_change,
    source_detail,
    source_list,
    source_look,
    source_steer,
)
from services.catalog.views.watched import (
    cluster_change,
    cluster_new,
    organisation_change,
    organisation_new,
)

__all__ = [
    "api_reference",
    "claim_choose",
    "cluster_change",
    "cluster_new",
    "confirm_list",
    "definition_download",
    "dependency_judge",
    "doc_file",
    "entity_detail",
    "entity_export",
    "entity_list",
    "entity_remove",
    "entity_restore",
    "handover_detail",
    "handover_new",
    "handover_step",
    "hook",
    "import_apply",
    "import_detail",
    "import_new",
    "import_undo",
    "organisation_change",
    "organisation_new",
    "ownership_confirm",
    "ownership_report",
    "ownership_unconfirm",
    "source_change",
    "source_detail",
    "source_file",
    "source_hook",
    "source_list",
    "source_look",
    "source_put",
    "source_steer",
    "view_delete",
    "view_list",
    "view_rename",
    "view_restore",
    "view_save",
    "view_start",
]
