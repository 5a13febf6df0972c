"""Every setting of every component in one list, secrets masked: what `./vitrine settings` prints."""

import importlib
import pkgutil
from typing import Any

from pydantic import SecretStr, ValidationError

import ml
import stack
import streaming
from stack import settings
from streaming.settings import Settings, variable


def _modules() -> list[str]:
    """Returns the modules called `settings` of all packages: by convention they have the settings classes."""
    found = [streaming.settings.__name__, settings.__name__]
    for package in (streaming, ml, stack):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(".settings") and module.name not in found:
                found.append(module.name)
    return found


def classes() -> list[type[Settings]]:
    """Returns every settings class, those of the components first."""
    found: list[type[Settings]] = []
    for name in _modules():
        module = importlib.import_module(name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Settings) and value.__module__ == name:
                found.append(value)
    return [one for one in found if not _is_base(one)]


def _is_base(settings_class: type[Settings]) -> bool:
    """True if only its subclasses have variables: their prefix makes the names."""
    return bool(settings_class.__subclasses__()) and not settings_class.model_config.get("env_prefix")


def rows() -> list[dict[str, Any]]:
    """Returns one object per setting: its variable, current value, default and meaning."""
    # A subclass shares the variables of its base class, which is listed first.
    found = {row["variable"]: row for settings_class in reversed(classes()) for row in _of(settings_class)}
    order = [row["variable"] for settings_class in classes() for row in _of(settings_class)]
    return [found[variable] for variable in dict.fromkeys(order)]


def refused(error: ValidationError) -> list[str]:
    """Returns one line per invalid variable, without its value, which may be a secret. Empty if `error` does
    not come from a settings class."""
    return [
        f"{_variable(settings_class, str(one['loc'][0]))}: {one['msg']}"
        for settings_class in classes()
        if settings_class.__name__ == error.title
        for one in error.errors(include_input=False, include_url=False)
        if one["loc"]
    ]


def _variable(settings_class: type[Settings], name: str) -> str:
    """Returns the variable of the field `name`; an alias already is the variable."""
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
    """Returns the rows as text for people."""
    lines: list[str] = []
    component = ""
    for row in rows:
        if row["component"] != component:
            component = row["component"]
            lines.append(f"\n{component}")
        lines.append(f"  {row['variable']}={row['value']}\n      {row['meaning']}")
    return "\n".join(lines).lstrip("\n")
