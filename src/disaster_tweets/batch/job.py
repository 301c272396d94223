"""A run: rows in, scored rows out, with a checkpoint after each chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from disaster_tweets.batch import FileError
from disaster_tweets.batch.checkpoint import Checkpoint, State
from disaster_tweets.batch.delimited import DelimitedReader
from disaster_tweets.batch.lines import JsonReader, LineReader
from disaster_tweets.batch.parquet import ParquetReader
from disaster_tweets.batch.parquet_part import ParquetPart
from disaster_tweets.batch.part import FilePart, Part, StandardOutput
from disaster_tweets.batch.paths import Paths
from disaster_tweets.batch.rows import Chunk, Options, Position, Reader, Score
from disaster_tweets.batch.source import STANDARD, Source, is_compressed
from disaster_tweets.batch.workers import ChunkScorer

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

Progress = Callable[[int, int], object]  # given all rows, and all bytes of the inputs, so far


class Job:
    """A run, checked and ready.

    Args:
        inputs: Names of files, or ``-``.
        output: Name of a file, or ``-``.
        options: What the output looks like.
        skip: Set broken rows aside, instead of ending at the first.

    Attributes:
        paths: The files that belong to the output.
        done: How far it came, as of the last checkpoint.
        resumed: Rows of it that an earlier run had done.
        to_file: The output is not standard output.

    Raises:
        FileError: An input cannot be read, or the output not be written.
    """

    def __init__(
        self, inputs: Sequence[str], output: str, options: Options, *, skip: bool
    ) -> None:
        self._sources = [Source(name) for name in inputs]
        self._options, self._skip = options, skip
        self._reader = _reader(options, self._sources[-1])
        self._sizes = [source.size() for source in self._sources]
        self.paths = Paths.of(output)
        self.to_file = output != STANDARD
        self.done = Checkpoint()
        self.resumed = 0
        self._headed = False
        for source, size in zip(self._sources, self._sizes, strict=True):
            if size is not None or options.format == "parquet":
                self._reader.check(source)
        if self.to_file:
            self.paths.check()
        self._part, self._rejects = self._parts(is_compressed(output))

    @property
    def size(self) -> int | None:
        """The bytes of all inputs; None where one is a pipe."""
        return None if None in self._sizes else sum(size or 0 for size in self._sizes)

    @property
    def resumable(self) -> bool:
        """Whether it can be continued after an interruption."""
        return self.to_file and self.size is not None

    def run(
        self, classifier: Classifier, jobs: int, *, resume: bool, progress: Progress
    ) -> None:
        """Score the rows that are left, and put the output in place.

        Args:
            classifier: Scores the texts.
            jobs: How many processes do so, where there are many.
            resume: Continue what an earlier run left, if it left anything.
            progress: Called after each chunk.

        Raises:
            FileError: A row is broken, a file cannot be read or written, or what an earlier
                run left does not belong to this one.
        """
        state = State(self.paths.state, self._identity(classifier), self.paths.part)
        try:
            self._begin(state, resume)
            with closing(ChunkScorer(classifier, jobs)) as score:
                self._score(state, score, progress)
        finally:
            for part in (self._part, self._rejects):
                part.close()

    def _begin(self, state: State, resume: bool) -> None:
        if not self.to_file:
            return
        if resume and not self.resumable:
            raise FileError(
                f"{self.paths.part}: an input is a pipe, which cannot be read again; "
                "score it without --resume"
            )
        if self.paths.part.exists():
            if not resume:
                raise FileError(
                    f"{self.paths.part} is left from an interrupted run; "
                    "continue it with --resume or delete it"
                )
            self.done = state.read()
            self.resumed = self.done.rows
        if self.done.output:
            self._part.resume(self.done.output)
            self._headed = True
        if self.done.rejects:
            self._rejects.resume(self.done.rejects)
        state.write(self.done)

    def _score(self, state: State, score: ChunkScorer, progress: Progress) -> None:
        try:
            for chunk, scores in score(self._chunks(), self._left):
                self._check(chunk)
                self._write(chunk, scores)
                if self.to_file:
                    state.write(self.done)
                progress(self.done.rows, self._consumed(chunk))
            self._finish(state)
        except BaseException:
            if self.to_file and not self.done.rows:  # nothing that is worth to be resumed
                with suppress(FileError):
                    self._discard(state)
            raise

    def _chunks(self) -> Iterator[Chunk]:
        start = self.done.position
        for index in range(start.input, len(self._sources)):
            position = start if index == start.input else Position(index)
            yield from self._reader.chunks(self._sources[index], position)

    def _check(self, chunk: Chunk) -> None:
        """Raise FileError at a broken row, unless such rows are set aside."""
        if chunk.broken and not self._skip:
            place, reason = chunk.broken[0]
            resume = "--resume " if self.done.rows and self.resumable else ""
            raise FileError(
                f"{place}: {reason}; repair it, or set such rows aside with "
                f"{resume}--on-error skip"
            )

    def _write(self, chunk: Chunk, scores: list[Score | None]) -> None:
        self._write_head()
        self._part.write(chunk.scored(scores))
        if chunk.broken:
            if not self.done.rejected:
                self._rejects.write(self._reader.rejected_head())
            self._rejects.write(chunk.rejected())
        missing = scores.count(None)
        self.done = Checkpoint(
            position=chunk.end,
            output=self._part.sync(),
            rejects=self._rejects.sync(),
            scored=self.done.scored + len(scores) - missing,
            missing=self.done.missing + missing,
            rejected=self.done.rejected + len(chunk.broken),
        )

    def _write_head(self) -> None:
        if not self._headed:
            self._part.write(self._reader.head())
            self._headed = True

    def _finish(self, state: State) -> None:
        self._write_head()
        parts = (self._rejects, self._part)
        for part in parts:
            part.complete()
        for part in parts:
            part.finish()
        if self.to_file:
            if not self.done.rejected:  # then any that are there are those of an earlier run
                FilePart(self.paths.rejected, self.paths.rejected).discard()
            self._discard(state)

    def _discard(self, state: State) -> None:
        """Remove everything unfinished."""
        self._part.discard()
        self._rejects.discard()
        state.remove()

    def _consumed(self, chunk: Chunk) -> int:
        return chunk.consumed + sum(size or 0 for size in self._sizes[: chunk.end.input])

    def _left(self, chunk: Chunk) -> int | None:
        return None if self.size is None else self.size - self._consumed(chunk)

    def _identity(self, classifier: Classifier) -> dict[str, Any]:
        """Return what must be the same for the run to be continued."""
        return {
            "inputs": [
                {"name": source.name} if size is None else source.identity()
                for source, size in zip(self._sources, self._sizes, strict=True)
            ],
            "options": {**asdict(self._options), "threshold": classifier.threshold},
            "model": classifier.manifest["artifacts"]["model.tflite"]["sha256"],
        }

    def _parts(self, compressed: bool) -> tuple[Part, Part]:
        paths = self.paths
        if not self.to_file:
            return StandardOutput(), StandardOutput()
        if self._options.format == "parquet":
            return (
                ParquetPart(paths.part, paths.output),
                ParquetPart(paths.rejected_part, paths.rejected),
            )
        return (
            FilePart(paths.part, paths.output, compressed),
            FilePart(paths.rejected_part, paths.rejected),
        )


def _reader(options: Options, last: Source) -> Reader:
    if options.format == "parquet":
        return ParquetReader(options)
    if options.format == "jsonl":
        return JsonReader(options, last)
    return (LineReader if options.format == "txt" else DelimitedReader)(options, last)
