"""No test is left out, and each is run where it can be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import environments, test_runner
from stack.layout import HERE
from stack.machine import CHROMIUM, PROMTOOL
from stack.test_folders import IN_AIRFLOW, KINDS, TOOLS, chosen, folders, tools
from streaming.process.exit_code import InvalidRequest

TESTS = HERE.root / "tests"
FOLDERS = [target.folder for kind in KINDS for target in folders(HERE.root, kind)]


def imported(folder: str) -> Iterator[str]:
    """The packages that the files of a folder import, wherever in them."""
    for file in (TESTS / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (name.name.partition(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_test_is_in_a_known_folder(kind: str) -> None:
    """What stands in no folder of its kind is in no run."""
    found = {file for target in folders(HERE.root, kind) for file in Path(target.argument).rglob("test_*.py")}
    assert found == set((TESTS / kind).rglob("test_*.py"))
    assert {file.relative_to(TESTS).parts[0] for file in TESTS.rglob("test_*.py")} == set(KINDS)


def test_what_a_folder_imports_is_what_it_is_declared_to_need() -> None:
    assert {folder for folder in FOLDERS if "airflow" in imported(folder)} == IN_AIRFLOW
    browsing = {folder for folder in FOLDERS if "playwright" in imported(folder)}
    assert browsing == {folder for folder, tool in TOOLS.items() if tool is CHROMIUM}


def test_what_calls_promtool_is_declared_to() -> None:
    calling = {
        folder
        for folder in FOLDERS
        for file in (TESTS / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value == PROMTOOL.name
    }
    assert calling == {folder for folder, tool in TOOLS.items() if tool is PROMTOOL}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in ("unit/gate/test_decide.py", "unit/dags/test_wiring.py", "e2e/pages/test_login.py"):
        (tmp_path / "tests" / file).parent.mkdir(parents=True)
        (tmp_path / "tests" / file).touch()
    (tmp_path / "tests" / "golden").mkdir()
    return tmp_path


def test_without_pytest_arguments_all_folders_are_run(root: Path) -> None:
    targets, options = chosen(root, (), ())
    assert [target.folder for target in targets] == ["unit/dags", "unit/gate", "e2e/pages"]
    assert [target.environment for target in targets] == ["airflow", "main", "main"]
    assert tools(targets) == [CHROMIUM]
    assert options == []
    assert [target.folder for target in chosen(root, ["e2e"], ["-k", "late"])[0]] == ["e2e/pages"]


def test_a_file_is_run_in_the_environment_of_its_folder(root: Path) -> None:
    words = ["tests/unit/dags/test_wiring.py::test_it[a/b]", "-k", "late", str(root / "tests/unit/gate")]
    targets, options = chosen(root, ["unit"], words)
    assert options == ["-k", "late"]
    assert [(target.folder, target.environment, target.argument) for target in targets] == [
        ("unit/dags", "airflow", words[0]),
        ("unit/gate", "main", words[3]),
    ]
    assert [target.folder for target in chosen(root, (), ["tests/unit"])[0]] == ["unit/dags", "unit/gate"]
    assert len(chosen(root, (), ["tests"])[0]) == 3


@pytest.mark.parametrize(
    "word", ["tests/unit/gate/test_no.py", "tests/e2e/pages/test_login.py", "tests/golden", "tests/unit/no"]
)
def test_a_path_that_is_no_test_of_the_kind_is_refused(root: Path, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        chosen(root, ["unit"], [word])


def collected(monkeypatch: pytest.MonkeyPatch, code: int, *words: str) -> list[test_runner.CheckOutcome]:
    monkeypatch.setattr(test_runner, "_shown", lambda name, command, environment: (code, 0.1, "closing"))
    monkeypatch.setattr(environments, "ensure", lambda layout, name, tell: None)
    return test_runner.run(["unit"], words)


def test_a_run_in_which_nothing_matches_is_no_failure_and_all_of_them_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing = collected(monkeypatch, test_runner.NOTHING_COLLECTED, "-k", "late")
    assert nothing == []
    assert test_runner.as_json(nothing) == {"passed": False, "groups": []}
    assert not any(one.passed for one in collected(monkeypatch, test_runner.NOTHING_COLLECTED))
    matched = collected(monkeypatch, 0, "-k", "late")
    assert [one.name for one in matched] == ["unit (main)", "unit (airflow)"]
    assert all(one.passed for one in matched)
    assert [one.name for one in collected(monkeypatch, 0)][:2] == ["ruff check", "ruff format"]
