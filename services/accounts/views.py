from django.http import HttpRequest, HttpResponse

from portal.shell.policies import policy, public, signed_in


@policy(public)
def sign_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Sign in")


@policy(signed_in)
def sign_out(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Sign out")


@policy(public)
def become(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Become")
