"""Every kind of model by its name, and models as folders."""

from pathlib import Path

import msgspec

from ml.models.boosted_trees import BoostedTrees
from ml.models.interface import Model
from ml.models.laplace_baseline import LaplaceBaseline
from ml.models.logistic_regression import LogisticRegression
from ml.models.neural_network import NeuralNetwork
from ml.models.non_private import NonPrivateBaseline
from ml.privacy.statement import PrivacyStatement

PRIVATE: tuple[type[Model], ...] = (BoostedTrees, LogisticRegression, NeuralNetwork)
NON_PRIVATE: type[Model] = NonPrivateBaseline
BASELINE: type[Model] = LaplaceBaseline
KINDS: dict[str, type[Model]] = {kind.name: kind for kind in (*PRIVATE, NON_PRIVATE, BASELINE)}


def save(model: Model, artifact: Path) -> None:
    """Saves `model` with its statement in a folder of its name in `artifact`, which is made if need be."""
    folder = artifact / model.name
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)
    (folder / "statement.json").write_bytes(msgspec.json.format(msgspec.json.encode(model.statement)))


def load(name: str, artifact: Path) -> Model:
    """The model that `save` left. Raises FileNotFoundError where there is none."""
    folder = artifact / name
    statement = msgspec.json.decode((folder / "statement.json").read_bytes(), type=PrivacyStatement)
    return KINDS[name].load(folder, statement)


def names(artifact: Path) -> list[str]:
    """The names of the models in `artifact`, in the order in which they are shown."""
    return [name for name in KINDS if (artifact / name / "statement.json").is_file()]
