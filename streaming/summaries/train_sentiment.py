"""`python -m streaming.summaries.train_sentiment FILE...`: trains sentiment.json on labelled sentences.

Each file is one domain; a line is a sentence, a tab and 0 or 1. For each domain it prints the accuracy of a
model trained on the other domains, and that of VADER alone. Then it trains on all domains and writes the
coefficients.
"""

import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from streaming.summaries.sentiment import Model, evidence, named, ngrams

SOURCE = "Sentiment Labelled Sentences, Kotzias et al. 2015, UCI Machine Learning Repository, CC BY 4.0"
MIN_SENTENCES = 2
"""An n-gram that is in one sentence only is not kept: it describes that sentence, not the language."""


Labelled = tuple[list[str], list[int]]


def read(path: Path) -> Labelled:
    """Returns the sentences of a file and whether each is positive; skips lines without a label."""
    rows = [line.rpartition("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    labelled = [(text.strip(), int(label)) for text, _, label in rows if label.strip() in {"0", "1"}]
    return [text for text, _ in labelled], [label for _, label in labelled]


def learn(domains: Iterable[Labelled]) -> Model:
    """Returns the coefficients, rounded to four decimals."""
    texts, positive = (list(chain.from_iterable(of)) for of in zip(*domains, strict=True))
    words = TfidfVectorizer(analyzer=ngrams, min_df=MIN_SENTENCES, sublinear_tf=True)
    columns = hstack([words.fit_transform(texts), csr_matrix(np.array([evidence(text) for text in texts]))])
    regression = LogisticRegression(C=1.0, max_iter=3_000).fit(columns, positive)
    coefficients = [round(float(weight), 4) for weight in regression.coef_[0]]
    known = len(words.vocabulary_)
    return Model(
        source=SOURCE,
        bias=round(float(regression.intercept_[0]), 4),
        evidence=coefficients[known:],
        ngrams={
            ngram: (round(float(words.idf_[column]), 4), coefficients[column])
            for ngram, column in sorted(words.vocabulary_.items())
        },
    )


def main() -> int:
    """Trains on the files that the arguments name, and evaluates on held-out domains."""
    domains = {path.stem: read(path) for path in map(Path, sys.argv[1:])}
    for kept_back, (texts, labels) in domains.items():
        model = learn(domain for name, domain in domains.items() if name != kept_back)
        answers = [named(model, text) for text in texts]
        scores = np.array([score for _, score in answers])
        stated = np.array(labels) * 2 - 1
        right = np.sign(scores) == stated
        as_named = right & np.array([sentiment != "neutral" for sentiment, _ in answers])
        alone = np.sign([evidence(text)[0] for text in texts]) == stated
        print(
            f"{kept_back} held out: {right.mean():.3f} by sign, {as_named.mean():.3f} as classified, "
            f"VADER alone {alone.mean():.3f}"
        )
    model = learn(domains.values())
    Path(__file__).with_name("sentiment.json").write_bytes(msgspec.json.encode(model))
    print(f"{len(model.ngrams):,} n-grams kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
