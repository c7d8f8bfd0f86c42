from django.urls import path

from services.previews import views

app_name = "previews"
urlpatterns = [
    path("previews/", views.preview_list, name="preview_list"),
    path("previews/new/<str:kind>/<str:namespace>/<str:name>/", views.preview_new, name="preview_new"),
    path("previews/<int:pk>/", views.preview_detail, name="preview_detail"),
    path("previews/<int:pk>/<slug:step>/", views.preview_step, name="preview_step"),
]
