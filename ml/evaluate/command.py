"""`./vitrine evaluate`: trains models on one table, tests them on another and prints the figures."""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
import numpy as np

from ml.evaluate.table import Table, TableError, read
from ml.features import schema as schemas
from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.features.schema import Schema, SchemaError
from ml.models import model_store
from ml.privacy import contributions
from ml.privacy.randomness import Randomness, SystemRandomness
from ml.privacy.schema_search import NothingFound, search
from ml.privacy.statement import Budget, PrivacyStatement, Unit
from ml.release.table import Result, fit_and_measure
from streaming.command_failure import carried_out
from streaming.contract.visible import visible
from streaming.process.exit_code import ExitCode, InvalidRequest

NOTE = "Laboratory figures: they are computed exactly on the test rows, so they are not private themselves."
SEARCH_SHARE = 0.2
"""Share of epsilon that finding a schema costs; it also costs half of delta."""
YES = ("1", "true", "yes")


@dataclass(frozen=True)
class Question:
    """The checked arguments and the tables."""

    train: Table
    test: Table
    schema: Schema | None
    target: str
    positive: str | None
    unit_column: str | None
    unit: Unit
    without: tuple[str, ...]
    budgets: tuple[Budget, ...]


def run(arguments: argparse.Namespace) -> int:
    """Returns an ExitCode: INVALID_REQUEST if the tables or arguments cannot be used."""
    return carried_out(partial(_evaluate, arguments))


def _evaluate(arguments: argparse.Namespace) -> int:
    try:
        question = _question(arguments)
        results = _answer(question, SystemRandomness())
    except (TableError, SchemaError, NothingFound, ValueError) as error:
        raise InvalidRequest(str(error)) from error
    if arguments.json:
        document = {
            "laboratory": True,
            "note": NOTE,
            "schema": question.schema.name if question.schema else None,
            "unit": question.unit.name,
            "train_rows": len(question.train),
            "test_rows": len(question.test),
            "results": results,
        }
        print(visible(msgspec.json.encode(document).decode()))
    else:
        _print_table(results)
    return ExitCode.DONE


def _question(arguments: argparse.Namespace) -> Question:
    schema = schemas.load(arguments.schema) if arguments.schema else None
    train, test = read(arguments.train), read(arguments.test)
    unit_column = arguments.unit or (schema.unit if schema and schema.unit in train.columns else None)
    if schema is not None:
        schema = msgspec.structs.replace(schema, target=arguments.target, unit=unit_column)
        unknown = set(arguments.without) - {feature.name for feature in schema.features}
        if unknown:
            raise SchemaError(f"--without {', '.join(sorted(unknown))}: not in the schema {schema.name}")
        schema = schema.without(*arguments.without)
    needed = [arguments.target, *([unit_column] if unit_column else [])]
    train.require([*needed, *(feature.name for feature in (schema.features if schema else ()))])
    test.require([arguments.target, *(feature.name for feature in (schema.features if schema else ()))])
    name = (schema.unit_is_called if schema else unit_column) if unit_column else "row"
    most = arguments.most_rows if unit_column else 1
    if most < 1:
        raise ValueError("--most-rows must be at least 1")
    return Question(
        train=train,
        test=test,
        schema=schema,
        target=arguments.target,
        positive=arguments.positive or (schema.positive if schema else None),
        unit_column=unit_column,
        unit=Unit(name or "row", most),
        without=tuple(arguments.without),
        budgets=tuple(_budget(epsilon, arguments.delta) for epsilon in arguments.epsilon),
    )


def _budget(epsilon: float, delta: float) -> Budget:
    if not (math.isfinite(epsilon) and 0.01 <= epsilon <= 100):
        raise ValueError(f"--epsilon {epsilon:g}: must be between 0.01 and 100")
    if not 0 < delta < 0.1:
        raise ValueError(f"--delta {delta:g}: must be above 0 and below 0.1")
    return Budget(epsilon, delta)


def _answer(question: Question, randomness: Randomness) -> list[Result]:
    train_y = _labels(question.train, question)
    test_y = _labels(question.test, question)
    if train_y.min() == train_y.max():
        _say("all training rows are of one class: the models can only learn how common it is")
    results: list[Result] = []
    for budget in question.budgets:
        schema, left = question.schema, budget
        if schema is None:
            schema, left = _found(question, budget, randomness)
        encoding = Encoding(schema)
        train = Rows(encoding.encode(question.train.columns), train_y, _units(question))
        test = Rows(encoding.encode(question.test.columns), test_y, np.arange(len(test_y)))
        kinds = [*model_store.PRIVATE, model_store.BASELINE]
        if not any(result.epsilon is None for result in results):
            kinds.insert(0, model_store.NON_PRIVATE)  # the same at every epsilon
        fitted = fit_and_measure(
            kinds, train, test, encoding, left, question.unit, randomness, progress=_report
        )
        results.extend(fitted if left is budget else [_with_search(one, budget, schema) for one in fitted])
    return results


def _found(question: Question, budget: Budget, randomness: Randomness) -> tuple[Schema, Budget]:
    """Finds a schema for the columns that both tables have; returns it and the budget that is left."""
    cost = Budget(SEARCH_SHARE * budget.epsilon, budget.delta / 2)
    left = Budget(budget.epsilon - cost.epsilon, budget.delta - cost.delta)
    aside = {question.target, question.unit_column, *question.without}
    kept = contributions.bounded(_positions(question), question.unit.most_rows, randomness)
    at = kept.x[:, 0].astype(np.int64)
    columns = {
        name: [cells[k] for k in at]
        for name, cells in question.train.columns.items()
        if name not in aside and name in question.test.columns
    }
    if not columns:
        raise TableError("the tables have no column in common that could be learned from")
    schema = search(
        columns,
        question.target,
        question.positive or "",
        contributions.weights(kept.unit),
        cost,
        question.unit,
        randomness,
    )
    _say(f"found {len(schema.features)} of {len(columns)} columns for a fifth of epsilon {budget.epsilon:g}")
    return schema, left


def _positions(question: Question) -> Rows:
    """Returns rows whose only input is their row number, to bound contributions before anything is
    encoded."""
    place = np.arange(len(question.train), dtype=np.float64)[:, None]
    return Rows(place, np.zeros(len(place), dtype=np.int8), _units(question))  # type: ignore[arg-type]


def _with_search(result: Result, budget: Budget, schema: Schema) -> Result:
    statement: PrivacyStatement = result.statement
    if statement.private:
        statement = replace(
            statement,
            epsilon=budget.epsilon,
            delta=budget.delta,
            composition=(
                f"{statement.composition} Before that, ({SEARCH_SHARE * budget.epsilon:g}, "
                f"{budget.delta / 2:g}) went into finding bounds and words by noisy histograms; the two "
                "costs are added."
            ),
            public=("the names of the columns", "all hyper-parameters"),
        )
    asked = None if result.epsilon is None else budget.epsilon
    return msgspec.structs.replace(result, epsilon=asked, statement=statement)


def _units(question: Question) -> Any:
    if question.unit_column is None:
        return np.arange(len(question.train))
    _, numbered = np.unique(question.train.columns[question.unit_column], return_inverse=True)
    return numbered.astype(np.int64)


def _labels(table: Table, question: Question) -> Any:
    cells = table.columns[question.target]
    if question.positive is not None:
        return labels(cells, question.positive)
    return np.array([cell.lower() in YES for cell in cells], dtype=np.int8)


def _report(result: Result) -> None:
    auc = "undefined" if result.roc_auc is None else f"{result.roc_auc:.3f}"
    at = "without privacy" if result.epsilon is None else f"at epsilon {result.epsilon:g}"
    _say(f"{result.model} {at}: ROC AUC {auc}, {result.seconds:.1f} s")


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr, flush=True)


def _print_table(results: Sequence[Result]) -> None:
    head = ("model", "epsilon", "ROC AUC", "avg prec", "accuracy", "F1", "cal err", "seconds", "private")
    print(f"{head[0]:22}" + "".join(f"{cell:>10}" for cell in head[1:]))
    for one in results:
        figures = (one.roc_auc, one.average_precision, one.accuracy, one.f1, one.calibration_error)
        cells = [
            "-" if one.epsilon is None else f"{one.epsilon:g}",
            *("-" if figure is None else f"{figure:.3f}" for figure in figures),
            f"{one.seconds:.1f}",
            "yes" if one.private else "no",
        ]
        print(f"{one.model:22}" + "".join(f"{cell:>10}" for cell in cells))
    print(NOTE)
