"""Train a Keras model that is cut out of the backbone: the assistant or the student."""

from __future__ import annotations

import json
import os
import platform
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file, save_file

from disaster_tweets.tokenizer import SPECIAL_TOKENS, Tokenizer
from pipeline import encoder
from pipeline.cleaning import clean
from pipeline.optimizer import LazyAdamW
from pipeline.perturbation import perturb
from pipeline.project import BACKBONE, MODELS, PipelineError, Settings, write_text
from pipeline.splits import label_names, target_columns

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

# An upgrade of these packages can change the model's bytes or its scores.
RECORDED_PACKAGES = ("ai-edge-litert", "keras", "numpy", "scikit-learn", "tensorflow")

_KERNEL_FEATURES = frozenset(
    "amx_bf16 amx_int8 amx_tile avx2 avx512f avx512_bf16 avx512_vnni avx_vnni fma".split()
)

_PRECISIONS = {"float32": "STRICT", "bfloat16": "BF16"}  # by parameter: what oneDNN calls it

_BRACKETED = re.compile(r"\[.+\]")  # special and unused pieces, such as [MASK]


def backbone_vocabulary() -> list[str]:
    """Return the word pieces of the backbone, in the order of their ids."""
    model = json.loads((BACKBONE / "tokenizer.json").read_text("utf-8"))["model"]
    ids: dict[str, int] = model["vocab"]
    return sorted(ids, key=ids.__getitem__)


def trim_vocabulary(
    vocabulary: list[str], texts: Iterable[str], most_frequent: int, max_tokens: int
) -> list[int]:
    """Choose the word pieces to keep.

    Args:
        vocabulary: The backbone's pieces; BERT orders them by falling frequency.
        texts: The training texts, cleaned.
        most_frequent: The number of pieces at the top of the vocabulary that are always kept.
        max_tokens: The limit of the tokenizer.

    Returns:
        The ids of the special tokens; then, in the backbone's order, those of all single
        characters, all pieces of ``texts`` and the most frequent pieces.
    """
    tokenizer = Tokenizer(vocabulary, max_tokens)
    seen = {piece for text in texts for piece in tokenizer.encode(text)}
    plain = [i for i, piece in enumerate(vocabulary) if not _BRACKETED.fullmatch(piece)]
    frequent = set(plain[:most_frequent])
    kept = [
        i
        for i in plain
        if i in seen or i in frequent or len(vocabulary[i].removeprefix("##")) == 1
    ]
    return [vocabulary.index(token) for token in SPECIAL_TOKENS] + kept


# The number of batches whose texts are sorted by length together. A smaller number wastes more
# on padding. A larger number makes the order less random.
_POOL = 40


class Batches:
    """Texts and their targets, in batches of texts of similar length.

    Each epoch shuffles the texts again, and perturbs some of them.
    """

    def __init__(
        self,
        texts: Sequence[str],
        targets: np.ndarray,
        tokenizer: Tokenizer,
        settings: Settings,
    ) -> None:
        """Encode the texts.

        Args:
            texts: As people write them.
            targets: (texts, columns). The first columns are those of the labels, in [0, 1].
            tokenizer: Encodes the cleaned texts.
            settings: ``batch_size``, ``perturbed`` (a share of the texts) and ``seed``.

        Raises:
            PipelineError: There are fewer texts than a batch holds.
        """
        if len(texts) < settings["batch_size"]:
            raise PipelineError(
                f"only {len(texts)} texts to train on, but training.batch_size = "
                f"{settings['batch_size']} in params.yaml; choose a smaller one"
            )
        self._texts, self._tokenizer = texts, tokenizer
        self._targets = targets.astype(np.float32)
        self._size: int = settings["batch_size"]
        self._perturbed: float = settings["perturbed"]
        self._seed = settings["seed"]
        self._encoded = [self._encode(text) for text in texts]

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(clean(text))

    @property
    def per_epoch(self) -> int:
        """The number of full batches in an epoch. Each epoch leaves out other texts."""
        return len(self._texts) // self._size

    def dataset(self) -> tf.data.Dataset:
        """Return endless batches.

        A batch has ids (batch, tokens) int32, where 0 is padding, and targets (batch, columns)
        float32.
        """
        signature = (
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, self._targets.shape[1]), tf.float32),
        )
        return tf.data.Dataset.from_generator(self._endless, output_signature=signature)

    def _endless(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order, noise = np.random.default_rng(self._seed), random.Random(self._seed)
        while True:
            encoded = [
                self._encode(perturb(text, noise)) if noise.random() < self._perturbed else ids
                for text, ids in zip(self._texts, self._encoded, strict=True)
            ]
            lengths = np.array([len(ids) for ids in encoded])
            texts = order.permutation(len(encoded))[: self.per_epoch * self._size]
            # Sorted within a few dozen batches, so a batch has texts of similar length.
            for pool in np.array_split(texts, max(1, self.per_epoch // _POOL)):
                pool[:] = pool[np.argsort(lengths[pool], kind="stable")]
            for batch in order.permutation(texts.reshape(self.per_epoch, self._size)):
                ids = np.zeros((len(batch), lengths[batch].max()), np.int32)
                for row, text in enumerate(batch):
                    ids[row, : lengths[text]] = encoded[text]
                yield ids, self._targets[batch]


def in_order(
    texts: Iterable[str], targets: np.ndarray, tokenizer: Tokenizer, batch_size: int
) -> tf.data.Dataset:
    """Return all texts once, in order, with targets (texts, outputs), as `Batches.dataset`."""
    encoded = [tokenizer.encode(clean(text)) for text in texts]
    labels = tf.data.Dataset.from_tensor_slices(targets.astype(np.float32))
    return tf.data.Dataset.zip(padded(encoded, batch_size), labels.batch(batch_size))


def padded(encoded: Sequence[Sequence[int]], batch_size: int) -> tf.data.Dataset:
    """Return ids in order, in batches (batch, tokens) int32, where 0 is padding."""
    ids = tf.data.Dataset.from_tensor_slices(tf.ragged.constant(encoded, tf.int32))
    return ids.ragged_batch(batch_size).map(lambda batch: batch.to_tensor())


def fit(
    model: keras.Model,
    batches: Batches,
    settings: Settings,
    validation: tf.data.Dataset | None = None,
    log: Path | None = None,
    loss: Loss | None = None,
) -> dict[str, float]:
    """Train with AdamW, a warm-up and a cosine decay; return the last loss and metrics.

    All weights decay but biases, normalizations and embeddings.

    Args:
        model: A model whose first outputs are the logits of the labels. It is changed in place.
        batches: The training set.
        settings: ``epochs``, ``learning_rate``, ``warm_up`` (a fraction) and ``weight_decay``.
        validation: Batches on which the model is measured after each epoch.
        log: A CSV file for the measures of each epoch.
        loss: A function of targets and outputs. The default is the cross-entropy of the logits.
    """
    steps = settings["epochs"] * batches.per_epoch
    warm_up = round(settings["warm_up"] * steps)
    optimizer = LazyAdamW(
        learning_rate=keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            decay_steps=steps - warm_up,
            warmup_target=settings["learning_rate"],
            warmup_steps=warm_up,
        ),
        weight_decay=settings["weight_decay"],
        clip=1.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "embeddings"])
    model.compile(
        optimizer,
        loss or cross_entropy(model.outputs[0].shape[1]),
        metrics=[accuracy],
    )
    history = model.fit(
        batches.dataset(),
        steps_per_epoch=batches.per_epoch,
        validation_data=validation,
        epochs=settings["epochs"],
        shuffle=False,  # the batches come shuffled
        callbacks=[keras.callbacks.CSVLogger(log)] if log else [],
        verbose=1 if sys.stdout.isatty() else 2,
    ).history
    return {name: float(values[-1]) for name, values in history.items()}


def cross_entropy(outputs: int) -> Loss:
    """Return the loss of the logits of labels. Two labels have one output."""
    kind = (
        keras.losses.BinaryCrossentropy
        if outputs == 1
        else keras.losses.CategoricalCrossentropy
    )
    loss: Loss = kind(from_logits=True)
    return loss


def accuracy(targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Return whether the likeliest label agrees with the target, hard or soft: (texts, 1).

    Columns after those of the labels, such as features, do not count. A text whose target is
    unknown (NaN) is left out.
    """
    count = outputs_of_labels()
    known = tf.math.is_finite(targets[:, 0])
    targets, outputs = (tf.boolean_mask(x, known) for x in (targets, outputs))
    if count == 1:
        agrees = tf.equal(targets[:, :1] > 0.5, outputs[:, :1] > 0.0)
    else:
        found, right = (tf.argmax(x[:, :count], axis=1) for x in (outputs, targets))
        agrees = tf.equal(found, right)[:, None]
    return tf.cast(agrees, tf.float32)


def outputs_of_labels() -> int:
    """Return the number of outputs for the labels. Two labels have one output."""
    return len(target_columns(len(label_names())))


def processor_features() -> list[str]:
    """Return the processor's instruction sets by which numeric libraries choose kernels.

    The list is empty if the system does not tell them. Only Linux on x86-64 does.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return sorted(_KERNEL_FEATURES.intersection(flags))


def set_up_tensorflow(settings: Settings) -> dict[str, Any]:
    """Make TensorFlow deterministic; return the conditions that the result depends on.

    Args:
        settings: ``seed``, ``threads``, and ``products``: the precision of what an einsum
            multiplies, "float32" or "bfloat16". The sums are float32. A processor without
            instructions for bfloat16 takes float32 anyway.
    """
    # oneDNN reads this when it is first used. It has no other interface in TensorFlow.
    os.environ["ONEDNN_DEFAULT_FPMATH_MODE"] = _PRECISIONS[settings["products"]]
    keras.utils.set_random_seed(settings["seed"])
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return {
        "precision": keras.config.floatx(),
        "products": settings["products"],
        "processor_features": processor_features(),
        "threads": settings["threads"],
        "tools": {"python": ".".join(platform.python_version_tuple()[:2])}
        | {package: version(package) for package in RECORDED_PACKAGES},
    }


def initial_encoder(
    texts: Iterable[str], settings: Settings
) -> tuple[encoder.Tensors, list[str]]:
    """Cut the encoder to be trained out of the backbone.

    Args:
        texts: The training texts, cleaned; their word pieces are kept.
        settings: ``layers``, ``feed_forward``, ``filters``, ``hidden``, ``max_tokens``,
            ``most_frequent_pieces`` and ``seed``.

    Returns:
        The encoder's weights, and its word pieces in the order of their ids.
    """
    vocabulary = backbone_vocabulary()
    positions = settings["max_tokens"]
    kept = trim_vocabulary(vocabulary, texts, settings["most_frequent_pieces"], positions)
    weights = encoder.from_checkpoint(
        load_file(BACKBONE / "model.safetensors"), kept, positions
    )
    return (
        encoder.reduce(
            weights,
            settings["layers"],
            settings["feed_forward"],
            settings["filters"],
            settings["seed"],
            settings["hidden"],
        ),
        [vocabulary[i] for i in kept],
    )


def new_model(
    texts: Iterable[str], settings: Settings
) -> tuple[keras.Model, encoder.Shape, list[str]]:
    """Build the model, and load its weights from the backbone.

    Args:
        texts: As people write them; the vocabulary holds their word pieces.
        settings: Those of `initial_encoder`, ``attention_heads`` and ``dropout``.

    Returns:
        The model, its dimensions, and its word pieces in the order of their ids.
    """
    weights, pieces = initial_encoder(map(clean, texts), settings)
    shape = encoder.Shape.of(weights, settings["attention_heads"], outputs_of_labels())
    model = encoder.build(shape, settings["dropout"])
    encoder.load(model, weights, shape)
    return model, shape, pieces


def save(name: str, model: keras.Model, shape: encoder.Shape, pieces: Sequence[str]) -> None:
    """Write weights and word pieces to models/NAME.safetensors and models/NAME.vocab.txt."""
    MODELS.mkdir(exist_ok=True)
    save_file(encoder.tensors(model, shape), MODELS / f"{name}.safetensors")
    write_text(MODELS / f"{name}.vocab.txt", "".join(f"{piece}\n" for piece in pieces))
