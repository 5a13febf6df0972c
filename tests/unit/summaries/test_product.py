"""Window aggregates, compared with figures counted by hand."""

from support.sessions import ENDED_AT_MS, session_with

from streaming.summaries.product import WINDOW_MS, ProductActivity, key, window

SOFA = ("p1", "Sofa", 499.99, "sofas")


def test_a_session_counts_for_its_products_and_their_categories() -> None:
    lamp = ("p2", "Lamp", 20.0, "lamps")
    found = window(
        [session_with((*SOFA, "view"), (*SOFA, "purchase"), (*lamp, "cart"), (*lamp, "remove_from_cart"))]
    )
    start = ENDED_AT_MS - 1
    assert list(found) == [f"{it}:{start}:{of}" for it, of in (
        ("product", "p1"), ("product", "p2"), ("category", "sofas"), ("category", "lamps"))]  # fmt: skip
    assert found[f"product:{start}:p1"] == ProductActivity(
        level="product",
        window_start_ms=start,
        window_end_ms=start + WINDOW_MS,
        product_id="p1",
        product_name="Sofa",
        category="sofas",
        views=1,
        carts=0,
        removals=0,
        purchases=1,
        revenue_cents=49999,
    )
    lamps = found[f"category:{start}:lamps"]
    assert (lamps.product_id, lamps.product_name, lamps.carts, lamps.removals) == (None, None, 1, 1)


def test_the_window_is_that_of_the_event_time() -> None:
    edges = [WINDOW_MS - 1, WINDOW_MS, 2 * WINDOW_MS - 1]
    found = window(session_with((*SOFA, "view"), event_time_ms=time) for time in edges)
    assert {k: a.views for k, a in found.items() if a.level == "product"} == {
        "product:0:p1": 1,
        f"product:{WINDOW_MS}:p1": 2,
    }


def test_late_sessions_are_in_no_window() -> None:
    assert window([session_with((*SOFA, "view"), late=True)]) == {}


def test_names_and_categories_do_not_depend_on_order() -> None:
    told = [
        session_with(("p1", "Zed", 1.0, "beds", "view")),
        session_with(("p1", "Bed", 1.0, "rugs", "view")),
    ]
    for order in (told, told[::-1]):
        product = window(order)[f"product:{ENDED_AT_MS - 1}:p1"]
        assert (product.product_name, product.category, product.views) == ("Bed", "beds", 2)


def test_a_key_always_fits_into_an_elasticsearch_id() -> None:
    ids = ["𝄞" * 127 + "a", "𝄞" * 127 + "b"]
    found = window([session_with(*((of, "x", 1.0, "c", "view") for of in ids))])
    assert len(found) == 3
    assert all(len(of.encode()) <= 512 and of == key(activity) for of, activity in found.items())
