"""Our modules that a task imports exist: a DAG file loads without them, and the task would fail at its
run."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = ("streaming", "ml")
FOUND = [
    (file.name, function, statement)
    for file in sorted((ROOT / "dags").glob("*.py"))
    for function in ast.walk(ast.parse(file.read_text()))
    if isinstance(function, ast.FunctionDef) and function.decorator_list
    for statement in function.body
    if isinstance(statement, ast.ImportFrom) and str(statement.module).split(".")[0] in OURS
]


def _source(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def _names(source: Path) -> Iterator[str]:
    """The names that a module defines itself; names that it only imports do not count."""
    for statement in ast.parse(source.read_text()).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Assign):
            yield from (name.id for name in ast.walk(statement) if isinstance(name, ast.Name))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id


def _in_airflow(function: ast.FunctionDef) -> bool:
    """True if the function runs in Airflow's own environment, as these tests do."""
    return not any("external_python" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_every_file_imports_one_of_our_modules() -> None:
    assert {file for file, *_ in FOUND} == {file.name for file in (ROOT / "dags").glob("*.py")}


@pytest.mark.parametrize(
    ("function", "statement"),
    [pytest.param(*found, id=f"{file}: {ast.unparse(found[1])}") for file, *found in FOUND],
)
def test_every_import_of_a_task_exists(function: ast.FunctionDef, statement: ast.ImportFrom) -> None:
    module = str(statement.module)
    for name in (alias.name for alias in statement.names):
        if _source(f"{module}.{name}") is None:
            source = _source(module)
            assert source is not None, module
            assert name in set(_names(source)), f"{module} has no {name} of its own"
        if _in_airflow(function):
            assert hasattr(import_module(module), name) or import_module(f"{module}.{name}")
