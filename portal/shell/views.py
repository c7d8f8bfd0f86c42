from django.http import HttpRequest, HttpResponse

from portal.shell.policies import policy, signed_in


@policy(signed_in)
def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Home")
