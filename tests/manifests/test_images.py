"""Images are taken apart, told to be fixed or moving, and exchanged without touching another byte."""

import pytest

from services.manifests import images
from services.manifests.images import NotAnImage, parse

DIGEST = "sha256:" + "a1" * 32
FILE = "apps/checkout/cart/production/deployment.yaml"


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        ("registry.example.com/cart:1.4.0", "registry.example.com/cart", "1.4.0", ""),
        ("localhost:5000/shop/cart", "localhost:5000/shop/cart", "", ""),
        (f"registry.example.com/cart@{DIGEST}", "registry.example.com/cart", "", DIGEST),
        (f"cart:v2@{DIGEST}", "cart", "v2", DIGEST),
    ],
)
def test_an_image_is_taken_apart_and_written_back(text, repository, tag, digest) -> None:
    found = parse(text)
    assert (found.repository, found.tag, found.digest, str(found)) == (repository, tag, digest, text)


@pytest.mark.parametrize(
    "text", ["", "Cart:1", "a b", "cart:", "cart@sha256:12", f"cart@sha512:{'a' * 64}", "x" * 600, "cart:1\n"]
)
def test_what_is_no_image_is_refused(text) -> None:
    with pytest.raises(NotAnImage):
        parse(text)


@pytest.mark.parametrize(
    ("tag", "fixed"),
    [
        ("1.4.0", True), ("v1.4.0-rc.1", True), ("4711", True), ("4f1c2d9", True), ("deadbeef", True),
        ("main-4711", True), ("2026-11-20", True), ("", False), ("latest", False), ("latest-alpine3", False),
        ("main", False), ("1", False), ("v1", False), ("1.4", False), ("production", False),
        ("nightly", False), ("nightly-3", False),
    ],
)  # fmt: skip
def test_a_tag_is_fixed_when_it_names_one_build(tag, fixed) -> None:
    assert images.Image("cart", tag).is_fixed is fixed
    assert images.Image("cart", tag, DIGEST).is_fixed


MANIFEST = """\
# Written by hand.
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: cart   # the service
        image: "registry.example.com/cart:1.0.0"   # keep me
      - {name: proxy, image: registry.example.com/proxy:3.1.0}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
"""
KUSTOMIZATION = """\
resources: [../../base]
images:
- name: cart
  newName: registry.example.com/cart
  newTag: "1.0.0"   # by the build
"""


def found(text: str, file: str = FILE, **over: object) -> list[images.Place]:
    about = {"name": "cart", "namespace": "shop", "must_say": False} | over
    return list(images.places(file, text, **about))


def test_the_images_of_a_service_are_found_and_one_line_changes() -> None:
    web, proxy = found(MANIFEST)
    assert (web.label, str(web.image)) == ("cart of Deployment cart", "registry.example.com/cart:1.0.0")
    assert proxy.container == "proxy"
    after = images.with_image(MANIFEST, web, images.at(web.image, tag="1.1.0", digest=DIGEST))
    line = f'        image: "registry.example.com/cart:1.1.0@{DIGEST}"   # keep me'
    assert after == MANIFEST.replace('        image: "registry.example.com/cart:1.0.0"   # keep me', line)


def test_a_kustomization_says_the_version_and_keeps_its_comments() -> None:
    (place,) = found(KUSTOMIZATION, "cart/overlays/production/kustomization.yaml")
    assert (str(place.image), place.is_override) == ("registry.example.com/cart:1.0.0", True)
    after = images.with_image(KUSTOMIZATION, place, images.at(place.image, tag="1.1.0"))
    assert after == KUSTOMIZATION.replace('"1.0.0"', '"1.1.0"')
    pinned = images.with_image(KUSTOMIZATION, place, images.at(place.image, digest=DIGEST))
    assert [str(each.image) for each in found(pinned, "x/kustomization.yaml")] == [
        f"registry.example.com/cart@{DIGEST}"
    ]


def test_what_is_of_others_or_says_not_where_it_goes_is_left_alone() -> None:
    assert found(MANIFEST, namespace="shop-staging") == []
    assert found(MANIFEST, name="basket") == []
    nowhere = MANIFEST.replace(", namespace: shop", "")
    assert len(found(nowhere)) == 2
    assert found(nowhere, must_say=True) == []
    assert found(KUSTOMIZATION, "base/kustomization.yaml", must_say=True) == []
    odd = "{kind: Deployment, metadata: {name: cart}, spec: {template: {spec: {containers: [{image: 3}]}}}}"
    assert found(f"{odd}\n--- []\n") == []
