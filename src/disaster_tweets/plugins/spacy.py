"""The spaCy component ``disaster_tweets``: writes the probabilities of a doc to doc.cats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from disaster_tweets.plugins.column import missing

try:
    from spacy.language import Language
    from spacy.pipeline import Pipe
    from spacy.tokens import Doc
    from spacy.training import Example
    from spacy.util import minibatch
except ImportError as error:
    raise missing("spaCy", "spacy") from error


@Language.factory(
    "disaster_tweets",
    assigns=["doc.cats"],
    default_config={"scorer": {"@scorers": "spacy.textcat_scorer.v2"}},
)
class DisasterTweets(Pipe):  # type: ignore[misc]
    """Scores the text of each doc with the model in this package.

    ``doc.cats`` gets a probability in [0, 1] for each label; the probabilities add up to 1,
    and other categories stay. The component has nothing to train or save: a saved pipeline
    contains only its name.
    """

    def __init__(
        self, nlp: Language, name: str, scorer: Callable[..., dict[str, Any]] | None
    ) -> None:
        """Create the component; ``nlp.add_pipe`` calls this.

        Args:
            nlp: The pipeline.
            name: The name of the component in the pipeline.
            scorer: The function for `score`, which receives the labels and, if there are two,
                the positive label; None for no scores.
        """
        self.name = name
        self.scorer = scorer

    @property
    def labels(self) -> tuple[str, ...]:
        """The categories, in the order of the model's labels."""
        return tuple(_manifest()["labels"])

    @property
    def cfg(self) -> dict[str, Any]:
        """Arguments that `score` passes to the scorer besides the labels."""
        return {"positive_label": _manifest()["positive_label"]}

    def __call__(self, doc: Doc) -> Doc:
        """Set the categories of one doc, and return it.

        Raises:
            ArtifactError: A file of the model is missing or damaged.
        """
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the categories of a stream of docs, and yield the docs in order.

        An error in a batch goes to the error handler of the pipeline, which raises unless
        ``nlp.set_error_handler`` changes that.

        Args:
            stream: Docs.
            batch_size: The number of docs in a batch. The scores do not depend on it.
        """
        for docs in minibatch(stream, size=batch_size):
            try:
                self._annotate(docs)
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Return the scorer's results for examples: ``cats_score``, an F1 score, and more.

        With two labels ``cats_score`` is the F1 of the positive label, with more the macro F1.

        Examples whose reference lacks a category are left out, because spaCy would count them
        as wrong. If all lack one, the result is empty, and the equally named scores of another
        text categorizer are not overwritten.
        """
        labels = set(self.labels)
        labelled = [example for example in examples if example.reference.cats.keys() >= labels]
        scores: dict[str, Any] = super().score(labelled, **settings) if labelled else {}
        return scores

    def _annotate(self, docs: Sequence[Doc]) -> None:
        from disaster_tweets.classifier import bundled_classifier

        classifier = bundled_classifier()
        probabilities = classifier.predict_proba([doc.text for doc in docs])
        for doc, row in zip(docs, probabilities.tolist(), strict=True):
            doc.cats.update(zip(classifier.classes_, row, strict=True))


def _manifest() -> dict[str, Any]:
    from disaster_tweets.bundle import bundled_manifest

    return bundled_manifest()
