"""All kinds of models by name, and how they are saved in folders."""

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
    """Saves `model` with its statement in the folder `artifact`/<name of the model>, made if necessary."""
    folder = artifact / model.name
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)
    (folder / "statement.json").write_bytes(msgspec.json.format(msgspec.json.encode(model.statement)))


def load(name: str, artifact: Path) -> Model:
    """Returns the model that `save` wrote. Raises FileNotFoundError if there is none."""
    folder = artifact / name
    statement = msgspec.json.decode((folder / "statement.json").read_bytes(), type=PrivacyStatement)
    return KINDS[name].load(folder, statement)


def names(artifact: Path) -> list[str]:
    """Returns the names of the models in `artifact`, in the order in which they are shown."""
    return [name for name in KINDS if (artifact / name / "statement.json").is_file()]
