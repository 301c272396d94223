"""Where the time of one tweet goes inside the installed package, and how much it computes.

    python benchmarks/operators.py CORE      prints one JSON object, for peers.py

LiteRT's Python package shows no profile of a graph that XNNPACK runs. So the graph is cut: a
group of operators takes what the graph up to its end takes, less what the graph up to its
beginning takes. All cuts run in turn, on the tokens of one tweet of the usual length.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from math import prod
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils
from processor import peak
from tweets import tweets

from disaster_tweets import Classifier, bundle
from disaster_tweets.text import clean
from disaster_tweets.tokenizer import Tokenizer

TWEETS, ROUNDS, INVOCATIONS, WARM_UP = 1000, 9, 40, 5

KINDS = {
    "GATHER": "embeddings",
    "DEQUANTIZE": "embeddings",
    "FULLY_CONNECTED": "matrix products with the weights, int8",
    "RESHAPE": "attention, float",
    "TRANSPOSE": "attention, float",
    "BATCH_MATMUL": "attention, float",
    "SOFTMAX": "attention, float",
    "GELU": "GELU, float",
}
OPERATORS = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()
}
OTHER = "sums and layer normalization, float"


class Graph:
    """The operators of the model that ships."""

    def __init__(self, content: bytes) -> None:
        self._model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        self._graph = self._model.subgraphs[0]
        self._operators, self._outputs = self._graph.operators, self._graph.outputs
        self._buffers = [buffer.data for buffer in self._model.buffers]
        self.names = [self._name(operator) for operator in self._operators]

    def _name(self, operator: Any) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        return OPERATORS[number]

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
        """Return the multiply-adds on a text, of the products with weights and the others."""
        counts: Counter[str] = Counter()
        for name, operator in zip(self.names, self._operators, strict=True):
            if name in ("FULLY_CONNECTED", "BATCH_MATMUL"):
                inner = self._shape(operator.inputs[0], tokens)[-1]
                counts[name] += prod(self._shape(operator.outputs[0], tokens)) * inner
        return counts

    def _shape(self, number: int, tokens: int) -> list[int]:
        tensor = self._graph.tensors[number]
        shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
        return [tokens if size == -1 else int(size) for size in shape]


def groups(names: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the kind of each run of operators of one kind, and where the run ends."""
    end = 0
    for kind, run in groupby(KINDS.get(name, OTHER) for name in names):
        end += len(list(run))
        yield kind, end


def interpreter(model: bytes, tokens: int) -> Interpreter:
    """Return an interpreter that is ready to run on so many tokens."""
    made = Interpreter(model_content=model, num_threads=1)
    resize(made, tokens)
    for detail in made.get_input_details():
        made.set_tensor(detail["index"], np.arange(tokens, dtype=np.int32) + 2)
    return made


def resize(made: Interpreter, tokens: int) -> None:
    for detail in made.get_input_details():
        made.resize_tensor_input(detail["index"], [tokens], strict=True)
    made.allocate_tensors()


def seconds_by_kind(graph: Graph, tokens: int) -> dict[str, float]:
    runs = list(groups(graph.names))
    cuts = [interpreter(graph.cut(end), tokens) for _, end in runs]
    seconds: list[list[float]] = [[] for _ in cuts]
    for _ in range(ROUNDS):
        for measured, made in zip(seconds, cuts, strict=True):
            measured.append(invocation(made))
    by_kind: Counter[str] = Counter()
    before = 0.0
    for (kind, _), measured in zip(runs, seconds, strict=True):
        by_kind[kind] += median(measured) - before
        before = median(measured)
    return by_kind


def invocation(made: Interpreter) -> float:
    """Return the median seconds of one invocation."""
    seconds = []
    for _ in range(WARM_UP + INVOCATIONS):
        start = perf_counter()
        made.invoke()
        seconds.append(perf_counter() - start)
    return median(seconds[WARM_UP:])


def seconds_around(
    texts: list[str], tokenizer: Tokenizer, model: bytes, tokens: int
) -> dict[str, float]:
    """Return what a tweet takes before the graph runs; as a rule the last one was longer."""
    encoding, planning = [], []
    for text in texts:
        start = perf_counter()
        tokenizer.encode(clean(text))
        encoding.append(perf_counter() - start)
    whole = interpreter(model, tokens)
    invoked = invocation(whole)
    for other in list(range(tokens - 5, tokens)) * ROUNDS:
        resize(whole, other)
        whole.invoke()
        start = perf_counter()
        resize(whole, tokens)
        whole.invoke()
        planning.append(perf_counter() - start - invoked)
    return {
        "cleaning and tokenizing": median(encoding),
        "planning memory for another length": median(planning),
    }


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[1])})
    files = bundle.read(bundle.bundled())
    content = files.model if isinstance(files.model, bytes) else files.model.read_bytes()
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
    parts = seconds_around(texts, tokenizer, content, tokens) | seconds_by_kind(graph, tokens)
    print(
        json.dumps(
            {
                "tokens": tokens,
                "one_tweet": median(one_tweet),
                "parts": parts,
                "multiply_adds": graph.multiply_adds(tokens),
                "peak": peak(),
            }
        )
    )


if __name__ == "__main__":
    main()
