"""Every setting of every component in one list, without secrets: what `./vitrine settings` prints."""

import importlib
import importlib.util
import pkgutil
from typing import Any

from pydantic import SecretStr, ValidationError

import ml
import streaming
from stack import settings
from streaming.settings import Settings, variable


def _modules() -> list[str]:
    """The modules called `settings` of all rooms: by convention they hold the settings objects."""
    found = [streaming.settings.__name__, settings.__name__]
    for package in (streaming, ml):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if module.ispkg and importlib.util.find_spec(f"{module.name}.settings"):
                found.append(f"{module.name}.settings")
    return found


def classes() -> list[type[Settings]]:
    """Every settings class, those of the components first."""
    found: list[type[Settings]] = []
    for name in _modules():
        module = importlib.import_module(name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Settings) and value.__module__ == name:
                found.append(value)
    return [found_class for found_class in found if found_class is not Settings]


def rows() -> list[dict[str, Any]]:
    """One object a setting: the variable, its value as it is now, its default and its meaning."""
    # A class that extends another shares the variables of that one, which is listed first.
    found = {row["variable"]: row for settings_class in reversed(classes()) for row in _of(settings_class)}
    order = [row["variable"] for settings_class in classes() for row in _of(settings_class)]
    return [found[variable] for variable in dict.fromkeys(order)]


def refused(error: ValidationError) -> list[str]:
    """What is wrong with which variable, a line each; never the value, which may be a secret. Nothing if
    `error` is of no settings."""
    return [
        f"{_variable(settings_class, str(one['loc'][0]))}: {one['msg']}"
        for settings_class in classes()
        if settings_class.__name__ == error.title
        for one in error.errors(include_input=False, include_url=False)
        if one["loc"]
    ]


def _variable(settings_class: type[Settings], name: str) -> str:
    """The variable of the field called `name`; an alias is one already."""
    return variable(settings_class, name) if name in settings_class.model_fields else name


def _of(settings_class: type[Settings]) -> list[dict[str, Any]]:
    values = settings_class()
    return [
        {
            "component": settings_class.__name__.removesuffix("Settings"),
            "variable": variable(settings_class, name),
            "value": _shown(getattr(values, name)),
            "default": None if field.is_required() else _shown(field.default),
            "meaning": field.description or "",
        }
        for name, field in settings_class.model_fields.items()
    ]


def _shown(value: object) -> object:
    if isinstance(value, SecretStr):
        return "**********" if value.get_secret_value() else ""
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def text(rows: list[dict[str, Any]]) -> str:
    """The same for people."""
    lines: list[str] = []
    component = ""
    for row in rows:
        if row["component"] != component:
            component = row["component"]
            lines.append(f"\n{component}")
        lines.append(f"  {row['variable']}={row['value']}\n      {row['meaning']}")
    return "\n".join(lines).lstrip("\n")
