"""Whole organisations: every repository's descriptors, whatever the git host does meanwhile."""

import time

import pytest

from services.catalog.actions import Refused, steering
from services.catalog.models import Broken, Entity, Holding, Source
from services.catalog.sources import organisations
from services.catalog.tasks import sweep
from services.effects.models import Effect
from services.integrations import organisations as hosts
from services.integrations.errors import NotFound, Unauthorised, Unavailable
from services.integrations.errors import Refused as Denied
from services.integrations.rest import Http, Malformed
from tests.catalog.conftest import COMPONENT
from tests.effects_driver import run_due_effects
from tests.fakes.githost import TOKEN, Repo, hosting

PROVIDERS = ["github", "gitlab", "gitea"]
INFO = "catalog-info.yaml"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def here(settings):
    settings.GIT_NETWORKS = ["127.0.0.0/8"]
    settings.HTTP_TIMEOUT = 8.0


def thing(name: str) -> bytes:
    return COMPONENT.format(name=name, owner="checkout").encode()


LOCATION = b"""\
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: all}
spec: {targets: [./more/*.yaml, ../secrets.yaml]}
"""


def repos() -> list[Repo]:
    return [
        Repo("shop/cart", {INFO: thing("cart"), "README.md": b"x", "src/a.yaml": b"a: 1"}),
        Repo("shop/basket", {INFO: LOCATION, "more/one.yaml": thing("basket"), "CODEOWNERS": b"* @shop/x"}),
        Repo("shop/empty", {}, size=0),
        Repo("shop/plain", {"README.md": b"x"}),
        Repo("shop/old", {INFO: thing("old")}, archived=True),
        Repo("shop/copy", {INFO: thing("copy")}, fork=True),
    ]


@pytest.fixture(params=PROVIDERS)
def fake(request):
    with hosting(request.param, *repos()) as fake:
        yield fake


@pytest.fixture
def github():
    with hosting("github", *repos()) as fake:
        yield fake


def made(fake, by=None, **options) -> Source:
    options = {"address": fake.url, "pattern": INFO, "include": [], "exclude": [], **options}
    source = steering.set_organisation(
        source=None, provider=fake.provider, name="shop", options=options, token=TOKEN, by=by
    )
    Source.objects.filter(pk=source.pk).update(auto_apply=True)
    return source


def read(source: Source) -> Source:
    """What it is after a sweep."""
    Source.objects.filter(pk=source.pk).update(next_at="2026-01-01T00:00Z")
    sweep()
    run_due_effects(skip_waits=True)
    source.refresh_from_db()
    return source


def states(source: Source) -> dict[str, str]:
    return {h.name.removeprefix("shop/"): h.state for h in source.holdings.all()}


def names() -> set[str]:
    return set(Entity.objects.filter(state="active", kind="Component").values_list("name", flat=True))


def test_every_repository_with_a_descriptor_comes_in(fake):
    source = read(made(fake))
    assert source.trouble == ""
    assert states(source) == {"cart": "ok", "basket": "ok", "empty": "empty", "plain": "empty"}
    assert names() == {"cart", "basket"}
    assert Entity.objects.get(name="basket").location == "shop/basket/more/one.yaml"
    asked = len(fake.asked)
    assert not any("src/a.yaml" in path or "README" in path for path in fake.asked)
    runs = source.runs.count()
    read(source)
    assert source.runs.count() == runs
    reread = [path for path in fake.asked[asked:] if "raw" in path or "contents" in path or "tree" in path]
    assert reread == []


def test_what_is_pushed_deleted_or_archived_is_seen(fake):
    source = read(made(fake))
    fake.repos["shop/cart"].push({INFO: thing("trolley")})
    del fake.repos["shop/basket"]
    fake.repos["shop/new"] = Repo("shop/new", {INFO: thing("new")})
    assert read(source).trouble == ""
    assert names() == {"trolley", "new"}
    assert Entity.objects.get(name="basket").state == "orphan"
    fake.repos["shop/new"].about["archived"] = True
    fake.repos["shop/new"].push({INFO: thing("new")})
    read(source)
    assert names() == {"trolley"}


def test_github_is_told_what_was_heard_last_and_answers_briefly(github):
    source = read(made(github))
    asked = len(github.asked)
    read(source)
    assert len(github.asked) == asked + 1
    assert Effect.objects.last().result == {"unchanged": True}


def test_one_repository_that_fails_loses_no_other_and_keeps_what_it_had(fake):
    fails_alone(fake, 500)


@pytest.mark.parametrize("what", [404, "cut", "half", "html", (302, {"Location": "http://x/"})])
def test_however_a_repository_fails_it_fails_alone(github, what):
    fails_alone(github, what)


def fails_alone(fake, what) -> None:
    source = read(made(fake))
    fake.repos["shop/cart"].push({INFO: thing("cart") + b"# changed"})
    fake.repos["shop/basket"].push({INFO: thing("bucket")})
    where = {"github": "cart/git/trees", "gitlab": "shop/cart/repository/tree", "gitea": "cart/git/trees"}
    fake.bad = {where[fake.provider]: what}
    read(source)
    assert (states(source)["cart"], source.trouble) == ("failed", "")
    assert source.holdings.get(name="shop/cart").problem
    assert names() == {"cart", "bucket"}
    fake.bad = {}
    read(source)
    assert states(source)["cart"] == "ok"


def test_a_repository_that_never_answers_is_given_up(github, settings):
    source = read(made(github))
    settings.HTTP_TIMEOUT = 1.5
    github.repos["shop/cart"].push({INFO: thing("cart") + b"# changed"})
    github.bad = {"cart/git/trees": "slow"}
    assert states(read(source))["cart"] == "failed"


LISTINGS = {"github": "/orgs/", "gitlab": "/groups/", "gitea": "/orgs/"}
SOON = str(int(time.time()) + 7200)  # when the tests were collected, which may be long ago
TROUBLE = [
    (401, "refuses the token", 600),
    (404, "knows nothing", 600),
    (500, "in trouble", 60),
    ("html", "not JSON", 60),
    ((429, {"Retry-After": "1200"}), "less often", 1200),
    ((403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON}), "less often", 3600),
    ((403, {"Retry-After": "soon"}), "less often", 60),
    ((418, {}), "refuses (status 418)", 600),
    ((403, {}), "refuses the token", 600),
]


@pytest.mark.parametrize(("what", "why", "least"), TROUBLE)
def test_what_concerns_all_of_it_is_said_and_waited_for(github, what, why, least):
    source = read(made(github))
    github.bad = {LISTINGS[github.provider]: what}
    Source.objects.update(head="")
    asked = len(github.asked)
    read(source)
    assert why in source.trouble
    assert len(github.asked) == asked + 1
    wait = (source.next_at - source.trouble_since).total_seconds()
    assert wait >= least - 1
    assert names() == {"cart", "basket"}
    github.bad = {}
    assert read(source).trouble == ""


def test_a_limit_in_the_middle_keeps_what_was_read(github):
    github.bad = {"shop/basket/git/trees": (429, {"Retry-After": "1200"})}
    source = read(made(github))
    assert "less often" in source.trouble
    kept = set(source.holdings.values_list("name", flat=True))
    assert "shop/basket" not in kept
    github.bad = {}
    asked = len(github.asked)
    read(source)
    assert names() == {"cart", "basket"}
    assert not any(f"{name}/git/trees" in path for name in kept for path in github.asked[asked:])


def test_a_reading_that_takes_long_makes_room_and_goes_on(github, monkeypatch):
    moments = iter(range(0, 100_000, 30))
    monkeypatch.setattr(organisations, "time", type("Clock", (), {"monotonic": lambda: next(moments)}))
    source = made(github)
    Source.objects.update(next_at="2026-01-01T00:00Z")
    sweep()
    assert run_due_effects() == 1
    assert Effect.objects.get().last_error == "There is more to read."
    assert 0 < source.holdings.count() < 4
    run_due_effects(skip_waits=True)
    assert names() == {"cart", "basket"}


def test_an_organisation_that_is_suddenly_empty_orphans_nothing(github):
    source = read(made(github))
    github.repos.clear()
    assert "lists no repository" in read(source).trouble
    assert names() == {"cart", "basket"}


def test_a_webhook_reads_its_own_repository_only(fake):
    from services.catalog.sources.hooks import take
    from services.integrations.deliveries import Told

    source = read(made(fake))
    asked = len(fake.asked)
    fake.repos["shop/cart"].push({INFO: thing("trolley")})
    take(source=source, news=Told("1", "1", "push", "Shop/Cart", "main", "main", {}))
    run_due_effects()
    assert names() == {"trolley", "basket"}
    assert not any("basket" in path for path in fake.asked[asked:])
    take(source=source, news=Told("2", "2", "push", "shop/cart", "main", "main", {}))
    run_due_effects()
    assert names() == {"trolley", "basket"}
    for number, gone in enumerate((lambda: fake.repos.pop("shop/cart"), lambda: archive(fake))):
        gone()
        name = ("shop/cart", "shop/basket")[number]
        take(source=source, news=Told(f"g{number}", f"g{number}", "push", name, "", "", {}))
        run_due_effects()
    assert names() == set()


def archive(fake) -> None:
    fake.repos["shop/basket"].about["archived"] = True


def test_which_repositories_and_files_is_a_choice(github):
    github.repos["shop/cart"].push({"deploy/a/info.yaml": thing("deep"), "x/info.yaml": thing("flat")})
    options = {"include": ["ca*", "OLD"], "exclude": ["copy"], "archived": True, "forks": True}
    source = read(made(github, pattern="*/info.yaml, deploy/**/info.yaml, catalog-info.yaml", **options))
    assert names() == {"deep", "flat", "old"}
    assert set(states(source)) == {"cart", "old"}


def test_a_tree_that_github_cuts_off_is_a_failure_of_that_repository(github):
    github.repos["shop/cart"].about["cut"] = True
    assert states(read(made(github)))["cart"] == "failed"


def test_a_broken_descriptor_is_named_with_its_repository(github):
    github.repos["shop/cart"].push({INFO: thing("my cart")})
    read(made(github))
    assert Broken.objects.get().file == f"shop/cart/{INFO}"


def test_two_repositories_with_the_same_entity_are_told(github):
    github.repos["shop/plain"].push({INFO: thing("cart")})
    run = read(made(github)).runs.first()
    told = [warning for row in run.documents for warning in row["warnings"]]
    assert [w["rule"] for w in told if w["rule"] == "duplicate"] == ["duplicate"]


# What is asked for


ODD = [
    "ftp://h",
    "http://",
    "https://u:p@h",
    "https://h?x",
    "https://h#x",
    "h",
    "https://h:99999",
    "http://h\r",
]


@pytest.mark.case("S6")
@pytest.mark.parametrize("address", ODD)
def test_odd_addresses_are_refused(address):
    with pytest.raises(ValueError, match=r"."):
        hosts.checked_address(address + ("\nx" if address.endswith("\r") else ""))


@pytest.mark.case("S1")
def test_addresses_inside_are_not_connected_to(settings, github):
    settings.GIT_NETWORKS = ["10.0.0.0/8"]
    source = read(made(github))
    assert "not allowed here" in source.trouble
    assert github.asked == []


@pytest.mark.case("S4")
def test_a_next_page_elsewhere_is_not_followed(github):
    github.bad = {"/orgs/": (200, {"Link": '<http://127.0.0.1:1/x>; rel="next"'})}
    assert "leads elsewhere" in read(made(github)).trouble


def test_answers_are_bounded_and_names_stay_inside(github, request):
    http = Http(github.url, {"Authorization": f"Bearer {TOKEN}"})
    request.addfinalizer(http.close)
    with pytest.raises(Malformed, match="larger"):
        http.get("/orgs/shop/repos", limit=10)
    with pytest.raises(Malformed, match="elsewhere"):
        http.get("http://127.0.0.1:1/")
    github.bad = {"packed": (200, {"Content-Encoding": "gzip"})}
    with pytest.raises(Malformed, match="packed"):
        http.get("/packed")
    with pytest.raises(Malformed, match="not an object"):
        http.get("/orgs/shop/repos").object()
    with pytest.raises(Malformed, match="not a list"):
        http.get("/repos/shop/cart").rows()
    for provider in PROVIDERS:
        with hosts.opened(provider, address=github.url, name="shop", token=TOKEN) as host:
            for outside in ("shopping/cart", "shop/../x", "else"):
                with pytest.raises(NotFound):
                    host.repository(outside)
    for row in ({"full_name": 3}, {"full_name": "x"}, {}):
        for module in (hosts.github, hosts.gitlab, hosts.gitea):
            with pytest.raises(Malformed):
                module._repository(row)
    with pytest.raises(Malformed):
        hosts.github.regular([3])


def test_errors_say_whether_asking_again_helps(github):
    for status, kind, permanent in (
        (401, Unauthorised, True), (503, Unavailable, False), (302, Denied, True), (410, NotFound, True),
    ):  # fmt: skip
        github.bad = {"/orgs/": status}
        opened = hosts.opened("github", address=github.url, name="shop", token=TOKEN)
        with opened as host, pytest.raises(kind) as caught:
            host.listing()
        assert caught.value.permanent is permanent


# People


FORM = {"provider": "gitea", "name": "shop", "pattern": INFO, "token": TOKEN, "include": "a b", "exclude": ""}


def test_naming_an_organisation(client, priya, mira, github):
    url = "/catalog/sources/organisation/"
    client.force_login(mira)
    assert client.get(url).status_code == 403
    client.force_login(priya)
    form = {**FORM, "provider": "github", "address": github.url, "include": ""}
    for wrong in ({"address": "ftp://x"}, {"name": "../x"}, {"pattern": ""}):
        assert client.post(url, {**form, **wrong}).status_code == 422
    page = client.post(url, form, follow=True).content.decode()
    assert "Being read" in page
    source = Source.objects.get()
    assert (source.token_sealed != TOKEN, organisations.sealer.unseal(source.token_sealed)) == (True, TOKEN)
    run_due_effects()
    assert "Plan waits" in client.get(source.get_absolute_url()).content.decode()
    html = client.get(source.get_absolute_url() + "?view=repositories&q=CAR").content.decode()
    assert "shop/cart" in html
    assert "shop/basket" not in html
    assert (
        "None." in client.get(source.get_absolute_url() + "?view=repositories&state=failed").content.decode()
    )
    assert "is a source already" in client.post(url, form).content.decode()
    change = f"{source.get_absolute_url()}organisation/"
    assert TOKEN not in client.get(change).content.decode()
    elsewhere = client.post(change, {**form, "token": "", "address": "https://git.example.org"})
    assert "needs its own token" in elsewhere.content.decode()
    client.post(change, {**form, "token": "", "exclude": "basket"})
    run_due_effects()
    assert "shop/basket" not in set(Holding.objects.values_list("name", flat=True))
    again = client.post(f"{source.get_absolute_url()}look/", follow=True).content.decode()
    assert "is being read" in again


def test_a_token_sealed_with_another_key_says_so(github, settings):
    source = made(github)
    settings.SECRET_KEY = "another" * 10
    assert "another secret key" in read(source).trouble


def test_one_organisation_is_one_source(github):
    made(github)
    with pytest.raises(Refused, match="already"):
        made(github)
