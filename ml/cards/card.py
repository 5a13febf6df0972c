"""The card of one kind of model, as Markdown. Pure."""

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
    """What no code states of a kind of model."""

    use: str
    limits: tuple[str, ...]


COMMON_LIMITS = (
    "It finds what goes together with a purchase, not what causes one.",
    "A buyer's visit is counted up to the purchase, any other up to its end: how much was done also "
    "reveals where the counting stopped, not only who buys.",
    "It has learned one shop, at one time: another catalogue, country or season needs a model of its own.",
    "Differential privacy protects one {unit}; what is true of many (a country, all visitors by phone) "
    "is learned, and may be unwelcome to them.",
    "Few users mean much noise: below some thousand users at ε = 1 expect a poor model.",
)
FACTS: Mapping[str, Facts] = {
    "boosted_trees": Facts(
        "Ranking visits by how likely they end in a purchase, where thresholds and pairs of features "
        "matter. It is the one to publish where readers have xgboost.",
        (
            "Its splits are drawn at random, so at small ε much of its interactions is noise: read the "
            "report's pairs as hints.",
        ),
    ),
    "logistic_regression": Facts(
        "Ranking visits with a model that can be read: one coefficient for each input.",
        (
            "It cannot represent a feature that matters only together with another, or one that raises the "
            "score in the middle of its range and lowers it at both ends.",
            "Scaling a row into the unit ball makes a feature's weight depend a little on the others.",
        ),
    ),
    "neural_network": Facts(
        "Ranking visits where effects are not linear.",
        ("Its explanations are expected gradients: they sum to the prediction, but are not Shapley values.",),
    ),
    "xgboost": Facts(
        "Only to measure the price of privacy. Trained on real sessions it never leaves the trusted side.",
        ("It protects no one: training rows can be recovered from it.",),
    ),
    "laplace_baseline": Facts(
        "Only for comparison: a common attempt at privacy.",
        ("It guarantees a user nothing; see its composition above.",),
    ),
}


def render(model: Model, encoding: Encoding) -> str:
    """The card. The statement in it is the model's own."""
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
