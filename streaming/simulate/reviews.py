"""Reviews whose texts fit their stars: phrases by sentiment, about typical parts of each product category."""

from dataclasses import dataclass

import numpy as np

from streaming.contract.session import Sentiment
from streaming.simulate.people import Ints

_ASPECTS: dict[str, tuple[str, ...]] = {
    "sofas": ("the cushions", "the fabric", "the frame", "the seat"),
    "armchairs": ("the backrest", "the upholstery", "the armrests", "the seat"),
    "dining-tables": ("the table top", "the legs", "the finish", "the extension leaf"),
    "dining-chairs": ("the seat", "the backrest", "the joints", "the finish"),
    "beds": ("the headboard", "the slats", "the frame", "the varnish"),
    "mattresses": ("the support", "the cover", "the firmness", "the foam"),
    "wardrobes": ("the doors", "the drawers", "the hinges", "the back panel"),
    "shelving": ("the shelves", "the wall mount", "the veneer", "the fittings"),
    "desks": ("the desktop", "the cable duct", "the drawers", "the frame"),
    "lighting": ("the light", "the switch", "the shade", "the cable"),
    "rugs": ("the pile", "the colour", "the edging", "the underside"),
    "garden": ("the coating", "the weave", "the joints", "the folding mechanism"),
}

_OPENINGS: dict[Sentiment, tuple[str, ...]] = {
    "positive": (
        "I love this {noun}.", "Absolutely delighted with the {noun}.", "What a beautiful {noun}!",
        "The {noun} is perfect for our home.", "Great {noun}, even better than in the pictures.",
        "We are very happy with this {noun}.", "An excellent {noun} at a fair price.",
    ),
    "neutral": (
        "The {noun} arrived on the day announced.", "We have had the {noun} for two weeks now.",
        "The {noun} is as described.", "It is a {noun} like many others.",
        "The {noun} has the size given on the page.", "We use the {noun} in the spare room.",
        "Ordered the {noun} in March and set it up in April.",
    ),
    "negative": (
        "Very disappointed with this {noun}.", "The {noun} is a waste of money.", "What a terrible {noun}.",
        "I regret buying this {noun}.", "The {noun} arrived damaged and looks cheap.",
        "Awful quality, I expected much more of this {noun}.", "This {noun} was a bad purchase.",
    ),
}  # fmt: skip

_BODIES: dict[Sentiment, tuple[str, ...]] = {
    "positive": (
        "{Aspect} feels wonderful and well made.", "I especially like {aspect}, such good quality.",
        "{Aspect} is lovely and assembly was easy.", "Everyone who visits praises {aspect}.",
        "{Aspect} is superb and the delivery was friendly and fast.",
    ),
    "neutral": (
        "{Aspect} is about what one sees in the photo.", "Two people needed an hour to put it together.",
        "{Aspect} is neither here nor there.", "I cannot say much about {aspect} yet.",
        "{Aspect} comes in one piece.",
    ),
    "negative": (
        "{Aspect} broke after a week, horrible.", "{Aspect} is flimsy and smells bad.",
        "Sadly {aspect} is poor and the instructions were useless.", "{Aspect} is ugly and uncomfortable.",
        "I hate {aspect}, and the service was rude when I complained.",
    ),
}  # fmt: skip

_CLOSINGS: dict[Sentiment, tuple[str, ...]] = {
    "positive": ("Highly recommended!", "I would buy it again, thank you.", "So glad we chose it.", ""),
    "neutral": ("We shall see.", "The box went to the recycling yard.", "", "It stands by the window."),
    "negative": ("Do not buy it.", "I want my money back, this is unacceptable.", "Never again.", ""),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Random choices of phrases for a block of sessions, one row per session."""

    opening: list[int]
    body: list[int]
    closing: list[int]
    aspect: list[int]


def wording(rng: np.random.Generator, count: int) -> Wording:
    """Draws choices for `count` reviews."""
    drawn: Ints = rng.integers(0, (7, 5, 4, 4), (count, 4))
    return Wording(*drawn.T.tolist())


def rating(feeling: float) -> int:
    """Returns the stars for a user's satisfaction with the product (0 is indifferent)."""
    return 1 + (feeling > -0.9) + (feeling > -0.35) + (feeling > 0.05) + (feeling > 0.8)


def sentiment(stars: int) -> Sentiment:
    """Returns the sentiment label for the stars."""
    return "positive" if stars >= 4 else "neutral" if stars == 3 else "negative"


def text(label: Sentiment, category: str, noun: str, words: Wording, row: int) -> str:
    """Returns the text of the review."""
    aspect = _ASPECTS[category][words.aspect[row]]
    parts = (
        _OPENINGS[label][words.opening[row]].format(noun=noun),
        _BODIES[label][words.body[row]].format(aspect=aspect, Aspect=aspect[0].upper() + aspect[1:]),
        _CLOSINGS[label][words.closing[row]],
    )
    return " ".join(part for part in parts if part)
