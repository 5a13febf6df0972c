"""`python -m streaming.dashboards [DIRECTORY]`: writes Kibana's import files from the declarations."""

import sys
from pathlib import Path

from streaming.dashboards import kibana, source

EXPORT = Path("kibana/vitrine.ndjson")
"""The panels for everyone. The path is relative to the dashboards' directory."""
PERSONS = Path("kibana/persons.ndjson")
"""The panels of single persons, for an administrator to import where only privileged users can see them."""


def exports(directory: Path) -> dict[Path, str]:
    """Returns the content of each import file."""
    dashboards = source.load_all(directory).values()
    return {
        EXPORT: kibana.ndjson(map(source.for_everyone, dashboards)),
        PERSONS: kibana.ndjson([source.of_persons(dashboards)]),
    }


def main(directory: Path) -> int:
    """Writes the files; returns the exit code."""
    for name, text in exports(directory).items():
        target = directory / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(f"{target} is up to date", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "dashboards")))
