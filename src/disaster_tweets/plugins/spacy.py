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

    ``doc.cats`` gets a probability in [0, 1] for each label; they add up to 1, and the other
    categories stay. The component learns nothing and holds nothing: a saved pipeline names it,
    and the model stays in this package.
    """

    def __init__(
        self, nlp: Language, name: str, scorer: Callable[..., dict[str, Any]] | None
    ) -> None:
        """Be called by ``nlp.add_pipe``.

        Args:
            nlp: The pipeline.
            name: The component's name in it.
            scorer: What `score` calls, with the labels and, where they are two, the positive
                one; None for none.
        """
        self.name = name
        self.scorer = scorer

    @property
    def labels(self) -> tuple[str, ...]:
        """The categories, in the order of the model's labels."""
        return tuple(_manifest()["labels"])

    @property
    def cfg(self) -> dict[str, Any]:
        """What `score` gives to the scorer besides the labels."""
        return {"positive_label": _manifest()["positive_label"]}

    def __call__(self, doc: Doc) -> Doc:
        """Set the categories of one doc, and return it.

        Raises:
            ArtifactError: A file of the model is missing or damaged.
        """
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the categories of a stream of docs, and yield them in their order.

        What goes wrong with a batch goes to the pipeline's error handler, which raises unless
        ``nlp.set_error_handler`` says otherwise.

        Args:
            stream: Docs.
            batch_size: How many are taken at a time. The scores do not depend on it.
        """
        for docs in minibatch(stream, size=batch_size):
            try:
                self._annotate(docs)
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Return what the scorer says of examples: ``cats_score``, the F1, and more.

        With two labels it is the F1 of the positive one, with more the mean of all.

        Examples whose reference lacks one of the categories are left out: spaCy would count
        them as wrong. Where all do, nothing is returned, and the scores of another text
        categorizer, which have the same names, stay as they are.
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
