"""`python -m streaming.dashboards [DIRECTORY]`: writes Kibana's import file anew from the source."""

import sys
from pathlib import Path

from streaming.dashboards import kibana, source

EXPORT = Path("kibana/vitrine.ndjson")
"""Within the dashboards' directory."""


def main(directory: Path) -> int:
    """Writes the file; returns the exit code."""
    target = directory / EXPORT
    target.parent.mkdir(exist_ok=True)
    target.write_text(kibana.ndjson(source.load_all(directory).values()), encoding="utf-8")
    print(f"{target} is up to date", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "dashboards")))
