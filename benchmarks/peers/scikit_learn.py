"""scikit-learn: TF-IDF of words and of characters, and a logistic regression."""

from __future__ import annotations

import pickle
from pathlib import Path

from peer import Peer, Score, read_split


def train(data: Path, folder: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    model = make_pipeline(features, LogisticRegression(max_iter=1000))
    model.fit(*read_split(data, "train"))
    (folder / "model.pickle").write_bytes(pickle.dumps(model))


def load(folder: Path) -> Score:
    model = pickle.loads((folder / "model.pickle").read_bytes())
    return lambda texts: model.predict_proba(texts)[:, 1].tolist()


PEER = Peer(
    title="TF-IDF and logistic regression, scikit-learn",
    label="scikit-learn",
    distribution="scikit-learn",
    requirements=("scikit-learn==1.9.1",),
    train=train,
    load=load,
)

if __name__ == "__main__":
    PEER.main()
