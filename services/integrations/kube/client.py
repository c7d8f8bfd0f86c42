"""A small client of the Kubernetes API: raw JSON objects, bounded reads, server-side apply.

    with KubeClient("https://…", token="…", ca="-----BEGIN …") as kube:
        kube.apply(deployment)

Every failure is a `KubeError`. What a Secret holds is never returned, only the names of its keys. Safe to
share between threads.
"""

import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from urllib.parse import quote

from services.integrations import outbound
from services.integrations.kube import answers, discovery, errors, transport
from services.integrations.kube.objects import Json, Listing, Ref, Resource, WatchEvent, shown

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Beyond the server's own end of a watch: a connection this silent is half open.
GRACE = 10.0
MOST_PAGES = 10_000
# Ten objects instead of 500: as large as they can be in etcd, they fit into an answer.
SMALLER = 50


class KubeClient:
    """`token` and `ca` (PEM) may be empty. `timeout` is seconds for each read or write, and three times that
    for all of an exchange. Refuses (WrongAddress) what is no address, and, when asking, what is no cluster's.
    """

    def __init__(self, server: str, token: str = "", ca: str = "", timeout: float = 10.0) -> None:
        self.server = server
        self._http = transport.make_http(server, token, ca, timeout)
        self._resources: dict[str, dict[str, Resource]] = {}

    def __enter__(self) -> "KubeClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def version(self) -> str:
        """`v1.33.2` or the like."""
        return str(self._json("GET", "/version").get("gitVersion") or "")

    def kinds(self) -> frozenset[str]:
        """Everything it serves, as `apps/v1/Deployment` and `v1/Pod`; one question where it can be."""
        found = self._json("GET", "/apis", accept=discovery.ACCEPT)
        told = discovery.told(found)
        if told is None:
            told = frozenset(
                f"{version}/{kind}"
                for version in discovery.versions(found)
                for kind in self._discover(version)
            )
        return told | {f"v1/{kind}" for kind in self._discover("v1")}

    def get(self, ref: Ref) -> Json:
        return self._object("GET", ref)

    def find(self, ref: Ref) -> Json | None:
        """The object; None where there is none, nor a kind of that name."""
        try:
            return self.get(ref)
        except errors.NotFound:
            return None

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        metadata_only: bool = False,
    ) -> Listing:
        """Everything that matches, at once; once more from the start when the token grows too old."""
        asked = (api_version, kind, namespace, label_selector, field_selector, limit, metadata_only)
        try:
            return _joined(self.pages(*asked))
        except errors.Gone:
            return _joined(self.pages(*asked))

    def pages(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        metadata_only: bool = False,
    ) -> Iterator[Listing]:
        """Everything that matches, page by page, in smaller ones when one is too large to be read.

        With `metadata_only` the server leaves out all else: of Secrets, nothing secret travels. Raises Gone
        when it takes so long that the cluster has forgotten where it began.
        """
        path = self._collection(api_version, kind, namespace or "")
        accept = PARTIAL_LIST if metadata_only else ""
        params = _selectors(label_selector, field_selector)
        token, size = "", limit
        for _ in range(MOST_PAGES):
            asked = params | {"limit": str(size)} | ({"continue": token} if token else {})
            try:
                page = answers.page(self._json("GET", path, asked, accept=accept))
            except errors.TooLarge:
                if size == max(1, limit // SMALLER):
                    raise
                size = max(1, limit // SMALLER)
                continue
            good, bad = answers.sorted_out(page["items"], api_version, kind)
            metadata = answers.mapping(page.get("metadata"))
            token = str(metadata.get("continue") or "")
            yield Listing(good, str(metadata.get("resourceVersion") or ""), tuple(bad), not token)
            if not token:
                return
        raise errors.Malformed(f"The list of {kind} has no end after {MOST_PAGES} pages.")

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        resource_version: str = "",
        label_selector: str = "",
        timeout_seconds: int = 60,
        metadata_only: bool = False,
    ) -> Iterator[WatchEvent]:
        """What happens after `resource_version`, until the server ends it (silently, as servers do).

        Raises Gone when the version is too old, LostReply when the connection goes dead.
        """
        params = _selectors(label_selector, "") | {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(timeout_seconds),
            "resourceVersion": resource_version,
        }
        path = self._collection(api_version, kind, namespace or "")
        request = self._http.build_request(
            "GET",
            path,
            params=params,
            headers={"Accept": PARTIAL} if metadata_only else {},
            timeout=outbound.timeout(timeout_seconds + GRACE, timeout_seconds + GRACE),
        )
        with transport.opened(self._http, request) as response:
            for line in transport.lines(response):
                yield answers.event(line, api_version, kind)

    def apply(
        self, obj: Json, field_manager: str = "slipway", force: bool = False, dry_run: bool = False
    ) -> Json:
        """Server-side apply; repeating it changes nothing. Conflict when another manager owns a field."""
        params = {"fieldManager": field_manager, "force": "true" if force else "false"} | _dry(dry_run)
        return self._object("PATCH", Ref.of(obj), params, _applicable(obj), APPLY)

    def create(self, obj: Json, dry_run: bool = False) -> Json:
        ref = Ref.of(obj)
        path = self._collection(ref.api_version, ref.kind, ref.namespace)
        made = self._json("POST", path, {"fieldManager": "slipway"} | _dry(dry_run), obj)
        return shown(answers.whole(made, mutating=True))

    def patch(self, ref: Ref, changes: Json, dry_run: bool = False) -> Json:
        """Merge patch: null removes a key, a list replaces the whole list."""
        params = {"fieldManager": "slipway"} | _dry(dry_run)
        return self._object("PATCH", ref, params, changes, MERGE)

    def delete(self, ref: Ref, dry_run: bool = False) -> None:
        """In the background, dependents too."""
        body: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if dry_run:  # beside a body, the API server does not look at the query
            body["dryRun"] = ["All"]
        self._json("DELETE", self._path(ref), body=body)

    def logs(self, namespace: str, pod: str, container: str, previous: bool = False, tail: int = 50) -> str:
        """The last lines of a container's log, at most 256 KiB of them."""
        path = self._path(Ref("v1", "Pod", pod, namespace)) + "/log"
        params = {
            "container": container,
            "tailLines": str(tail),
            "previous": "true" if previous else "false",
            "limitBytes": str(transport.LOG_LIMIT),
        }
        found = transport.exchange(self._http, "GET", path, params=params, limit=transport.LOG_LIMIT)
        return found.decode("utf-8", "replace")

    def rules(self, namespace: str) -> tuple[Json, ...]:
        """What this token may do in a namespace, as the cluster says of it."""
        review: Json = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        found = self._json("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body=review)
        status = answers.mapping(found.get("status"))
        return tuple(dict(each) for each in answers.mappings(status.get("resourceRules")))

    def resource(self, api_version: str, kind: str) -> Resource:
        """How the cluster spells a kind; asked once, and again when a kind is not among those it had."""
        known = self._resources.get(api_version, {}).get(kind)
        if known is None:
            self._resources[api_version] = self._discover(api_version)
            known = self._resources[api_version].get(kind)
        if known is None:
            raise errors.KindUnknown(f"The cluster serves no {kind} of {api_version}.")
        return known

    def _discover(self, api_version: str) -> dict[str, Resource]:
        try:
            found = self._json("GET", _root(api_version)).get("resources")
        except errors.NotFound as error:
            raise errors.KindUnknown(f"The cluster serves no {api_version}.") from error
        if not isinstance(found, list):
            raise errors.Malformed("The cluster's answer is not a list of kinds.")
        entries = [answers.mapping(entry) for entry in found]
        return {
            str(entry.get("kind")): Resource(str(entry["name"]), bool(entry.get("namespaced")))
            for entry in entries
            if "name" in entry and "/" not in str(entry["name"])
        }

    def _collection(self, api_version: str, kind: str, namespace: str) -> str:
        resource = self.resource(api_version, kind)
        scope = f"/namespaces/{_segment(namespace)}" if resource.namespaced and namespace else ""
        return f"{_root(api_version)}{scope}/{resource.plural}"

    def _path(self, ref: Ref) -> str:
        if self.resource(ref.api_version, ref.kind).namespaced and not ref.namespace:
            raise errors.BadRequest(f"{ref} needs a namespace.")
        return f"{self._collection(ref.api_version, ref.kind, ref.namespace)}/{_segment(ref.name)}"

    def _object(
        self,
        method: str,
        ref: Ref,
        params: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> Json:
        found = self._json(method, self._path(ref), params, body, content_type)
        return shown(answers.whole(found, mutating=method in transport.MUTATING))

    def _json(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
        accept: str = "",
    ) -> Json:
        content = None if body is None else json.dumps(body).encode()
        raw = transport.exchange(
            self._http, method, path, params=params, body=content, content_type=content_type, accept=accept
        )
        return transport.decoded(raw, mutating=method in transport.MUTATING)


def _joined(pages: Iterator[Listing]) -> Listing:
    found = list(pages)
    items = [item for page in found for item in page.items]
    return Listing(items, found[-1].resource_version, tuple(bad for page in found for bad in page.malformed))


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _segment(name: str) -> str:
    """A name as one step of a path; what would leave it is refused."""
    if name in (".", "..") or "/" in name or "%" in name:
        raise errors.BadRequest(f"{name!r} is not a name.")
    return quote(name, safe="")


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _selectors(labels: str, fields: str) -> dict[str, str]:
    chosen = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in chosen.items() if value}


def _applicable(obj: Json) -> Json:
    """Without what a server writes: applying it would claim it."""
    metadata = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "creationTimestamp")}
    return {k: v for k, v in obj.items() if k != "status"} | {"metadata": metadata}
