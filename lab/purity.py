"""The import contract of pure modules, for `lint-imports` (`[tool.importlinter]` in pyproject.toml).

A module declares that it is pure with the word pure, capitalised or in capitals, in its docstring, so that no
other list of pure modules is needed.
"""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

from grimp import ImportGraph
from importlinter import ContractCheck, fields
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain.imports import ModuleExpression

_CLAIM = re.compile(r"\b(Pure|PURE)\b")


def claims_purity(source: str) -> bool:
    """True if the module docstring in this source text declares purity."""
    return bool(_CLAIM.search(ast.get_docstring(ast.parse(source)) or ""))


def pure_modules(names: set[str]) -> list[str]:
    """Returns those of the modules `names` that declare purity, sorted. Imports none of them."""
    return sorted(name for name in names if (path := _path(name)) and claims_purity(path.read_text()))


def _path(name: str) -> Path | None:
    spec = find_spec(name.partition(".")[0])
    if spec is None or not spec.submodule_search_locations:
        return None
    module = Path(spec.submodule_search_locations[0]).joinpath(*name.split(".")[1:])
    return next(
        (path for path in (module.with_suffix(".py"), module / "__init__.py") if path.is_file()), None
    )


class PurityContract(ForbiddenContract):
    """Forbids every pure module to import `forbidden_modules`, directly or indirectly."""

    type_name = "purity"

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    as_packages = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Sets the source modules to the pure ones, and checks like any contract of forbidden imports."""
        internal = {name for name in graph.modules if not graph.is_module_squashed(name)}
        # The declared field becomes its value on an instance.
        vars(self)["source_modules"] = {ModuleExpression(name) for name in pure_modules(internal)}
        return super().check(graph, verbose)
