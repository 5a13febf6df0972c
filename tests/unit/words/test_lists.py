"""Which word of a list a session's word becomes."""

import pytest

from streaming.simulate.devices import KITS
from streaming.simulate.people import REFERRERS
from streaming.simulate.places import places
from streaming.words import built_in
from streaming.words.lists import OTHER, Further, Words
from streaming.words.spelling import folded

WORDS = Words(Further(referrers={"Autumn": ["autumn-2026"], "partner.example.com": []}))


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        *[
            (same, "Google")
            for same in ("Google", "GOOGLE", " google ", "google.de", "www.google.com.br:443")
        ],
        *[(same, "Google") for same in ("https://www.google.co.uk/search?q=x", "//google.com/")],
        *[("l.facebook.com", "Facebook"), ("https://t.co/x", "X"), ("android-app://t.co", "X")],
        *[("e-mail", "Email"), ("E_Mail", "Email"), ("Newsletter", "Email"), ("(direct)", "Direct")],
        *[("AUTUMN 2026", "Autumn"), ("https://m.partner.example.com/?id=7", "partner.example.com")],
        *[("example.com", OTHER), ("notpartner.example.com", OTHER), ("google.example.com", OTHER)],
        *[("google", "Google"), ("google.invalid", OTHER), ("evil.example/google.com", OTHER)],
        *[("direct.com", OTHER), ("x.org", OTHER), ("constructor", OTHER), ("__proto__", OTHER)],
        *[("", OTHER), ("http://[::1", OTHER), ("1.2.3.4", OTHER), ("." * 128, OTHER), ("a b.com", OTHER)],
        *[("Unknown", "unknown"), ("other", OTHER), ("Other", OTHER)],
    ],
)
def test_a_referrer_is_a_channel_or_a_site_on_the_list(sent: str, counted: str) -> None:
    assert WORDS.referrers.bounded(sent) == counted


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        *[
            (same, "United States")
            for same in ("US", "us", "USA", "United States", "united_states_of_america")
        ],
        *[("Deutschland", "Germany"), ("FRA", "France"), ("España", "Spain"), ("espana", "Spain")],
        *[("Cote d'Ivoire", "Côte d\u2019Ivoire"), ("Turkey", "Türkiye"), ("UK", "United Kingdom")],
        *[("Narnia", OTHER), ("unknown", "unknown"), ("EU", OTHER)],
    ],
)
def test_a_country_is_known_by_code_and_name(sent: str, counted: str) -> None:
    assert WORDS.countries.bounded(sent) == counted


def test_every_spelling_of_the_built_in_lists_leads_to_one_word() -> None:
    for table in (
        *(built_in.countries(), built_in.DEVICES, built_in.SYSTEMS, built_in.BROWSERS),
        *(built_in.GENDERS, built_in.PAYMENTS, {**built_in.CHANNELS, **built_in.SITES}),
    ):
        word_of: dict[str, str] = {}
        for word, others in table.items():
            for spelling in {folded(one) for one in (word, *others)}:
                assert word_of.setdefault(spelling, word) == word, spelling


def test_the_words_of_the_simulated_shop_stay_as_they_are() -> None:
    for town in places()[0]:
        assert WORDS.countries.bounded(town.country) == town.country
    for kit, _ in KITS:
        assert WORDS.devices.bounded(kit.device_type) == kit.device_type
    for referrer in REFERRERS:
        assert WORDS.referrers.bounded(referrer) == referrer


def test_however_many_words_are_sent_few_are_counted_and_none_by_its_order() -> None:
    sent = [f"word-{number}" for number in range(10_000)] + [f"https://shop{n}.co.uk/" for n in range(10_000)]
    for of_field in WORDS.by_dimension.values():
        assert {of_field.bounded(word) for word in sent} == {OTHER}
        assert len(of_field.words) < 300
    assert WORDS.referrers.bounded("Google") == "Google"
