"""Run a bulk job: rows in, scored rows out, with a checkpoint after each chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disaster_tweets.batch import ContinueError, UnfinishedError
from disaster_tweets.batch.checkpoint import Checkpoint, State
from disaster_tweets.batch.paths import Paths
from disaster_tweets.batch.workers import ChunkScorer
from disaster_tweets.bundle import CALIBRATION, MODEL, VOCABULARY
from disaster_tweets.tables.columns import check_room
from disaster_tweets.tables.errors import RowError, TableError
from disaster_tweets.tables.formats import ARROW, DELIMITED, PARQUET, TXT, XLSX, of_name
from disaster_tweets.tables.parts import (
    FilePart,
    Part,
    SpooledOutput,
    StandardOutput,
    WorkbookPart,
)
from disaster_tweets.tables.reading import open_table
from disaster_tweets.tables.rows import Chunk, NewColumns, Notify, Position, Reading, Score
from disaster_tweets.tables.source import STANDARD, Source
from disaster_tweets.tables.writers import SameFormat, writer_for

if TYPE_CHECKING:
    from disaster_tweets.classifier import Classifier

Progress = Callable[[int, int], object]  # receives the rows and the input bytes done so far

# The keys of the manifest, and the files of the model, that determine the scores.
_MODEL_KEYS = ("labels", "reads", "max_tokens", "calibration")
_HASHED = (MODEL, VOCABULARY, CALIBRATION)


@dataclass(frozen=True)
class Options:
    """The options that determine the output, apart from the scores.

    Attributes:
        reading: The format of the inputs, and options for reading.
        output_format: The format of the output.
        new: The columns for the scores.
    """

    reading: Reading
    output_format: str
    new: NewColumns


class Job:
    """A bulk scoring job, checked and ready to run.

    Args:
        inputs: Names of files, or ``-`` for standard input.
        output: Name of a file, or ``-`` for standard output.
        options: The form of the output.
        skip: Write unreadable rows to a file of their own, instead of stopping at the first.
        notify: Receives a line about each assumption about the inputs.

    Attributes:
        paths: The paths of the output and the files beside it.
        done: The progress as of the last checkpoint.
        resumed: Number of rows that an earlier run scored.
        to_file: The output is not standard output.
        refused: The unreadable row that stopped the run and that ``skip`` would set aside.

    Raises:
        TableError: An input cannot be read, or the output cannot be written.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        output: str,
        options: Options,
        *,
        skip: bool,
        notify: Notify,
    ) -> None:
        self._sources = [Source(name) for name in inputs]
        self._options, self._skip = options, skip
        reading, written = options.reading, options.output_format
        # The archives of social networks are JavaScript files, as their name says.
        scripts = {name.lower().endswith(".js") for name in (*inputs, output)}
        as_is = len(inputs) == 1 and len(scripts) == 1
        # Only these formats need all columns before the first row.
        tabular = written in (*DELIMITED, PARQUET, ARROW, XLSX)
        self._reader = open_table(
            reading, options.new, notify, self._sources[-1], tabular=tabular
        )
        self._writer = writer_for(
            self._reader,
            reading.format,
            written,
            options.new,
            self._sources[0].title,
            header=reading.header,
            as_is=as_is,
        )
        self._sizes = [source.size() for source in self._sources]
        self.paths = Paths.of(output)
        self.to_file = output != STANDARD
        self.done = Checkpoint()
        self.resumed = 0
        self.refused: RowError | None = None
        self._header_written = False
        if reading.format == TXT:
            title = self._sources[0].title
            check_room(options.new, self._reader.columns, self._reader.columns[0], file=title)
        for source, size in zip(self._sources, self._sizes, strict=True):
            if size is not None:
                self._reader.check(source)
        if self.to_file:
            self.paths.check()
        self._part, self._rejects = self._parts(of_name(output).compression)

    @property
    def size(self) -> int | None:
        """The size of all inputs in bytes; None if one is a pipe."""
        return None if None in self._sizes else sum(size or 0 for size in self._sizes)

    @property
    def resumable(self) -> bool:
        """Whether the run can be continued after an interruption."""
        return self.to_file and self.size is not None

    def run(
        self, classifier: Classifier, jobs: int, *, resume: bool, progress: Progress
    ) -> None:
        """Score the remaining rows, and put the output in place.

        Args:
            classifier: The classifier.
            jobs: The largest number of worker processes.
            resume: Continue an earlier run if it left an unfinished output.
            progress: Called after each chunk.

        Raises:
            TableError: A row is broken, or a file cannot be read or written.
            RunError: An unfinished output is in the way, or belongs to a different run.
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
            raise ContinueError(
                f"{self.paths.part}: an input is a pipe, which cannot be read again; start anew"
            )
        if self.paths.part.exists():
            if not resume:
                raise UnfinishedError(f"{self.paths.part} is left from an interrupted run")
            self.done = state.read()
            self.resumed = self.done.rows
        if self.done.output:
            self._part.resume(self.done.output)
            self._header_written = True
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
            # There is nothing worth resuming, or the run cannot be resumed.
            if self.to_file and not (self.done.rows and self.resumable):
                with suppress(TableError):
                    self._discard(state)
            raise

    def _chunks(self) -> Iterator[Chunk]:
        start = self.done.position
        for index in range(start.input, len(self._sources)):
            position = start if index == start.input else Position(index)
            yield from self._reader.chunks(self._sources[index], position)

    def _check(self, chunk: Chunk) -> None:
        """Raise RowError at an unreadable row, unless ``skip`` is set."""
        if chunk.broken and not self._skip:
            self.refused = chunk.broken[0]
            raise self.refused

    def _write(self, chunk: Chunk, scores: list[Score | None]) -> None:
        self._write_header()
        first = not (self.done.scored or self.done.missing)
        self._part.write(self._writer.rows(chunk, scores, first=first))
        if chunk.broken:
            if not self.done.rejected:
                self._rejects.write(self._reader.rejected_header())
            self._rejects.write(chunk.rejected())
        missing = scores.count(None)
        self.done = Checkpoint(
            position=chunk.end,
            output=self._part.sync(),
            rejects=self._rejects.sync(),
            scored=self.done.scored + len(scores) - missing,
            missing=self.done.missing + missing,
            rejected=self.done.rejected + len(chunk.broken),
            cut=self.done.cut + sum(score is not None and score.cut for score in scores),
            foreign=self.done.foreign + sum(s is not None and s.foreign for s in scores),
        )

    def _write_header(self) -> None:
        if not self._header_written:
            self._part.write(self._writer.header())
            self._header_written = True

    def _finish(self, state: State) -> None:
        self._write_header()
        footer = self._writer.footer()
        if len(footer):
            self._part.write(footer)
        parts = (self._rejects, self._part)
        for part in parts:
            part.complete()
        for part in parts:
            part.finish()
        if self.to_file:
            if not self.done.rejected:  # a file that exists now is from an earlier run
                FilePart(self.paths.rejected, self.paths.rejected).discard()
            self._discard(state)

    def _discard(self, state: State) -> None:
        """Remove all unfinished files."""
        self._part.discard()
        self._rejects.discard()
        state.remove()

    def _consumed(self, chunk: Chunk) -> int:
        return chunk.consumed + sum(size or 0 for size in self._sizes[: chunk.end.input])

    def _left(self, chunk: Chunk) -> int | None:
        return None if self.size is None else self.size - self._consumed(chunk)

    def _identity(self, classifier: Classifier) -> dict[str, Any]:
        """Return the identity of the run, which a resumed run must share."""
        return {
            "inputs": [
                {"name": source.name} if size is None else source.identity()
                for source, size in zip(self._sources, self._sizes, strict=True)
            ],
            "options": {
                **_as_json(asdict(self._options.reading)),
                "output_format": self._options.output_format,
                **asdict(self._options.new),
                "threshold": classifier._threshold,
            },
            "model": {
                **{name: classifier.manifest[name] for name in _MODEL_KEYS},
                "files": [classifier.manifest["artifacts"][name]["sha256"] for name in _HASHED],
            },
        }

    def _parts(self, compressed: str | None) -> tuple[Part, Part]:
        """Return the output and the file of rejected rows."""
        paths, written = self.paths, self._options.output_format
        if not self.to_file:
            if written in (PARQUET, ARROW, XLSX):
                return SpooledOutput(self._assembled), StandardOutput()
            return StandardOutput(), StandardOutput()
        rejects: Part = FilePart(paths.rejected_part, paths.rejected)
        if self._options.reading.format in (PARQUET, ARROW):
            rejects = self._columnar(
                paths.rejected_part, paths.rejected, self._options.reading.format
            )
        if written in (PARQUET, ARROW, XLSX):
            return self._assembled(paths.part, paths.output), rejects
        return FilePart(paths.part, paths.output, compressed), rejects

    def _assembled(self, part: Path, target: Path) -> Part:
        """Return the part for a format that is assembled at the end."""
        if self._options.output_format == XLSX:
            return WorkbookPart(part, target, lambda: self._reader.sheet)
        return self._columnar(part, target, self._options.output_format)

    def _columnar(self, part: Path, target: Path, format_: str) -> Part:
        from disaster_tweets.tables.columnar_part import ColumnarPart

        # The compression of the input is known only after the first look at it.
        def compression() -> Any:
            same = self._options.reading.format == format_ and isinstance(
                self._writer, SameFormat
            )
            return self._reader.compression if same else None

        return ColumnarPart(part, target, format_, compression)


def _as_json(reading: dict[str, Any]) -> dict[str, Any]:
    """Return reading options in the form that JSON returns."""
    del reading["sure"]  # only affects checks before the first row
    return {name: list(v) if isinstance(v, tuple) else v for name, v in reading.items()}
