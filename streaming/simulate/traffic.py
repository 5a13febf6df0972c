"""Yields the shop's traffic as messages, in the order in which they are sent."""

import hashlib
import heapq
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import msgspec
import numpy as np

from streaming.contract import first_version
from streaming.contract.session import FIRST_VERSION, SCHEMA_VERSION, UNKNOWN, Review, Session
from streaming.contract.time_units import HOUR_MS
from streaming.simulate import paths, reviews
from streaming.simulate.catalogue import catalogue
from streaming.simulate.devices import KITS, Kit
from streaming.simulate.faults import FAULTS, FIRST_FAULTS
from streaming.simulate.habits import ACTIONS, PURCHASE, EndTimes, visits
from streaming.simulate.people import REFERRERS, people
from streaming.simulate.settings import TrafficSettings

Kind = Literal["valid", "late", "unknown_device", "unknown_referrer", "broken", "no_consent", "duplicate"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_BLOCK = 4_096
"""Sessions drawn at once. A constant, because another size would give other bytes for the same seed."""
_RESEND_WITHIN = 2_000
"""A duplicate follows its original within this many messages."""
_LATE_BY_MS = (2 * HOUR_MS, 6 * HOUR_MS)


class Message(NamedTuple):
    """A message for the raw topic, its kind, and when to send it."""

    key: bytes
    value: bytes
    kind: Kind
    due_ms: int


def traffic(settings: TrafficSettings) -> Iterator[Message]:
    """Yields all messages in ascending order of `due_ms`, which is also their event time unless they are
    late, broken or duplicates. Memory is bounded: all people and one block of sessions."""
    again: list[tuple[int, int, Message]] = []
    for sent, (message, resend_after) in enumerate(_originals(settings)):
        while again and again[0][0] <= sent:
            yield heapq.heappop(again)[2]._replace(due_ms=message.due_ms)
        yield message
        if resend_after:
            heapq.heappush(again, (sent + resend_after, sent, message._replace(kind="duplicate")))
    end_ms = settings.start_ms + round(settings.span_s * 1000)
    while again:
        yield heapq.heappop(again)[2]._replace(due_ms=end_ms)


def _originals(settings: TrafficSettings) -> Iterator[tuple[Message, int]]:
    """Yields every session once, and after how many messages to send it again (0: never)."""
    of_people, of_times, of_visits, of_words, of_faults, of_paths, of_consents = np.random.default_rng(
        settings.seed
    ).spawn(7)
    shop = catalogue()
    crowd = people(of_people, settings.users, settings.seed)
    agreed = paths.consents(of_consents, settings.users)
    times = EndTimes(of_times, settings.start_ms, settings.span_s, settings.steady)
    run = hashlib.blake2b(f"{settings.seed}:{settings.start_ms}".encode(), digest_size=6).hexdigest()
    is_first = settings.schema_version == FIRST_VERSION
    encode = first_version.written if is_first else msgspec.json.Encoder().encode
    faults = list((FIRST_FAULTS if is_first else FAULTS).values())
    ids, names = np.array(shop.ids, object), np.array(shop.names, object)
    categories, prices = np.array(shop.categories, object), np.array(shop.prices)
    actions = np.array(ACTIONS, object)
    unknown_kit = Kit(UNKNOWN, UNKNOWN, UNKNOWN)

    for block in range(0, settings.sessions, _BLOCK):
        count = min(_BLOCK, settings.sessions - block)
        made = visits(of_visits, shop, crowd, times.block(block, count, settings.sessions))
        path = paths.paths(of_paths, made)
        words = reviews.wording(of_words, count)
        kinds, faulty, late_by, resend = _faults_and_repeats(of_faults, settings, count)
        user, end_ms, kit, referrer = (
            made.user.tolist(), made.end_ms.tolist(), made.kit.tolist(), made.referrer.tolist()
        )  # fmt: skip
        first, looked_at, did = made.first.tolist(), made.product, made.action
        product_ids, product_names = ids[looked_at].tolist(), names[looked_at].tolist()
        product_categories, product_prices = categories[looked_at].tolist(), prices[looked_at].tolist()
        all_actions, all_times_ms = actions[did].tolist(), path.times_ms.tolist()
        landing, steps = path.landing.tolist(), path.steps.tolist()
        paid = np.where(did == PURCHASE, prices[looked_at], 0.0)
        amount_spent = np.round(np.add.reduceat(paid, made.first[:-1]), 2).tolist()
        bought, duration_s = made.bought.tolist(), made.duration_s.tolist()
        page_views, clicks = made.page_views.tolist(), made.clicks.tolist()
        writes, reviewed, pleasure = made.reviews.tolist(), made.reviewed.tolist(), made.pleasure.tolist()

        for v in range(count):
            who, kind = user[v], kinds[v]
            a, b = first[v], first[v + 1]
            device = unknown_kit if kind == "unknown_device" else KITS[kit[v]][0]
            written: list[Review] = []
            if writes[v]:
                about = reviewed[v]
                stars = reviews.rating(pleasure[v] + shop.quality[about])
                label = reviews.sentiment(stars)
                said = reviews.text(label, shop.categories[about], shop.nouns[about], words, v)
                written.append(Review(product_id=shop.ids[about], rating=stars, text=said, sentiment=label))
            home = crowd.homes[who]
            behind_ms = late_by[v] if kind == "late" else 0
            ended_ms = end_ms[v] - behind_ms
            times_ms = paths.times(all_times_ms[a:b], behind_ms)
            began_ms = ended_ms - int(duration_s[v] * 1000)
            source = UNKNOWN if kind == "unknown_referrer" else REFERRERS[referrer[v]]
            channel = path.channel_of(v, source)
            session = Session(
                schema_version=SCHEMA_VERSION,
                session_id=f"s{run}-{block + v:08d}",
                event_time_ms=ended_ms,
                user_id=crowd.user_ids[who],
                name=crowd.names[who],
                email=crowd.emails[who],
                gender=crowd.genders[who],
                device_type=device.device_type,
                operating_system=device.operating_system,
                browser_type=device.browser_type,
                product_ids=product_ids[a:b],
                product_names=product_names[a:b],
                product_prices=product_prices[a:b],
                product_categories=product_categories[a:b],
                actions=all_actions[a:b],
                interaction_times_ms=times_ms,
                pages=paths.pages(all_actions[a:b], times_ms, landing[v], steps[v], began_ms, ended_ms),
                page_views=page_views[v],
                session_duration=duration_s[v],
                clicks=clicks[v],
                purchase_made=bought[v],
                amount_spent=amount_spent[v],
                payment_method_type=crowd.payment[who] if bought[v] else None,
                currency=paths.CURRENCY,
                reviews=written,
                referrer=source,
                channel=channel,
                campaign=path.campaign_of(v, channel),
                country=home.country,
                state=home.state,
                city=home.city,
                zip_code=home.zip_code,
                consent=paths.REFUSED if kind == "no_consent" else agreed[who],
            )
            value = encode(session)
            if kind == "broken":
                value = faults[faulty[v]](value)
            yield Message(session.user_id.encode(), value, kind, end_ms[v]), resend[v]


def _faults_and_repeats(
    rng: np.random.Generator, settings: TrafficSettings, count: int
) -> tuple[list[Kind], list[int], list[int], list[int]]:
    """Draws for each session its kind, the fault (for kind broken), the delay (for kind late) and when to
    send it again."""
    rates = (
        settings.late_rate,
        settings.unknown_device_rate,
        settings.unknown_referrer_rate,
        settings.broken_rate,
        0.0 if settings.schema_version == FIRST_VERSION else settings.no_consent_rate,
    )
    bounds = np.cumsum(rates)
    drawn = np.searchsorted(bounds, rng.random(count), side="right")
    by_draw: tuple[Kind, ...] = (
        "late", "unknown_device", "unknown_referrer", "broken", "no_consent", "valid",
    )  # fmt: skip
    kinds = [by_draw[k] for k in drawn.tolist()]
    faulty = rng.integers(
        0, len(FIRST_FAULTS if settings.schema_version == FIRST_VERSION else FAULTS), count
    ).tolist()
    late_by = rng.integers(*_LATE_BY_MS, count).tolist()
    accepted = (drawn == 0) | (drawn == 5)
    resent = accepted & (rng.random(count) < settings.duplicate_rate)
    after = rng.integers(1, _RESEND_WITHIN, count)
    return kinds, faulty, late_by, np.where(resent, after, 0).tolist()
