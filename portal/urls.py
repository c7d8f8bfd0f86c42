from django.urls import include, path

from portal.shell import errors, views

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    path("", include("portal.shell.urls")),
    path("", include("services.accounts.urls")),
    path("", include("services.audit.urls")),
    path("", include("services.effects.urls")),
    path("", include("services.catalog.urls")),
    path("api/", include("services.catalog.compatible.urls")),
    path("api/v1/", include("services.accounts.api")),
    path("api/v1/", include("services.catalog.api")),
    path("api/v1/", include("services.onboarding.api")),
    path("api/v1/", include("services.previews.api")),
    path("api/v1/", include("services.helpdesk.api")),
    path("", include("services.clusters.urls")),
    path("", include("services.integrations.urls")),
    path("", include("services.helpdesk.urls")),
    path("", include("services.notices.urls")),
    path("", include("services.onboarding.urls")),
    path("", include("services.previews.urls")),
    path("", include("services.insights.urls")),
    path("", views.home, name="home"),
]
