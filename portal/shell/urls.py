from django.urls import path

from portal.shell import health, metrics, views

urlpatterns = [
    path("palette", views.palette_options, name="palette"),
    path("your-services", views.your_services, name="your_services"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
