from django.urls import path

from services.accounts.serving import again
from services.onboarding import views
from services.onboarding.images_api import image_bring

app_name = "onboarding"
_DRIFT = "drift/<str:kind>/<str:namespace>/<str:name>/<slug:environment>/"
urlpatterns = [
    path("api/images", again(image_bring), name="image_bring"),  # the same stands under /api/v1/
    path("new/", views.blueprint_list, name="blueprint_list"),
    path("new/<slug:blueprint>/", views.request_new, name="request_new"),
    path("playground/", views.playground, name="playground"),
    path("playground/rehearsal/", views.playground_rehearsal, name="playground_rehearsal"),
    path("change/<str:kind>/<str:namespace>/<str:name>/", views.service_change, name="service_change"),
    path("retire/<str:kind>/<str:namespace>/<str:name>/", views.service_retire, name="service_retire"),
    path("promote/<str:kind>/<str:namespace>/<str:name>/", views.service_promote, name="service_promote"),
    path("upgrade/<str:kind>/<str:namespace>/<str:name>/", views.service_upgrade, name="service_upgrade"),
    path("upgrades/", views.upgrade_list, name="upgrade_list"),
    path("upgrades/propose/", views.upgrade_propose, name="upgrade_propose"),
    path("upgrades/<int:pk>/", views.upgrade_round, name="upgrade_round"),
    path("upgrades/<int:pk>/again/", views.upgrade_again, name="upgrade_again"),
    path("parity/", views.parity_list, name="parity_list"),
    path("parity/<str:kind>/<str:namespace>/<str:name>/", views.parity_detail, name="parity_detail"),
    path("readiness/", views.readiness_report, name="readiness_report"),
    path("drift/", views.drift_list, name="drift_list"),
    path(_DRIFT, views.drift_detail, name="drift_detail"),
    path(_DRIFT + "<slug:way>/", views.drift_settle, name="drift_settle"),
    path("requests/", views.request_list, name="request_list"),
    path("requests/<str:ref>/", views.request_detail, name="request_detail"),
    path("requests/<str:ref>/edit/", views.request_edit, name="request_edit"),
    path("requests/<str:ref>/exception/", views.exemption_new, name="exemption_new"),
    path("exceptions/", views.exemption_list, name="exemption_list"),
    path("exceptions/file/", views.exemption_file, name="exemption_file"),
    path("exceptions/<int:pk>/", views.exemption_detail, name="exemption_detail"),
    path("exceptions/<int:pk>/<slug:step>/", views.exemption_step, name="exemption_step"),
    path("requests/<str:ref>/fix/", views.request_fix, name="request_fix"),
    path("requests/<str:ref>/approve/", views.request_approve, name="request_approve"),
    path("requests/<str:ref>/reject/", views.request_reject, name="request_reject"),
    path("requests/<str:ref>/withdraw/", views.request_withdraw, name="request_withdraw"),
    path("requests/<str:ref>/close/", views.request_close, name="request_close"),
    path("requests/<str:ref>/bring-back/", views.request_bring_back, name="request_bring_back"),
    path("requests/<str:ref>/revert/", views.request_revert, name="request_revert"),
    path("requests/<str:ref>/retry/", views.request_retry, name="request_retry"),
    path("requests/<str:ref>/discard/", views.request_discard, name="request_discard"),
    path("requests/<str:ref>/restore/", views.request_restore, name="request_restore"),
    path("requests/<str:ref>/changes/", views.proposal_detail, name="proposal_detail"),
    path("requests/<str:ref>/changes/merge/", views.request_merge, name="request_merge"),
    path("requests/<str:ref>/changes/comment/", views.request_comment, name="request_comment"),
]
