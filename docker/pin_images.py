"""Adds the digest that its registry now gives for the tag to each image of compose.yaml and Dockerfile that
has none. Look at the difference, and keep it: from then on that image and no other is used. Standard library
only; needs `docker buildx`."""

import re
import subprocess
import sys
from pathlib import Path

FILES = ("compose.yaml", "Dockerfile")
OWN = re.compile(r"vitrine(-airflow)?:")
IMAGE = re.compile(r"^(?:\s*image:(?: &\w+)?|FROM) ([^\s*@]+:[^\s@:]+)(@sha256:[0-9a-f]{64})?(?= |$)", re.M)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def images(text: str) -> dict[str, str | None]:
    """Returns the digest of each image that is pulled (None: it has none), by its name and tag."""
    found = {match[1]: match[2] for match in IMAGE.finditer(text)}
    return {image: digest and digest.lstrip("@") for image, digest in found.items() if not OWN.match(image)}


def resolve(image: str) -> str:
    """Asks the image's registry. Raises SystemExit with what docker said if there is no answer."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    digest = done.stdout.strip()
    if done.returncode or not DIGEST.fullmatch(digest):
        sys.exit(f"{' '.join(command[:-2])}: {done.stderr.strip() or digest}")
    return digest


def main(folder: Path) -> None:
    """Changes the files in `folder`; those after an image that cannot be resolved stay as they are."""
    for file in (folder / name for name in FILES):
        text = file.read_text()
        for image, digest in images(text).items():
            if digest is None:
                pinned = f"{image}@{resolve(image)}"
                text = re.sub(rf"{re.escape(image)}(?=\s)", pinned, text)
                print(pinned)
        file.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
