from django.urls import path

from services.catalog.compatible import place_views, views
from services.catalog.compatible.described import tell

app_name = "compatible"
NAMED = "<str:kind>/<str:namespace>/<str:name>"
addresses = [
    path("catalog/entities", views.entities, name="entities"),
    path("catalog/entities/by-query", views.by_query, name="by_query"),
    path("catalog/entities/by-refs", views.by_refs, name="by_refs"),
    path(f"catalog/entities/by-name/{NAMED}", views.by_name, name="by_name"),
    path(f"catalog/entities/by-name/{NAMED}/ancestry", views.ancestry, name="ancestry"),
    path("catalog/entities/by-uid/<str:uid>", views.by_uid, name="by_uid"),
    path("catalog/entity-facets", views.entity_facets, name="entity_facets"),
    path("catalog/refresh", place_views.refresh, name="refresh"),
    path("catalog/locations", place_views.locations, name="locations"),
    path("catalog/locations/by-query", place_views.locations_by_query, name="locations_by_query"),
    path(f"catalog/locations/by-entity/{NAMED}", place_views.location_by_entity, name="location_by_entity"),
    path("catalog/locations/<str:id>", place_views.location, name="location"),
    path("catalog/analyze-location", place_views.analyze_location, name="analyze_location"),
    path("catalog/validate-entity", place_views.validate_entity, name="validate_entity"),
]
urlpatterns = tell(addresses)
