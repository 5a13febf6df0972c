"""The simulated shop: kinds of messages in the shares of the settings, and the same bytes for the same
seed."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from streaming.contract.consent import ALL_AGREED, refused_by
from streaming.contract.horizon import is_beyond, refusal
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Session
from streaming.simulate.devices import KITS
from streaming.simulate.faults import FAULTS
from streaming.simulate.paths import CHANNEL_OF_REFERRER, CHECKOUT, DONE
from streaming.simulate.places import places
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import Message, traffic

SETTINGS = TrafficSettings(sessions=9_000, seed=3, users=1_500)
END_MS = SETTINGS.start_ms + 86_400_000


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return list(traffic(SETTINGS))


@pytest.fixture(scope="module")
def sessions(messages: list[Message]) -> list[Session]:
    parsed = (parse(message.value, END_MS) for message in messages if message.kind in ("valid", "late"))
    return [session for session in parsed if isinstance(session, Session)]


def judged(value: bytes) -> Session | Rejection:
    """Checks a message as the gate does before it looks for duplicates."""
    verdict = parse(value, END_MS)
    if isinstance(verdict, Session) and is_beyond(verdict, END_MS, 21 * 86_400_000):
        return refusal(verdict.feed, 21 * 86_400_000)
    return verdict


def digest(settings: TrafficSettings) -> str:
    found = hashlib.sha256()
    for message in traffic(settings):
        found.update(repr(message).encode())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process(messages: list[Message]) -> None:
    script = (
        "import hashlib; from streaming.simulate.settings import TrafficSettings as T; "
        "from streaming.simulate.traffic import traffic; h = hashlib.sha256(); "
        "[h.update(repr(m).encode()) for m in traffic(T(sessions=9000, seed=3, users=1500))]; "
        "print(h.hexdigest())"
    )
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        ran = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
        )
        assert ran.stdout.strip() == digest(SETTINGS), ran.stderr


def test_another_seed_gives_other_people_and_other_bytes() -> None:
    other = SETTINGS.model_copy(update={"seed": 4})
    assert digest(other) != digest(SETTINGS)
    assert {m.key for m in traffic(other)}.isdisjoint(m.key for m in traffic(SETTINGS))


def test_a_later_start_gives_other_sessions_of_the_same_people(messages: list[Message]) -> None:
    later = list(traffic(SETTINGS.model_copy(update={"start_ms": END_MS})))
    assert {m.value for m in later}.isdisjoint(m.value for m in messages)
    assert {m.key for m in later} & {m.key for m in messages}


def test_kinds_have_the_shares_of_the_settings(messages: list[Message]) -> None:
    kinds: Counter[str] = Counter(message.kind for message in messages)
    assert kinds.total() - kinds["duplicate"] == SETTINGS.sessions
    for kind, rate in {
        "unknown_device": SETTINGS.unknown_device_rate,
        "unknown_referrer": SETTINGS.unknown_referrer_rate,
        "late": SETTINGS.late_rate,
        "broken": SETTINGS.broken_rate,
        "no_consent": SETTINGS.no_consent_rate,
        "duplicate": SETTINGS.duplicate_rate,
    }.items():
        assert kinds[kind] == pytest.approx(SETTINGS.sessions * rate, rel=0.35), kind


def test_each_kind_gets_its_outcome(messages: list[Message]) -> None:
    expected = {"unknown_device": Reason.UNKNOWN_DEVICE, "unknown_referrer": Reason.UNKNOWN_REFERRER}
    seen: set[bytes] = set()
    for message in messages:
        verdict = judged(message.value)
        if message.kind in expected:
            assert isinstance(verdict, Rejection)
            assert verdict.reason == expected[message.kind]
        else:
            assert isinstance(verdict, Rejection) == (message.kind == "broken")
            by = refused_by(parse(message.value, END_MS), message.value, ALL_AGREED)
            assert by == ("session" if message.kind == "no_consent" else None)
        assert (message.value in seen) == (message.kind == "duplicate")
        seen.add(message.value)


def test_without_faults_all_sessions_are_valid_and_come_once() -> None:
    none = {name: 0.0 for name in TrafficSettings.model_fields if name.endswith("_rate")}
    sent = list(traffic(SETTINGS.model_copy(update={**none, "sessions": 1_000})))
    assert {message.kind for message in sent} == {"valid"}
    assert len({message.value for message in sent}) == 1_000


def test_traffic_of_version_1_is_the_same_without_what_version_2_has_brought() -> None:
    none = {name: 0.0 for name in TrafficSettings.model_fields if name.endswith("_rate")}
    chosen = SETTINGS.model_copy(update={**none, "sessions": 300})
    first = list(traffic(chosen.model_copy(update={"schema_version": 1})))
    for one, other in zip(first, traffic(chosen), strict=True):
        fields, newer = json.loads(one.value), json.loads(other.value)
        assert fields == {name: newer[name] for name in fields} | {"schemaVersion": 1}
        assert refused_by(parse(one.value, END_MS), one.value, ALL_AGREED) is None
        assert newer.keys() - fields.keys() == {
            "interactionTimesMs", "pages", "currency", "channel", "campaign", "consent"
        }  # fmt: skip
        assert isinstance(judged(one.value), Session)


def test_broken_messages_of_version_1_are_rejected() -> None:
    chosen = SETTINGS.model_copy(update={"sessions": 2_000, "broken_rate": 0.5, "schema_version": 1})
    broken = [message.value for message in traffic(chosen) if message.kind == "broken"]
    assert len(broken) > 800
    assert not [value for value in broken if isinstance(judged(value), Session)]


OTHER_NAMES = {
    "truncated": "not_json",
    "nesting_bomb": "too_deep",
    "infinite": "not_finite",
    "far_future": "future_time",
    "in_seconds": "out_of_range",
    "terminal_escape": "unprintable",
    "turned_around": "unprintable",
    "forged_line": "unprintable",
    "half_a_pair": "unprintable",
    "half_a_pair_as_action": "unprintable",
    "half_a_pair_beside": "not_json",
    "before_the_visit": "out_of_range",
    "unequal_times": "unequal_lengths",
    "no_currency": "wrong_type",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_rejected(fault: str, messages: list[Message]) -> None:
    sound = next(m for m in messages if m.kind == "valid")
    verdict = judged(FAULTS[fault](sound.value))
    assert isinstance(verdict, Rejection)
    assert verdict.reason == OTHER_NAMES.get(fault, fault)


def test_messages_come_in_the_order_of_their_event_times_except_late_ones(messages: list[Message]) -> None:
    due = [message.due_ms for message in messages]
    assert due == sorted(due)
    assert SETTINGS.start_ms <= due[0]
    assert due[-1] <= END_MS
    for message in messages:
        verdict = parse(message.value, END_MS)
        if isinstance(verdict, Session) and message.kind not in ("duplicate", "broken"):
            behind_h = (message.due_ms - verdict.event_time_ms) / 3_600_000
            assert 2 <= behind_h <= 6 if message.kind == "late" else behind_h == 0


def test_the_key_is_the_user(messages: list[Message]) -> None:
    for message in messages:
        verdict = parse(message.value, END_MS)
        assert isinstance(verdict, Rejection) or verdict.user_id.encode() == message.key


def test_devices_and_places_are_consistent(sessions: list[Session]) -> None:
    kits = {kit for kit, _ in KITS}
    towns = set(places()[0])
    for s in sessions:
        assert (s.device_type, s.operating_system, s.browser_type) in kits
        assert (s.country, s.state, s.city, s.zip_code) in towns


def test_visits_tell_their_path(sessions: list[Session]) -> None:
    begun = done = 0
    for s in sessions:
        assert s.interaction_times_ms == sorted(s.interaction_times_ms or [])
        assert s.pages
        opened = [page.time_ms for page in s.pages]
        assert opened == sorted(opened)
        names = [page.page for page in s.pages]
        assert s.purchase_made == (DONE in names)
        begun += CHECKOUT[0] in names
        done += DONE in names
        assert (s.channel in ("direct", "organic search", "social")) == (s.campaign is None)
        assert s.channel in CHANNEL_OF_REFERRER[s.referrer]
        assert s.currency == "EUR"
        assert s.consent
        assert s.consent.analytics
    assert 0.5 < done / begun < 0.95
    assert {s.channel for s in sessions} == {one for known in CHANNEL_OF_REFERRER.values() for one in known}


def test_people_keep_their_attributes(sessions: list[Session]) -> None:
    by_user: defaultdict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        by_user[session.user_id].append(session)
    assert all(
        len({(s.name, s.email, s.gender, s.city, s.consent) for s in visits}) == 1
        for visits in by_user.values()
    )
    returning = [visits for visits in by_user.values() if len(visits) > 1]
    assert len(returning) > len(by_user) / 2
    usual = [
        Counter(s.device_type for s in visits).most_common(1)[0][1] / len(visits) for visits in returning
    ]
    assert sum(usual) / len(usual) > 0.8


def test_purchases_follow_from_the_basket(sessions: list[Session]) -> None:
    for s in sessions:
        paid = [p for p, a in zip(s.product_prices, s.actions, strict=True) if a == "purchase"]
        assert s.purchase_made == bool(paid)
        assert s.amount_spent == pytest.approx(sum(paid), abs=0.01)
        assert (s.payment_method_type is not None) == s.purchase_made
        carted = {p for p, a in zip(s.product_ids, s.actions, strict=True) if a == "cart"}
        assert {p for p, a in zip(s.product_ids, s.actions, strict=True) if a == "remove_from_cart"} <= carted
        viewed = [p for p, a in zip(s.product_ids, s.actions, strict=True) if a == "view"]
        assert set(s.product_ids) == set(viewed)
    buyers = [s.purchase_made for s in sessions]
    assert 0.14 < sum(buyers) / len(buyers) < 0.25


def test_purchases_can_be_predicted_but_not_with_certainty(sessions: list[Session]) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import StandardScaler

    rows = [
        [
            s.actions.count("view"), s.actions.count("cart"), s.actions.count("remove_from_cart"),
            s.page_views, s.clicks, s.session_duration, s.device_type == "desktop", s.device_type == "mobile",
            s.referrer in ("Direct", "Email"), s.referrer in ("Facebook", "Instagram"),
        ]
        for s in sessions
    ]  # fmt: skip
    bought = [s.purchase_made for s in sessions]
    half = len(rows) // 2
    scaled = StandardScaler().fit_transform(rows)
    model = LogisticRegression().fit(scaled[:half], bought[:half])
    assert 0.85 < roc_auc_score(bought[half:], model.predict_proba(scaled[half:])[:, 1]) < 0.94


def test_most_people_have_a_similar_user(sessions: list[Session]) -> None:
    tastes: defaultdict[str, set[str]] = defaultdict(set)
    for s in sessions:
        tastes[s.user_id].update(s.product_ids)
    known = [taste for taste in tastes.values() if len(taste) >= 5]
    near = [
        any(taste is not other and len(taste & other) >= 0.5 * len(taste | other) for other in known)
        for taste in known[:200]
    ]
    assert sum(near) > 0.7 * len(near)


LABELS = {1: "negative", 2: "negative", 3: "neutral", 4: "positive", 5: "positive"}


def test_reviews_fit_their_stars(sessions: list[Session]) -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    by_label: defaultdict[str, list[float]] = defaultdict(list)
    for session in sessions:
        for review in session.reviews:
            assert review.product_id in session.product_ids
            assert review.sentiment == LABELS[review.rating]
            by_label[review.sentiment].append(analyser.polarity_scores(review.text)["compound"])
    assert all(len(scores) > 50 for scores in by_label.values())
    assert sum(score > 0 for score in by_label["positive"]) > 0.95 * len(by_label["positive"])
    assert sum(score < 0 for score in by_label["negative"]) > 0.9 * len(by_label["negative"])
    assert sum(abs(score) < 0.4 for score in by_label["neutral"]) > 0.9 * len(by_label["neutral"])


def test_the_day_has_a_rhythm_unless_steady() -> None:
    def by_hour(settings: TrafficSettings) -> list[int]:
        hours = Counter((m.due_ms - settings.start_ms) // 3_600_000 for m in traffic(settings))
        return [hours[hour] for hour in range(24)]

    rhythm, even = by_hour(SETTINGS), by_hour(SETTINGS.model_copy(update={"steady": True}))
    assert max(rhythm) > 4 * min(rhythm)
    assert max(even) < 1.3 * min(even)
