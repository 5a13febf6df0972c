"""Device type and referrer are one word in any case, and what was canonical stays as it was."""

import json
from pathlib import Path

import pytest
from support.sessions import PSEUDONYMS, raw_value, session

from streaming.contract.folding import NAMED_REFERRERS, folded
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.contract.valid_session import admit, decode_stored, encode
from streaming.simulate.devices import KITS
from streaming.simulate.people import REFERRERS

SCHEMA = Path(__file__).parents[3] / "ml" / "features" / "schemas" / "vitrine-session.json"


def spelled(device: str, referrer: str) -> tuple[str, str]:
    parsed = parse(raw_value(device_type=device, referrer=referrer), 1 << 47)
    assert isinstance(parsed, Session)
    return parsed.device_type, parsed.referrer


@pytest.mark.parametrize("device", ["mobile", "Mobile", "MOBILE", "mObIlE"])
@pytest.mark.parametrize("referrer", ["Google", "google", "GOOGLE"])
def test_case_has_no_meaning(device: str, referrer: str) -> None:
    assert spelled(device, referrer) == ("mobile", "Google")


def test_a_referrer_without_a_name_is_in_lower_case() -> None:
    assert spelled("Smart TV", "https://Shop.Example/A")[1] == "https://shop.example/a"


def test_the_words_of_simulation_and_models_keep_their_spelling() -> None:
    for kit, _ in KITS:
        for referrer in REFERRERS:
            assert spelled(kit.device_type, referrer) == (kit.device_type, referrer)
    features = {one["name"]: one for one in json.loads(SCHEMA.read_text())["features"]}
    assert set(features["referrer"]["values"]) == set(NAMED_REFERRERS) == set(REFERRERS)


def test_a_word_whose_lower_case_is_longer_stays_within_its_bound() -> None:
    assert folded(session(device_type="\u0130" * 128)).device_type == "\u0130" * 128
    kept = parse(raw_value(device_type="\u0130" * 128, referrer="\u0130" * 128), 1 << 47)
    assert isinstance(kept, Session)
    valid = admit(
        kept, PSEUDONYMS, user_kind="new", late=False, raw_partition=0, raw_offset=0, arrived_at_ms=1
    )
    assert decode_stored(encode(valid), PSEUDONYMS) == valid


def test_a_canonical_session_is_not_copied() -> None:
    sent = session()
    assert folded(sent) is sent
