from django.urls import path

from services.catalog.compatible import place_views, views

app_name = "compatible"
NAMED = "<str:kind>/<str:namespace>/<str:name>"
urlpatterns = [
    path("entities", views.entities, name="entities"),
    path("entities/by-query", views.by_query, name="by_query"),
    path("entities/by-refs", views.by_refs, name="by_refs"),
    path(f"entities/by-name/{NAMED}", views.by_name, name="by_name"),
    path(f"entities/by-name/{NAMED}/ancestry", views.ancestry, name="ancestry"),
    path("entities/by-uid/<str:uid>", views.by_uid, name="by_uid"),
    path("entity-facets", views.entity_facets, name="entity_facets"),
    path("refresh", place_views.refresh, name="refresh"),
    path("locations", place_views.locations, name="locations"),
    path("locations/by-query", place_views.locations_by_query, name="locations_by_query"),
    path(f"locations/by-entity/{NAMED}", place_views.location_by_entity, name="location_by_entity"),
    path("locations/<str:id>", place_views.location, name="location"),
    path("analyze-location", place_views.analyze_location, name="analyze_location"),
    path("validate-entity", place_views.validate_entity, name="validate_entity"),
]
