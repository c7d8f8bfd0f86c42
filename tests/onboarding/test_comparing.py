"""Environment against environment, by a worker: the matrix, the page of a service, their exports."""

import csv
import io

import pytest
from django.test import Client

from services.clusters.models import Drift, Environment
from services.onboarding import tasks
from services.onboarding.models import Parity

from .test_images import CART, HOME, cart, in_git, write  # noqa: F401

pytestmark = pytest.mark.django_db
VARIABLES = "\n        env: [{name: LOG, value: debug}, {name: API_KEY, value: typed-in}]\n"


@pytest.fixture
def compared(cart):  # noqa: F811  # the fixture of the tests of images
    """Staging has a later image, other replicas, two variables and a Service that production lacks."""
    text = in_git(cart, "staging").replace("cart:1.0.0", "cart:1.1.0").replace("replicas: 2", "replicas: 3")
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop-staging}\n"
    files = {"deployment.yaml": text.rstrip("\n") + VARIABLES, "service.yaml": service}
    files["hpa.yaml"] = service.replace("v1", "autoscaling/v2").replace("Service", "HorizontalPodAutoscaler")
    write(cart, {f"{HOME}/staging/{name}": content for name, content in files.items()})
    for place in Environment.objects.filter(name__in=["staging", "production"]):
        Drift.objects.create(environment=place, entity_ref=cart.entity.ref)
    assert tasks.parity() == 1
    return cart


def test_what_differs_is_kept_with_why_it_may(compared) -> None:
    row = Parity.objects.get()
    assert (row.source, row.target, row.unexpected) == ("staging", "production", 2)
    assert row.images == [{"repository": CART, "source": f"{CART}:1.1.0", "target": f"{CART}:1.0.0"}]
    assert {each["object"]: (each["in"], each["why"]) for each in row.alone} == {
        "Service cart": ("staging", ""),
        "HorizontalPodAutoscaler cart": ("staging", "Size"),
    }
    assert {each["path"].rpartition(".")[2]: each["why"] for each in row.fields} == {
        "env": "",
        "replicas": "Size",
    }
    assert "typed-in" not in str(row.fields)
    assert tasks.parity() == 0  # it was just compared


def test_the_matrix_and_the_page_of_a_service(
    compared, client: Client, django_assert_max_num_queries
) -> None:
    client.force_login(compared.jonas)
    with django_assert_max_num_queries(12):
        text = client.get("/parity/").content.decode()
    assert "2 unexpected" in text
    assert "staging and production" in text
    assert "2 unexpected" in client.get("/parity/?show=unexpected&team=checkout&q=car").content.decode()
    assert "Nothing to compare" in client.get("/parity/?team=payments").content.decode()
    with django_assert_max_num_queries(12):
        page = client.get("/parity/component/default/cart/").content.decode()
    assert "Service cart" in page
    assert f"{CART}:1.1.0" in page
    assert client.get("/parity/component/default/nothing/").status_code == 404
    for url in ("/parity/?format=csv", "/parity/component/default/cart/?format=csv"):
        lines = list(csv.reader(io.StringIO(client.get(url).content.decode())))
        assert [line[3] for line in lines] == [
            "what",
            "image",
            "field",
            "field",
            *["only in staging"] * 2,
        ]


def test_what_cannot_be_compared_says_why(compared, client: Client) -> None:
    Parity.objects.update(as_of=None)
    Environment.objects.filter(name="staging").update(is_preview=True)
    Drift.objects.update(state="same")
    tasks.parity()
    assert not Parity.objects.exists()  # it runs in one place that stays
    Environment.objects.filter(name="staging").update(is_preview=False)
    compared.entity.delete()
    tasks.parity()
    client.force_login(compared.jonas)
    assert "Not known" in client.get("/parity/").content.decode()
