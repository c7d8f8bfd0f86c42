from django.urls import path

from services.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("become/", views.become, name="become"),
    path("account/", views.account, name="account"),
    path("account/theme/", views.theme, name="theme"),
    path("api/me", views.me, name="me"),
    path("account/away/", views.delegate, name="delegate"),
    path("account/away/<int:pk>/end/", views.delegation_end, name="delegation_end"),
    path("api/openapi.json", views.openapi_json, name="openapi"),
    path("account/tokens/", views.token_new, name="token_new"),
    path("account/tokens/<int:pk>/revoke/", views.token_revoke, name="token_revoke"),
]
