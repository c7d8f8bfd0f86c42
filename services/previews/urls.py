from django.urls import path

from services.previews import views

app_name = "previews"
urlpatterns = [
    path("previews/", views.preview_list, name="preview_list"),
    path("previews/new/<str:kind>/<str:namespace>/<str:name>/", views.preview_new, name="preview_new"),
    path(
        "previews/follow/<str:kind>/<str:namespace>/<str:name>/", views.preview_follow, name="preview_follow"
    ),
    path("previews/copy/<str:kind>/<str:namespace>/<str:name>/", views.transfer_new, name="transfer_new"),
    path("previews/copies/<int:pk>/", views.transfer_detail, name="transfer_detail"),
    path("previews/copies/<int:pk>/shift/", views.transfer_shift, name="transfer_shift"),
    path("previews/copies/<int:pk>/tick/", views.transfer_tick, name="transfer_tick"),
    path("bookings/", views.booking_list, name="booking_list"),
    path("bookings/<int:pk>/cancel/", views.booking_cancel, name="booking_cancel"),
    path("bookings/<slug:environment>.ics", views.booking_calendar, name="booking_calendar"),
    path("previews/<int:pk>/", views.preview_detail, name="preview_detail"),
    path("previews/<int:pk>/<slug:step>/", views.preview_step, name="preview_step"),
]
