from django.urls import path

from services.effects import views

app_name = "effects"
urlpatterns = [
    path("platform/effects/", views.effect_list, name="effect_list"),
    path("platform/effects/<int:pk>/retry/", views.effect_retry, name="effect_retry"),
    path("platform/effects/<int:pk>/cancel/", views.effect_cancel, name="effect_cancel"),
]
