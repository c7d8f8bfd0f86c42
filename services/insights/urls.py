from django.urls import path

from services.insights import views

app_name = "insights"
urlpatterns = [
    path("insights/", views.overview, name="overview"),
    path("insights/<slug:key>.csv", views.chart_csv, name="chart_csv"),
]
