"""The import contract of pure modules: whatever module calls itself pure is held to it.

A module makes the claim in its docstring, by the word pure with a capital letter (or in capitals), so that
the list of pure modules is never written down twice. Used by `lint-imports`;
see `[tool.importlinter]` in pyproject.toml.
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
    """Whether the docstring of a module with this source text says that it is pure."""
    return bool(_CLAIM.search(ast.get_docstring(ast.parse(source)) or ""))


def pure_modules(names: set[str]) -> list[str]:
    """Those of the modules `names` that claim to be pure, in order. Imports none of them."""
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
    """Forbids `forbidden_modules`, directly or through others, to every module that claims to be pure."""

    type_name = "purity"

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    as_packages = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Fills in the source modules, and checks as any contract of forbidden imports does."""
        internal = {name for name in graph.modules if not graph.is_module_squashed(name)}
        # The declared field becomes its value on an instance.
        vars(self)["source_modules"] = {ModuleExpression(name) for name in pure_modules(internal)}
        return super().check(graph, verbose)
