from django.urls import path

from services.integrations import views

app_name = "integrations"
urlpatterns = [
    path("git-hosts/", views.host_list, name="host_list"),
    path("git-hosts/new/", views.host_new, name="host_new"),
    path("git-hosts/<slug:name>/", views.host_detail, name="host_detail"),
    path("git-hosts/<slug:name>/check/", views.host_check, name="host_check"),
    path("git-hosts/<slug:name>/secret/", views.host_secret, name="host_secret"),
    path("git-hosts/<slug:name>/requests/", views.host_takes_requests, name="host_takes_requests"),
    path("git-hosts/<slug:name>/webhook/", views.host_hook, name="host_hook"),
    path("webhooks/requests/<slug:name>/", views.hook, name="hook"),
]
