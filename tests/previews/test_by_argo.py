"""Previews that Argo CD makes: offered where it is, asked for by a pull request, ended by one."""

import pytest
import yaml

from services.catalog.queries import find
from services.clusters.models import Cluster, Environment
from services.integrations.githosts.base import Person
from services.integrations.models import GitServer
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, NameTaken, NotAllowed, WrongState
from services.onboarding.models import Request, State
from services.previews import actions, planning, queries
from services.previews.errors import Forbidden, Impossible
from tests.effects_driver import run_due_effects
from tests.onboarding.conftest import REPO

from .conftest import manifests, ref, wish

NEW = "/previews/new/component/default/web/"
FOLLOW = "/previews/follow/component/default/web/"
SAID = {
    "base": "staging", "provider": "github", "source": "shop/web", "api": "",
    "image": "registry.larkfield.shop/web", "deploy": "https://git.larkfield.shop/shop/deploy.git",
}  # fmt: skip
FOLDER = "previews/checkout/web-pulls"


@pytest.fixture
def argo(shop):
    Cluster.objects.update(serves=["apps/v1/Deployment", planning.followed.KIND])
    return shop


def test_it_is_offered_where_argo_cd_is_and_else_said_why_not(client, shop) -> None:
    client.force_login(shop.mira)
    assert FOLLOW in client.get(NEW).content.decode()  # nobody has asked the cluster yet
    Cluster.objects.update(serves=["apps/v1/Deployment"])
    page = client.get(NEW).content.decode()
    assert "Argo CD with ApplicationSets is not installed in Staging" in page
    assert FOLLOW not in page
    refused = client.post(FOLLOW, SAID | {"_ask": "1"})
    assert (refused.status_code, "is not installed" in refused.content.decode()) == (422, True)
    assert not Request.objects.exists()


def test_from_the_page_to_the_repository_and_away_again(client, argo) -> None:
    settings = {"domain": "int.larkfield.shop", "preview_token": {"secret": "github"}}
    settings["delivery"] = {"by": "argocd", "namespace": "argo"}
    Environment.objects.filter(name="staging").update(settings=settings)
    client.force_login(argo.mira)
    page = client.get(FOLLOW).content.decode()
    assert 'value="registry.larkfield.shop/web"' in page
    kept = {"with": [ref("cart")], "seen": [ref("cart"), ref("tax")]}
    looked = client.post(FOLLOW, SAID | kept, headers={"HX-Request": "true"}).content.decode()
    assert ("<html" in looked, "anyone in the platform team" in looked.lower()) == (False, True)
    assert client.post(FOLLOW, SAID | {"source": "web", "_ask": "1"}).status_code == 422
    sent = client.post(FOLLOW, SAID | kept | {"_ask": "1"})
    row = Request.objects.get()
    assert sent.headers["Location"] == row.get_absolute_url()
    made = yaml.safe_load(row.files[f"{FOLDER}/applicationset.yaml"])
    assert made["metadata"]["namespace"] == "argo"
    generator = made["spec"]["generators"][0]["pullRequest"]["github"]
    assert generator["tokenRef"] == {"secretName": "github", "key": "token"}
    names = yaml.safe_load(row.files[f"{FOLDER}/base/kustomization.yaml"])["resources"]
    assert {"space-resourcequota-preview.yaml", "web-ingress-web.yaml"} <= set(names)
    assert "tax-deployment-tax.yaml" not in names
    with pytest.raises(NameTaken):
        actions.follow(by=argo.noah, wish=planning.named(wish()), about=planning.about(wish(), SAID))
    approved_and_merged(argo, row)
    assert (row.state, queries.followed(find(ref("web")))) == (State.LIVE, row)
    assert argo.host.read(REPO, f"{FOLDER}/applicationset.yaml", "main")
    assert "Pull requests of shop/web are followed" in client.get(FOLLOW).content.decode()
    with pytest.raises(WrongState):
        actions.follow(by=argo.mira, wish=planning.named(wish()), about=planning.about(wish(), SAID))
    client.post(FOLLOW, {"_end": "1"})
    run_due_effects()
    assert argo.host.read_tree(REPO, "main", FOLDER) == {}
    assert queries.followed(find(ref("web"))) is None
    with pytest.raises(WrongState):
        actions.unfollow(by=argo.mira, entity=find(ref("web")))


def approved_and_merged(argo, row: Request) -> None:
    row.refresh_from_db()
    assert row.state == State.AWAITING_APPROVAL
    onboarding.approve(request=row, by=argo.priya, tree_hash=row.tree_hash)
    run_due_effects()
    row.refresh_from_db()
    onboarding.merge(request=row, by=argo.mira, head=row.head_sha)
    run_due_effects()
    row.refresh_from_db()


def test_what_cannot_be_is_refused_and_nothing_is_done(argo, settings, tmp_path) -> None:
    def ask(by=argo.mira, of="rates") -> Request:
        wanted = planning.named(wish(of=of))
        return actions.follow(by=by, wish=wanted, about=planning.about(wanted, SAID))

    with pytest.raises(NotAllowed):
        ask(by=argo.jonas)
    path = "apps/checkout/rates/staging/deployment.yaml"
    bad = manifests("rates")[path].replace(b"allowPrivilegeEscalation: false", b"privileged: true")
    argo.host.commit(REPO, files={path: bad}, author=Person("sam", "Sam"), message="Bad")
    with pytest.raises(Forbidden):
        ask()
    gone = dict.fromkeys(manifests("rates"))
    argo.host.commit(REPO, files=gone, author=Person("sam", "Sam"), message="Away")
    with pytest.raises(Impossible, match="no manifests"):
        ask()
    settings.GIT_ROOT = tmp_path
    with pytest.raises(HostSilent):
        ask(of="tax")
    assert not Request.objects.exists()


def test_what_is_known_is_filled_in(shop) -> None:
    repository = {"name": "shop/web", "url": "https://gitlab.com/shop/web"}
    found = planning.guessed(wish(), repository)
    assert (found["provider"], found["source"], found["deploy"]) == ("gitlab", "shop/web", "")
    GitServer.objects.create(
        name="hub", kind="github", address="https://api.github.com", repository="shop/deploy",
        takes_requests=True,
    )  # fmt: skip
    assert planning.followed._deploy() == "https://github.com/shop/deploy.git"
