from django.urls import path

from services.audit import views

app_name = "audit"
urlpatterns = [path("platform/audit/", views.event_list, name="event_list")]
