"""Where the time of one tweet goes inside the installed package, and how much it computes.

    python benchmarks/operators.py CORE      prints one JSON object, for peers.py

LiteRT's Python package shows no profile of a graph that XNNPACK runs. So the graph is cut: a
run of operators of one kind takes what the graph up to its end takes, less what the graph up to
its beginning takes. All cuts run in turn, on the tokens of one tweet of the usual length. As a
cut graph has more to hand out and may be planned otherwise, a difference of a few microseconds
says little, and may be below zero.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from math import prod
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils
from processor import peak
from tweets import tweets

from disaster_tweets import Classifier, bundle
from disaster_tweets.text import Cleaner
from disaster_tweets.tokenizer import Tokenizer

TWEETS, ROUNDS, INVOCATIONS, WARM_UP, PLANNINGS = 1000, 25, 100, 20, 100

PRODUCTS, CONVOLUTION = "products of the layers, int8", "product with the filters, int8"
SUMS, ATTENTION = "sums and layer normalization, float", "attention, float"
WINDOWS = "windows of tokens, float"
KINDS = {
    "GATHER": "embeddings, and the call of the graph",
    "DEQUANTIZE": "embeddings, and the call of the graph",
    **dict.fromkeys(("ADD", "SUB", "MUL", "MEAN", "SQUARED_DIFFERENCE", "RSQRT"), SUMS),
    "FULLY_CONNECTED": PRODUCTS,
    **dict.fromkeys(("RESHAPE", "TRANSPOSE", "BATCH_MATMUL", "SOFTMAX"), ATTENTION),
    "GELU": "GELU, float",
    **dict.fromkeys(("PAD", "STRIDED_SLICE", "CONCATENATION"), WINDOWS),
}
POOLING = "pooling, hidden units and the logit"
OPERATORS = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()
}


class Graph:
    """The operators of the model that ships."""

    def __init__(self, content: bytes) -> None:
        self._model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        self._graph = self._model.subgraphs[0]
        self._operators, self._outputs = self._graph.operators, self._graph.outputs
        self._buffers = [buffer.data for buffer in self._model.buffers]
        self.kinds = list(self._kinds())

    def _name(self, operator: Any) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        return OPERATORS[number]

    def _kinds(self) -> Iterator[str]:
        """Yield the kind of each operator; those after the last row of a token are POOLING."""
        pooling = max(
            i for i, made in enumerate(self._operators) if self._rows(made.outputs[0]) == -1
        )
        previous = ""
        for number, name in enumerate(map(self._name, self._operators)):
            if name not in KINDS and number <= pooling:
                sys.exit(f"error: KINDS does not know {name}, an operator of the graph")
            kind = POOLING if number > pooling else KINDS[name]
            if kind == PRODUCTS and previous == WINDOWS:
                kind = CONVOLUTION
            yield kind
            previous = kind

    def cut(self, end: int) -> bytes:
        """Return the model up to an operator; its outputs are what those after it read."""
        kept, rest = self._operators[:end], self._operators[end:]
        read = {tensor for operator in rest for tensor in operator.inputs} | set(self._outputs)
        made = [tensor for operator in kept for tensor in operator.outputs]
        used = {self._graph.tensors[t].buffer for operator in kept for t in operator.inputs}
        self._graph.operators = kept
        self._graph.outputs = [tensor for tensor in made if tensor in read]
        for number, (buffer, data) in enumerate(
            zip(self._model.buffers, self._buffers, strict=True)
        ):
            buffer.data = data if number in used else None
        self._model.signatureDefs = []  # they name the outputs of the whole
        return bytes(flatbuffer_utils.convert_object_to_bytearray(self._model))

    def multiply_adds(self, tokens: int) -> dict[str, int]:
        """Return the multiply-adds of the matrix products on a text, by kind."""
        counts: Counter[str] = Counter()
        for kind, operator in zip(self.kinds, self._operators, strict=True):
            if self._name(operator) in ("FULLY_CONNECTED", "BATCH_MATMUL"):
                inner = self._shape(operator.inputs[0], tokens)[-1]
                counts[kind] += prod(self._shape(operator.outputs[0], tokens)) * inner
        return counts

    def _rows(self, number: int) -> int:
        """Return the first size of a matrix, -1 for one row a token; 0 for all else."""
        shape = self._shape(number, -1)
        return shape[0] if len(shape) == 2 else 0

    def _shape(self, number: int, tokens: int) -> list[int]:
        tensor = self._graph.tensors[number]
        shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
        return [tokens if size == -1 else int(size) for size in shape]


def runs(kinds: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the kind of each run of operators of one kind, and where the run ends."""
    end = 0
    for kind, run in groupby(kinds):
        end += len(list(run))
        yield kind, end


def interpreter(model: bytes, tokens: int) -> Interpreter:
    """Return an interpreter that is ready to run on so many tokens."""
    made = Interpreter(model_content=model, num_threads=1)
    resize(made, tokens)
    return made


def resize(made: Interpreter, tokens: int) -> None:
    for detail in made.get_input_details():
        made.resize_tensor_input(detail["index"], [tokens], strict=True)
    made.allocate_tensors()
    for detail in made.get_input_details():
        made.set_tensor(detail["index"], np.arange(tokens, dtype=np.int32))


def seconds_by_kind(graph: Graph, tokens: int) -> dict[str, list[float]]:
    """Return the seconds of each kind of operators, a value for each round."""
    cuts = [(kind, interpreter(graph.cut(end), tokens)) for kind, end in runs(graph.kinds)]
    seconds: dict[str, list[float]] = {kind: [0.0] * ROUNDS for kind, _ in cuts}
    for number in range(ROUNDS):
        before = 0.0
        for kind, made in cuts:
            until = invocation(made)
            seconds[kind][number] += until - before
            before = until
    return seconds


def invocation(made: Interpreter) -> float:
    """Return the median seconds of one invocation."""
    seconds = []
    for _ in range(WARM_UP + INVOCATIONS):
        start = perf_counter()
        made.invoke()
        seconds.append(perf_counter() - start)
    return median(seconds[WARM_UP:])


def seconds_of_encoding(texts: list[str], clean: Cleaner, tokenizer: Tokenizer) -> list[float]:
    seconds = []
    for text in texts:
        start = perf_counter()
        tokenizer.encode(clean(text))
        seconds.append(perf_counter() - start)
    return seconds


def seconds_of_planning(model: bytes, tokens: int) -> list[float]:
    """Return what a text costs more than an invocation, as the last one was shorter."""
    whole = interpreter(model, tokens)
    seconds = []
    for number in range(PLANNINGS):
        resize(whole, tokens - 1 - number % 5)
        whole.invoke()
        start = perf_counter()
        resize(whole, tokens)
        whole.invoke()
        took = perf_counter() - start
        seconds.append(took - invocation(whole))
    return seconds


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[1])})
    files = bundle.read(bundle.bundled())
    content = files.model if isinstance(files.model, bytes) else files.model.read_bytes()
    clean = Cleaner(files.manifest["reads"])
    tokenizer = Tokenizer(files.vocabulary, files.manifest["max_tokens"])
    texts = tweets(TWEETS, seed=6)
    lengths = [len(tokenizer.encode(clean(text))) for text in texts]
    tokens = round(median(lengths))

    classifier = Classifier.load()
    one_tweet = []
    for text, length in zip(texts, lengths, strict=True):
        start = perf_counter()
        classifier.predict(text)
        if length == tokens:
            one_tweet.append(perf_counter() - start)

    graph = Graph(content)
    parts = {
        "cleaning and tokenizing": seconds_of_encoding(texts, clean, tokenizer),
        "planning memory for another length": seconds_of_planning(content, tokens),
        **seconds_by_kind(graph, tokens),
    }
    print(
        json.dumps(
            {
                "tokens": tokens,
                "one_tweet": median(one_tweet),
                "parts": {name: quantiles(seconds, n=4) for name, seconds in parts.items()},
                "multiply_adds": graph.multiply_adds(tokens),
                "peak": peak(),
            }
        )
    )


if __name__ == "__main__":
    main()
