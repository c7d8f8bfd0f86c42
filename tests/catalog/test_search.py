import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.catalog import queries
from services.catalog.actions import import_documents
from services.catalog.finding import operators, search, vocabulary, words
from services.catalog.models import Entity, Word
from tests.catalog.conftest import COMPONENT

MANY = """
INSERT INTO catalog_entity (ref, name, description, api_version, kind, namespace, title, type, lifecycle,
    owner_ref, system_ref, spec, metadata, digest, origin, location, line, state, problem, onboarded_request,
    created_at, updated_at)
SELECT 'component:default/cart-' || n, 'cart-' || n, 'All about ' || n, 'v1', 'Component', 'default', '',
    'service', 'production', '', '', '{}', '{}', '', 'descriptor', '', 1, 'active', '', '', now(), now()
FROM generate_series(1, %s) n
"""


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("checkout", "checkout", 0),
        ("chekcout", "checkout", 1),
        ("checkot", "checkout", 1),
        ("checkoutt", "checkout", 1),
        ("chackout", "checkout", 1),
        ("paymnets", "payment", 2),
        ("api", "apis", 1),
        ("", "cart", 4),
    ],
)
def test_distance_counts_slips(one, other, slips):
    assert words.distance(one, other) == words.distance(other, one) == slips


@pytest.mark.parametrize("word", ["cart", "order", "payment", "checkout", "recommendation"])
def test_every_slip_shares_a_mark_with_its_word(word):
    """Whatever is left out, put in, changed or swapped, once or twice, is met by the index."""

    def slipped(text):
        for at in range(len(text) + 1):
            yield text[:at] + "x" + text[at:]
            yield text[:at] + text[at + 1 :]
            yield text[:at] + "x" + text[at + 1 :]
            yield text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]

    once = set(slipped(word))
    wrong = once if len(word) < 6 else {two for one in once for two in slipped(one)}
    stored = set(words.marks(word))
    wrong = {one for one in wrong if words.slips(one) >= words.distance(one, word)}
    assert len(wrong) > 10
    assert [one for one in wrong if not stored & set(words.near_marks(one))] == []


@pytest.mark.parametrize(
    ("text", "values", "without", "unknown", "rest"),
    [
        ("cart", {}, [], [], "cart"),
        ("owner:payments kind:api", {"owner": ["payments"], "kind": ["api"]}, [], [], ""),
        ('x system:"order flow" y', {"system": ["order flow"]}, [], [], "x y"),
        ("-kind:api -lifecycle:deprecated", {}, [("kind", "api"), ("lifecycle", "deprecated")], [], ""),
        ("is:orphan is:unowned", {"is": ["orphan", "unowned"]}, [], [], ""),
        ('"order flow" -old', {}, [], [], '"order flow" -old'),
        ("onwer:payments cart", {}, [], ["onwer:payments"], "onwer:payments cart"),
        ("component:default/cart", {}, [], [], "cart"),
        ("https://example.com/x", {}, [], [], "https://example.com/x"),
        ("owner: kind:", {}, [], [], "owner: kind:"),
        ('tag:"', {}, [], [], 'tag:"'),
    ],
)
def test_operators_are_taken_out_of_the_text(text, values, without, unknown, rest):
    typed = operators.read(text, {"component", "api"})
    assert (typed.values, typed.without, typed.unknown, typed.text) == (values, without, unknown, rest)


@pytest.fixture
def catalog(files, mira):
    files["all.yaml"] = b"""\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: paymentservice, description: Takes the money, tags: [core-money]}
spec: {type: service, lifecycle: production, owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: payment-worker, title: Settles payments by night}
spec: {type: worker, lifecycle: experimental, owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: shop.payments_v2, description: Order then flow of money}
spec: {type: openapi, lifecycle: production, owner: checkout, definition: x}
"""
    import_documents(files=files, title="shop", by=None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "found", "meant"),
    [
        ("payment", ["payment-worker", "paymentservice", "shop.payments_v2"], ""),
        ("paymentservice", ["paymentservice"], ""),
        ("SERVICE pay", ["paymentservice"], ""),
        ("worker", ["payment-worker"], ""),
        ("core money", ["paymentservice"], ""),
        ("v2", ["shop.payments_v2"], ""),
        ('"order flow"', ["order-flow"], ""),
        ("order flow", ["order-flow", "shop.payments_v2"], ""),
        ("payment -worker -shop", ["paymentservice"], ""),
        ("wroker", ["payment-worker"], "worker"),
        ("paymnet setles", ["payment-worker"], "payment settles"),
        ("paymentsrevice", ["paymentservice"], "paymentservice"),
        ("money worker", ["shop.payments_v2"], "money order"),
        ("zzzzzz", [], ""),
        ("checkuot 7", [], ""),
    ],
)
def test_search_finds_beginnings_parts_phrases_and_slips(catalog, text, found, meant):
    got = search.find(Entity.objects.all(), text)
    assert [entity.name for entity in queries.in_order(got.keys)] == found
    assert got.meant == meant


@pytest.mark.django_db
def test_words_that_no_entity_has_any_more_are_forgotten(catalog):
    assert Word.objects.filter(word="paymentservice").exists()
    Entity.objects.filter(name="paymentservice").delete()
    assert search.find(Entity.objects.all(), "paymentservise").keys == []
    assert vocabulary.forget() > 0
    assert not Word.objects.filter(word="paymentservice").exists()
    assert Word.objects.filter(word="worker").exists()


@pytest.mark.django_db
def test_of_many_matches_the_named_one_is_found_and_few_are_ranked(files):
    """Twenty thousand entities: a search reads its indexes and a thousand rows."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, [20_000])
        cursor.execute("ANALYZE catalog_entity")
    files["last.yaml"] = COMPONENT.format(name="cart", owner="checkout").encode()
    import_documents(files=files, title="shop", by=None)
    with CaptureQueriesContext(connection) as asked:
        got = search.find(Entity.objects.all(), "cart")
    assert queries.in_order(got.keys[:1])[0].name == "cart"
    assert got.is_capped
    assert len(got.keys) < 3 * search.MOST
    assert max(rows_read(asked[-2]["sql"])) <= 3 * search.MOST
    assert max(rows_read(asked[-1]["sql"])) <= 3 * search.MOST
    assert queries.search("cart-17", limit=1)[0].name == "cart-17"


def rows_read(statement):
    """How many rows each step of a statement really reads, but for what an index only points at."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        return list(_steps(cursor.fetchone()[0][0]["Plan"]))


def _steps(plan):
    if plan["Node Type"] != "Bitmap Index Scan":
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from _steps(part)
