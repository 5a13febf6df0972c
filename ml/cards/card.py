"""Renders the card of one kind of model as Markdown. Pure."""

import sys
from collections.abc import Mapping
from importlib.resources import files
from inspect import cleandoc

import jinja2
from msgspec import Struct

from ml.features.encoding import Encoding
from ml.features.schema import Categorical, title
from ml.models.interface import Model


class Facts(Struct, frozen=True):
    """The facts about a kind of model that the code does not contain."""

    use: str
    limits: tuple[str, ...]


COMMON_LIMITS = (
    "It finds what is associated with a purchase, not what causes one.",
    "A visit with a purchase is counted up to the purchase, any other visit up to its end: the counts also "
    "depend on where the counting stopped, not only on who buys.",
    "It was trained on one shop at one time: another catalogue, country or season needs a new model.",
    "Differential privacy protects one {unit}. What is true of many (a country, all visitors with a phone) "
    "is learned, and they may not want it to be known.",
    "With few users there is much noise: with less than some thousand users at ε = 1 expect a poor model.",
)
FACTS: Mapping[str, Facts] = {
    "boosted_trees": Facts(
        "Ranking visits by how likely they end in a purchase, where thresholds and pairs of features "
        "matter. Publish this one for readers who have xgboost.",
        (
            "Its splits are drawn at random, so at small ε much of its interactions is noise: treat the "
            "report's pairs of features as hints.",
        ),
    ),
    "logistic_regression": Facts(
        "Ranking visits with a model that people can read: one coefficient for each input.",
        (
            "It cannot represent a feature that matters only together with another, or one that raises the "
            "score in the middle of its range and lowers it at both ends.",
            "Scaling a row into the unit ball makes a feature's weight depend a little on the others.",
        ),
    ),
    "neural_network": Facts(
        "Ranking visits where effects are not linear.",
        ("Its explanations are expected gradients: they sum to the prediction, but are no Shapley values.",),
    ),
    "xgboost": Facts(
        "Only to measure the price of privacy. One trained on real sessions never leaves the trusted side.",
        ("It has no privacy: training rows can be recovered from it.",),
    ),
    "laplace_baseline": Facts(
        "Only for comparison: a common attempt at privacy.",
        ("It guarantees nothing to a user; see *Composition* above.",),
    ),
}


def render(model: Model, encoding: Encoding) -> str:
    """Returns the card. Its statement is the one that the model carries."""
    module = sys.modules[type(model).__module__]
    parameters = {
        name: value
        for name, value in vars(module).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, int | float)
    }
    schema = encoding.schema
    template = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    ).from_string((files(__package__) / "card.md.j2").read_text(encoding="utf-8"))
    facts = FACTS[model.name]
    unit = model.statement.unit
    return template.render(
        kind=type(model),
        model=model,
        about=" ".join(cleandoc(type(model).__doc__ or "").split()),
        how=" ".join(cleandoc(module.__doc__ or "").split("\n\n")[0].split()),
        parameters=parameters,
        statement=model.statement,
        schema=schema,
        numbers=[title(feature) for feature in schema.features if not isinstance(feature, Categorical)],
        words=[title(feature) for feature in schema.features if isinstance(feature, Categorical)],
        facts=facts,
        limits=[limit.format(unit=unit) for limit in (*facts.limits, *COMMON_LIMITS)],
    )
