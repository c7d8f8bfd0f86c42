"""`/api/catalog/locations…` and what else Backstage answers about where entities come from."""

from django.http import Http404, HttpResponse, JsonResponse

from portal.shell.api import ApiError
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from services.accounts.bearer import api
from services.catalog.compatible import adding, identity, matching, places, reading, shaping
from services.catalog.compatible.reading import LARGEST
from services.catalog.compatible.views import answered, entity_for, sent
from services.catalog.descriptors.examine import validate
from services.catalog.descriptors.refs import BadReference, parse_ref
from services.catalog.models import Entity


@api(POST="catalog:write")
def refresh(request: HttpRequest) -> HttpResponse:
    ref = reading.text(reading.body(request).get("entityRef"), "entityRef", most=1000)
    try:
        named = parse_ref(ref)
    except BadReference as error:
        raise ApiError(str(error)) from error
    entity = entity_for(named.kind, named.namespace, named.name)
    if entity.source is None:
        raise ApiError(f"{entity.ref} was registered by a request: there is no source to read.", 409)
    adding.read(entity.source, by=request.user)
    return HttpResponse()


@api(GET="catalog:read", POST="catalog:write")
@limited("import")
def locations(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _add(request)
    return answered([{"data": places.as_data(source)} for source in places.all_of()])


def _add(request: HttpRequest) -> HttpResponse:
    given = reading.body(request)
    kind = reading.text(given.get("type", "url"), "type", most=50)
    target = reading.text(given.get("target"), "target", most=1000)
    source = adding.source_at(kind, target, request.user)
    if request.GET.get("dryRun", "") in ("true", "1"):
        told = {"location": {**places.as_data(source), "id": "dry-run"}, "entities": adding.preview(source)}
        return answered({**told, "exists": bool(source.pk)}, 201)
    known = bool(source.pk)
    source = adding.add(source, again=request.GET.get("onConflict") == "refresh", by=request.user)
    return answered({"location": places.as_data(source), "entities": [], "exists": known}, 201)


@api(GET="catalog:read")
def location(request: HttpRequest, id: str) -> HttpResponse:
    pk = identity.pk_of(identity.LOCATION, id)
    source = places.all_of().filter(pk=pk).first() if pk else None
    if source is None:
        raise Http404(f"Found no location with ID {id}")
    return answered(places.as_data(source))


@api(GET="catalog:read")
def location_by_entity(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(kind, namespace, name)
    if entity.source is None:
        raise Http404(f"{entity.ref} was registered by a request: no location brings it.")
    return answered(places.as_data(entity.source))


@api(POST="catalog:read")
def locations_by_query(request: HttpRequest) -> HttpResponse:
    """Sources are few: they are read and looked through."""
    given = reading.body(request)
    limit = reading.number(given.get("limit"), "limit", least=1, most=LARGEST) or LARGEST
    query, at = matching.paged(given)
    rows = [places.as_data(source) for source in places.all_of()]
    found = [row for row in rows if matching.holds(query, row)]
    info = {"nextCursor": matching.cursor(query, at + limit)} if at + limit < len(found) else {}
    return answered({"items": found[at : at + limit], "totalItems": len(found), "pageInfo": info})


@api(POST="catalog:read")
def validate_entity(request: HttpRequest) -> HttpResponse:
    given = reading.body(request)
    entity = reading.mapping(given.get("entity"), "entity")
    reading.text(given.get("location"), "location")
    found = [problem.at(0) for problem in validate(entity)]
    if not found:
        return HttpResponse()
    told = [{"name": "InputError", "message": f"{problem.field}: {problem.message}"} for problem in found]
    return JsonResponse({"errors": told}, status=400)


@api(POST="catalog:read")
def analyze_location(request: HttpRequest) -> HttpResponse:
    """What is known of a place, or a descriptor to begin with."""
    given = reading.mapping(reading.body(request).get("location"), "location")
    kind = reading.text(given.get("type", "url"), "location.type", most=50)
    target = reading.text(given.get("target"), "location.target", most=1000)
    held = Entity.objects.filter(places.from_there([f"{kind}:{target}".lower()], exactly=False))
    found = shaping.read(held.order_by("pk")[:LARGEST])
    if not found:
        return answered({"existingEntityFiles": [], "generateEntities": [adding.suggested(kind, target)]})
    files = (_known_file(kind, one, shown) for one, shown in zip(found, shaping.written(found), strict=True))
    return sent(f'{{"existingEntityFiles":{shaping.listed(files)},"generateEntities":[]}}')


def _known_file(kind: str, entity: shaping.Row, shown: str) -> str:
    place = shaping.compact({"type": kind, "target": places.location_of(entity)})
    return f'{{"location":{place},"isRegistered":true,"entity":{shown}}}'
