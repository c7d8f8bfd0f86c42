from django.urls import path

from services.catalog import views

app_name = "catalog"
urlpatterns = [
    path("catalog/", views.entity_list, name="entity_list"),
    path("catalog/health/", views.ownership_report, name="ownership"),
    path("catalog/health/<slug:report>/", views.ownership_report, name="ownership_report"),
    path("catalog/confirm/", views.confirm_list, name="confirm_list"),
    path("catalog/confirm/all/", views.ownership_confirm, name="ownership_confirm"),
    path("catalog/confirm/<uuid:batch>/undo/", views.ownership_unconfirm, name="ownership_unconfirm"),
    path("catalog/handovers/<int:pk>/", views.handover_detail, name="handover_detail"),
    path("catalog/handovers/<int:pk>/<slug:step>/", views.handover_step, name="handover_step"),
    path("catalog/views/", views.view_list, name="view_list"),
    path("catalog/views/save/", views.view_save, name="view_save"),
    path("catalog/views/<int:pk>/rename/", views.view_rename, name="view_rename"),
    path("catalog/views/<int:pk>/delete/", views.view_delete, name="view_delete"),
    path("catalog/views/<int:pk>/restore/", views.view_restore, name="view_restore"),
    path("catalog/views/<int:pk>/start/", views.view_start, name="view_start"),
    path("catalog/sources/", views.source_list, name="source_list"),
    path("catalog/sources/<int:pk>/", views.source_detail, name="source_detail"),
    path("catalog/claims/<int:pk>/choose/", views.claim_choose, name="claim_choose"),
    path("catalog/removed/<int:pk>/restore/", views.entity_restore, name="entity_restore"),
    path("catalog/sources/<int:pk>/look/", views.source_look, name="source_look"),
    path("catalog/sources/<int:pk>/change/", views.source_change, name="source_change"),
    path("catalog/sources/<int:pk>/<slug:step>/", views.source_steer, name="source_steer"),
    path("catalog/import/", views.import_new, name="import_new"),
    path("catalog/import/<int:pk>/", views.import_detail, name="import_detail"),
    path("catalog/import/<int:pk>/apply/", views.import_apply, name="import_apply"),
    path("catalog/import/<int:pk>/undo/", views.import_undo, name="import_undo"),
    path("catalog/<str:kind>/<str:namespace>/<str:name>/", views.entity_detail, name="entity_detail"),
    path(
        "catalog/<str:kind>/<str:namespace>/<str:name>/catalog-info.yaml",
        views.entity_export,
        name="entity_export",
    ),
    path(
        "catalog/<str:kind>/<str:namespace>/<str:name>/definition/",
        views.definition_download,
        name="definition_download",
    ),
    path("catalog/<str:kind>/<str:namespace>/<str:name>/docs/<path:path>", views.doc_file, name="doc_file"),
    path(
        "catalog/<str:kind>/<str:namespace>/<str:name>/dependencies/<str:verdict>/",
        views.dependency_judge,
        name="dependency_judge",
    ),
    path("catalog/<str:kind>/<str:namespace>/<str:name>/handover/", views.handover_new, name="handover_new"),
    path("catalog/<str:kind>/<str:namespace>/<str:name>/remove/", views.entity_remove, name="entity_remove"),
]
