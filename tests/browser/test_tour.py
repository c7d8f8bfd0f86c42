"""Every page as its people see it: no complaint, no axe violation in either theme, nothing cut on a phone,
and few queries."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

PLACES = {
    "mira": [
        "/",
        "/catalog/",
        "/catalog/?kind=any",
        "/catalog/component/default/checkout/",
        "/catalog/component/default/checkout/?tab=live",
        "/catalog/component/default/checkout/?tab=dependencies",
        "/catalog/component/default/checkout/?tab=requests",
        "/catalog/component/default/checkout/?tab=tickets",
        "/catalog/component/default/reviews/",
        "/catalog/component/default/loyalty/",
        "/catalog/api/default/orders-api/?tab=definition",
        "/catalog/component/default/checkout/?tab=docs&doc=runbooks/waiting-payments.md",
        "/catalog/resource/default/shop-queue/",
        "/catalog/system/default/order-flow/",
        "/catalog/domain/default/commerce/",
        "/catalog/group/default/checkout/",
        "/catalog/user/default/mira/",
        "/new/",
        "/new/web-service/",
        "/requests/",
        "/requests/R-1003/",
        "/requests/R-1003/changes/",
        "/requests/R-1181/",
        "/requests/R-1183/",
        "/help/",
        "/account/",
    ],
    "priya": [
        "/",
        "/catalog/sources/",
        "/catalog/sources/2/",
        "/catalog/sources/cluster/",
        "/catalog/import/",
        "/requests/R-1182/",
        "/requests/R-1182/changes/",
        "/requests/R-1183/",
        "/requests/R-1183/changes/",
        "/help/queue/",
        "/insights/",
        "/platform/audit/",
    ],
    "sam": ["/", "/requests/R-1183/"],
    "hanna": ["/", "/insights/?range=year"],
}
MOST_QUERIES = 12
OF_MANY_PARTS = ("/", "/new/web-service/")  # neither a list nor the page of one thing
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.mark.case("X6")
@pytest.mark.parametrize("username", PLACES)
def test_every_page_is_clean_and_fits_a_phone(
    page: Page, become: Callable[[Page, str], None], accessible: Callable[[Page], None], username: str
) -> None:
    become(page, username)
    too_wide, asking = [], {}
    for place in PLACES[username]:
        page.set_viewport_size(DESK)
        page.goto(place)
        if place not in OF_MANY_PARTS:  # at the second look: what is kept for a while is there then
            asking[place] = int(page.request.get(place).headers["x-sql-count"])
        accessible(page)
        page.set_viewport_size(PHONE)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            too_wide.append(place)
    assert not too_wide
    assert not {place: many for place, many in asking.items() if many > MOST_QUERIES}
