"""The contract of pure modules finds planted faults, and only those."""

from pathlib import Path

import pytest
from grimp import build_graph
from importlinter import ContractCheck, configuration

from lab.purity import PurityContract, claims_purity, pure_modules

PURE = '"""Sums. Pure."""\n'
ADAPTER = '"""Asks the server."""\nimport redis\n'


@pytest.mark.parametrize(
    ("docstring", "claims"),
    [
        ("Sums. Pure.", True),
        ("Pure: the same in, the same out.", True),
        ("Pure but for the clock.", True),
        ("Pure, and quick.", True),
        ("Pure arithmetic.", True),
        ("PURE: sums.", True),
        ("Decides (pure) and writes.", False),
        ("Impure.", False),
        ("Purely so.", False),
    ],
)
def test_a_module_claims_purity_by_a_sentence_of_its_docstring(docstring: str, claims: bool) -> None:
    assert claims_purity(f'"""{docstring}"""\nimport redis\n') is claims


def test_the_word_elsewhere_claims_nothing() -> None:
    assert not claims_purity('WORD = "Pure."  # Pure.\n')
    assert not claims_purity("def pure() -> None:\n" + '    """Pure."""\n')


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ContractCheck:
    """What the contract says about a package of the modules that the test gives, by name and source."""
    # A name of its own for each: packages stay known to the interpreter.
    package = f"planted_{abs(hash(request.node.name))}"
    (tmp_path / package).mkdir()
    for name, source in {"__init__": "", **request.param}.items():
        file = (tmp_path / package).joinpath(*name.split(".")).with_suffix(".py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(source.replace("PACKAGE", package))
    monkeypatch.syspath_prepend(str(tmp_path))
    configuration.configure()
    graph = build_graph(package, include_external_packages=True, cache_dir=None)
    contract = PurityContract(
        name="purity",
        session_options={"root_packages": [package], "include_external_packages": True},
        contract_options={"forbidden_modules": ["redis"]},
    )
    return contract.check(graph, verbose=False)


@pytest.mark.parametrize(
    "checked",
    [
        {"sums": PURE + "import redis\n"},
        {"sums": PURE + "from redis import Redis\n"},
        {"sums": PURE + "def late() -> None:\n    import redis\n"},
        {"sums": PURE + "from PACKAGE import adapter\n", "adapter": ADAPTER},
        {
            "sums": PURE + "from PACKAGE.between import ask\n",
            "between": "from PACKAGE.adapter import ask\n",
            "adapter": ADAPTER,
        },
        {"deep.__init__": PURE + "from PACKAGE import adapter\n", "adapter": ADAPTER},
    ],
    ids=["at once", "a name of it", "in a function", "through another", "through two", "a package"],
    indirect=True,
)
def test_a_pure_module_that_reaches_a_client_library_is_found(checked: ContractCheck) -> None:
    assert not checked.kept


@pytest.mark.parametrize(
    "checked",
    [
        {"sums": PURE + "import math\n", "adapter": ADAPTER},
        {"sums": '"""Sums."""\nfrom PACKAGE import adapter\n', "adapter": ADAPTER},
        # It is the adapter that knows the pure one.
        {"sums": PURE, "adapter": ADAPTER + "from PACKAGE import sums\n"},
        # What stands inside a pure package answers for itself.
        {"deep.__init__": PURE, "deep.adapter": ADAPTER},
    ],
    ids=["beside an adapter", "no claim", "known to an adapter", "an adapter below"],
    indirect=True,
)
def test_every_other_import_is_allowed(checked: ContractCheck) -> None:
    assert checked.kept


def test_the_contract_of_this_project_reaches_its_pure_modules() -> None:
    assert pure_modules({"streaming.gate.decide", "streaming.gate.stage", "lab.purity"}) == [
        "streaming.gate.decide"
    ]
