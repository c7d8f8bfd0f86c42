"""Git hosts for those who run the platform, and the door their webhooks come to."""

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import always, its_address, limited
from portal.shell.policies import platform_only, policy, public
from services.accounts.bearer import signed
from services.integrations import actions
from services.integrations.forms import SecretForm, ServerForm
from services.integrations.githosts import hooks
from services.integrations.models import GitServer

MAX_BODY = 5 * 1024 * 1024


def _server_for(request: HttpRequest, name: str) -> GitServer:
    return get_object_or_404(GitServer, name=name)


@policy(platform_only)
@require_safe
def host_list(request: HttpRequest) -> HttpResponse:
    return render(request, "integrations/host_list.html", {"hosts": GitServer.objects.all()})


@policy(platform_only)
@limited("connection")
@require_http_methods(["GET", "HEAD", "POST"])
def host_new(request: HttpRequest) -> HttpResponse:
    form = ServerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        server = actions.register_server(by=request.user, **form.cleaned_data)
        _say(request, actions.check(server))
        return redirect("integrations:host_detail", server.name)
    return render(request, "integrations/host_new.html", {"form": form}, status=422 if form.errors else 200)


def _say(request: HttpRequest, server: GitServer) -> None:
    word, tone = server.state
    told = f"{server}: {server.problem or word.lower()}."
    (toasts.refused if tone == "bad" else toasts.done)(request, told)


def _detail(
    request: HttpRequest, server: GitServer, form: SecretForm | None = None, secret: str = ""
) -> HttpResponse:
    context = {
        "host": server,
        "form": form or SecretForm(),
        "secret": secret,
        "address": f"{settings.BASE_URL}{server.hook_path}",
        "deliveries": list(server.deliveries.all()[:20]),
    }
    return render(request, "integrations/host_detail.html", context, status=422 if form else 200)


@policy(platform_only)
@never_cache
@require_safe
def host_detail(request: HttpRequest, name: str) -> HttpResponse:
    return _detail(request, _server_for(request, name))


@policy(platform_only)
@limited("connection")
@require_POST
def host_check(request: HttpRequest, name: str) -> HttpResponse:
    _say(request, actions.check(_server_for(request, name)))
    return redirect("integrations:host_detail", name)


@policy(platform_only)
@limited("connection")
@require_POST
def host_secret(request: HttpRequest, name: str) -> HttpResponse:
    server = _server_for(request, name)
    form = SecretForm(request.POST, is_app=server.sign_in == GitServer.SignIn.APP)
    if not form.is_valid():
        return _detail(request, server, form)
    actions.replace_secret(by=request.user, server=server, secret=form.cleaned_data["secret"])
    _say(request, actions.check(server))
    return redirect("integrations:host_detail", name)


@policy(platform_only)
@require_POST
def host_takes_requests(request: HttpRequest, name: str) -> HttpResponse:
    server, takes = _server_for(request, name), request.POST.get("takes") == "1"
    try:
        actions.take_requests(by=request.user, server=server, takes=takes)
    except actions.NotReady as reason:
        toasts.refused(request, str(reason))
    else:
        toasts.done(
            request, f"New requests go to {server if takes else 'the built-in git host'} from now on."
        )
    return redirect("integrations:host_detail", name)


@policy(platform_only)
@never_cache
@require_POST
def host_hook(request: HttpRequest, name: str) -> HttpResponse:
    server = _server_for(request, name)
    return _detail(request, server, secret=actions.set_hook(by=request.user, server=server))


@signed
@policy(public, name="signed by the git host")
@limited("webhook", when=always, person=its_address)
@require_POST
def hook(request: HttpRequest, name: str) -> HttpResponse:
    """Answers at once; what changed is looked at by a worker."""
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        return JsonResponse({"error": f"larger than {MAX_BODY // 1024 // 1024} MB"}, status=413)
    try:
        said = hooks.accept(name=name, headers=request.headers, body=body)
    except hooks.Unproved:
        return JsonResponse({"error": "not signed with this host's secret"}, status=403)
    except hooks.Unread:
        return JsonResponse({"error": "not a JSON object"}, status=400)
    return JsonResponse({"said": said}, status=202 if said == hooks.READ else 200)
