"""The catalog for programs, in our own words: `/api/v1/catalog/…`."""

from services.accounts.serving import addresses
from services.catalog.api import entities, owning, sources

app_name = "catalog_api"
urlpatterns = addresses(
    [
        entities.entity_list,
        entities.entity_detail,
        entities.entity_yaml,
        owning.ownership_confirm,
        owning.ownership_unconfirm,
        owning.dependency_list,
        owning.dependency_judge,
        owning.report_list,
        owning.report_detail,
        sources.source_list,
        sources.source_add,
        sources.source_detail,
        sources.source_look,
        sources.run_list,
        sources.run_detail,
        sources.document_list,
        sources.change_list,
        sources.run_apply,
        sources.run_undo,
    ]
)
