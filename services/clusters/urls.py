from django.urls import path

from services.clusters import views

app_name = "clusters"
_ENTITY = "catalog/<str:kind>/<str:namespace>/<str:name>/live/"

urlpatterns = [
    path("platform/clusters/", views.cluster_list, name="cluster_list"),
    path("platform/clusters/new/", views.cluster_new, name="cluster_new"),
    path("platform/clusters/<slug:name>/", views.cluster_detail, name="cluster_detail"),
    path("platform/clusters/<slug:name>/check/", views.cluster_check, name="cluster_check"),
    path("platform/clusters/<slug:name>/credentials/", views.cluster_credentials, name="cluster_credentials"),
    path("platform/clusters/<slug:name>/environments/", views.environment_new, name="environment_new"),
    path(
        "platform/clusters/<slug:name>/environments/<slug:environment>/delivery/",
        views.environment_delivery,
        name="environment_delivery",
    ),
    path("resources/", views.resource_list, name="resource_list"),
    path("incidents/", views.banner_list, name="banner_list"),
    path(_ENTITY, views.entity_live, name="entity_live"),
    path(_ENTITY + "<str:environment>/<str:pod>/<str:container>/log/", views.pod_log, name="pod_log"),
    path(
        _ENTITY + "<str:environment>/<str:workload>/<str:deed>/", views.workload_steer, name="workload_steer"
    ),
]
