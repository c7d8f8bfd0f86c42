import pytest

from services.accounts.models import Membership, Team
from services.audit.models import Event
from services.catalog.actions import import_documents
from services.catalog.finding import saved
from services.catalog.models import SavedView, StartView
from tests.factories.people import member, platform_engineer

pytestmark = pytest.mark.django_db
LIST, VIEWS = "/catalog/", "/catalog/views/"


@pytest.fixture
def show(client, mira, files):
    import_documents(files=files, title="shop", by=None)
    client.force_login(mira)

    def send(url, **data):
        response = client.post(url, data, follow=True)
        assert response.status_code == 200
        return response.content.decode()

    return send


def test_a_view_is_saved_shown_renamed_deleted_and_brought_back(show, client, mira):
    query = "q=cart+owner:checkout+-type:library&sort=-owner&nonsense=1"
    html = show(f"{VIEWS}save/", name="Ours", query=query)
    view = SavedView.objects.get()
    assert (view.owner, view.team) == (mira, None)
    assert view.query == "owner=checkout&not=type%3Alibrary&q=cart&sort=-owner"
    assert 'aria-current="page"><svg class="ic ic-s"' in html
    assert "Save view" not in html
    assert "There is a view called “Ours”" in show(f"{VIEWS}save/", name="Ours", query="kind=api")
    assert "Mine now" in show(f"{VIEWS}{view.pk}/rename/", name="Mine now")
    assert "Give the view a name" in show(f"{VIEWS}{view.pk}/rename/", name=" ")
    html = show(f"{VIEWS}{view.pk}/delete/")
    assert f"{VIEWS}{view.pk}/restore/" in html
    assert "No view saved yet" in html
    assert "Mine now" not in client.get(LIST + "?kind=any").content.decode()
    assert "Mine now" in show(f"{VIEWS}{view.pk}/restore/")
    assert not Event.objects.filter(action__startswith="catalog.view").exists()


def test_the_catalog_opens_with_the_view_one_chose(show, client):
    show(f"{VIEWS}save/", name="APIs", query="kind=api", start="yes")
    view = SavedView.objects.get()
    assert client.get(LIST)["Location"] == f"{LIST}?kind=api"
    assert client.get(f"{LIST}?kind=service").status_code == 200
    show(f"{VIEWS}{view.pk}/start/", start="no")
    assert client.get(LIST).status_code == 200
    show(f"{VIEWS}{view.pk}/start/", start="yes")
    show(f"{VIEWS}{view.pk}/delete/")
    assert client.get(LIST).status_code == 200
    assert StartView.objects.exists()


def test_shared_views_are_the_teams_and_audited(show, client, mira):
    assert "There is no “elsewhere” here" in show(f"{VIEWS}save/", name="X", query="", team="elsewhere")
    show(f"{VIEWS}save/", name="Ours", query="kind=api", team="checkout")
    view = SavedView.objects.get()
    noah, jonas = member("noah", "checkout"), member("jonas", "discovery")
    sam = member("sam", "checkout", role=Membership.Role.LEAD)
    client.force_login(noah)
    assert "Ours" in client.get(LIST + "?kind=any").content.decode()
    assert "shared this view" in show(f"{VIEWS}{view.pk}/rename/", name="Theirs")
    assert "shared this view" in show(f"{VIEWS}{view.pk}/delete/")
    client.force_login(jonas)
    assert client.post(f"{VIEWS}{view.pk}/delete/").status_code == 404
    assert client.post(f"{VIEWS}{view.pk}/start/", {"start": "yes"}).status_code == 404
    client.force_login(sam)
    show(f"{VIEWS}{view.pk}/delete/")
    client.force_login(noah)
    assert "shared this view" in show(f"{VIEWS}{view.pk}/restore/")
    client.force_login(mira)
    show(f"{VIEWS}{view.pk}/restore/")
    saved.rename_view(view=SavedView.objects.get(), name="Ours too", by=mira)
    told = Event.objects.filter(action__startswith="catalog.view").order_by("pk")
    assert [event.action.rpartition("_")[2] for event in told] == ["shared", "deleted", "restored", "renamed"]


def test_one_shares_with_ones_own_teams_only(mira):
    other = Team.objects.create(slug="other", name="Other")
    with pytest.raises(saved.Refused, match="You are not in Other"):
        saved.save_view(name="X", query="", by=mira, team=other)
    assert not saved.can_change(platform_engineer(), SavedView(owner=mira))
