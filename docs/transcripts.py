"""Run the examples of a page and write their output into the page.

    python docs/transcripts.py [--check] [--wheel WHEEL] PAGE...

The blocks of a page run in order, in an empty folder. One bash and one Python run them, so that
variables, folders and background jobs stay until the end of the page. The commands of this
Python's environment come first on the PATH. With --wheel, each page has a new environment, in
which pip has installed the wheel with the extra that the page names, and nothing else.

- ``console``: bash runs the text after ``$``, and after ``>`` in the lines below.
- ``pycon``: Python runs the text after ``>>>``, and after ``...`` in the lines below.
- ``sh`` and ``python``: bash or Python runs the whole block if a block ``text`` comes next.
  The block ``text`` has the output, so that a reader can paste the block above.

The standard output of an example replaces the output on the page. An example that fails ends
the run. Other blocks are not examples, and do not change.
With --check, the script writes nothing. It prints the differences, and the exit status is 1 if
there are any. Probabilities may differ by the manifest's tolerance for golden scores.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

MANIFEST = Path(__file__).resolve().parents[1] / "artifacts/manifest.json"
PROMPTS = {"console": ("$", ">"), "pycon": (">>>", "...")}
# The languages of blocks without prompts, and the session that runs each of them.
PASTED = {"sh": "console", "python": "pycon"}
_LINES = r"((?:(?!```).*\n)*)"
_BLOCK = re.compile(
    rf"^```(console|pycon)\n{_LINES}```$|^```(sh|python)\n{_LINES}```\n\n```text\n{_LINES}```$",
    re.MULTILINE,
)
_NUMBER = re.compile(r"\b0\.\d{2,}\b")
# DuckDB draws a progress bar, between carriage returns, for a query of more than two seconds.
_PROGRESS = re.compile(r"^\n(?: *\d+% ▕.*\n)+", re.MULTILINE)
_MARK = "-- end of one example: status"
_INTERPRETER = f"""
import ast, sys, traceback
page = {{"__name__": "__main__"}}
while source := sys.stdin.readline():
    status = 0
    try:
        exec(compile(*ast.literal_eval(source)), page)
    except BaseException:
        traceback.print_exc()
        status = 1
    print(f"\\n{_MARK} {{status}}", flush=True)
"""


class ExampleError(Exception):
    """An example failed; the message has the example, its output and its errors."""


class Session:
    """A process that runs one example after the other; a context manager that ends it."""

    def __init__(self, language: str, scripts: Path, folder: Path) -> None:
        """Start bash, or the Python of the folder ``scripts``, in the folder ``folder``."""
        python = [scripts / "python", "-u", "-c", _INTERPRETER]
        self._language = language
        self._errors = (folder / f".errors-{language}").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            python if language == "pycon" else ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=folder,
            env={
                **os.environ,
                "COLUMNS": "96",
                "NO_COLOR": "1",
                "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]]),
                "PYTHONUTF8": "1",
            },
            start_new_session=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Session:
        """Return the session."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process and its child processes."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate()
        self._errors.close()

    def run(self, source: str, mode: str = "single") -> str:
        """Run an example and return its output.

        Args:
            source: The example.
            mode: The mode of Python's `compile`: "exec" prints no values of expressions.

        Raises:
            ExampleError: The example failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._language == "pycon":
            self._process.stdin.write(f"{(source + chr(10), '<page>', mode)!r}\n")
        else:
            self._process.stdin.write(f"{source}\nprintf '\\n%s %d\\n' '{_MARK}' $?\n")
        self._process.stdin.flush()
        printed = ""
        for line in self._process.stdout:
            if line.startswith(_MARK):
                break
            printed += line
        else:
            line = "the process ended"
        if not line.endswith(" 0\n"):
            self._errors.seek(0)
            raise ExampleError(f"{source}\n{printed}{self._errors.read()}")
        printed = _PROGRESS.sub("", printed)
        # The mark begins with a newline. If the output ends with one itself, drop one.
        return printed[:-1] if printed == "\n" or printed.endswith("\n\n") else printed


def environment(wheel: Path, extra: str, folder: Path) -> Path:
    """Install a wheel with an extra in a new environment; return the folder of its scripts.

    Raises:
        ExampleError: pip cannot install the wheel.
    """
    scripts = folder / "bin"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [scripts / "python", "-m", "pip", "install", "--quiet"]
    done = subprocess.run(
        [*install, f"{wheel.resolve()}[{extra}]"], capture_output=True, text=True
    )
    if done.returncode:
        raise ExampleError(done.stderr)
    return scripts


def renewed(page: str, wheel: Path | None = None) -> str:
    """Return the text of a page with the current output of its examples.

    Raises:
        ExampleError: An example failed.
    """
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        ExitStack() as sessions,
    ):
        scripts = Path(sysconfig.get_path("scripts"))
        if wheel is not None:
            (extra,) = re.findall(r"^extra: (.+)$", page, re.MULTILINE)
            scripts = environment(wheel, extra, Path(temporary))
        started = {
            language: sessions.enter_context(Session(language, scripts, Path(folder)))
            for language in PROMPTS
        }

        def answer(language: str, source: str) -> str:
            if language in PASTED:
                return started[PASTED[language]].run(source, "exec")
            return started[language].run(source)

        return _answered(page, answer)


def emptied(page: str) -> str:
    """Return the text of a page without the output of its examples."""
    return _answered(page, lambda language, source: "")


def _answered(page: str, answer: Callable[[str, str], str]) -> str:
    """Return a page with a new output, ``answer(language, source)``, for each example."""

    def answered(block: re.Match[str]) -> str:
        language, text, pasted, source, _ = block.groups()
        if pasted:
            output = answer(pasted, source.rstrip("\n"))
            return f"```{pasted}\n{source}```\n\n```text\n{output}```"
        shown = "".join(
            lines + answer(language, source) for lines, source in _examples(language, text)
        )
        return f"```{language}\n{shown}```" if shown else block[0]

    return _BLOCK.sub(answered, page)


def _examples(language: str, block: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of each example in a block, as they are and without prompts."""
    first, further = map(re.escape, PROMPTS[language])
    example = re.compile(rf"^{first} .*\n(?:{further}(?: .*)?\n)*", re.MULTILINE)
    prompt = re.compile(rf"^(?:{first}|{further}) ?", re.MULTILINE)
    for match in example.finditer(block):
        yield match[0], prompt.sub("", match[0]).rstrip("\n")


def nearly_equal(want: str, got: str) -> bool:
    """Return whether two texts are equal except for small differences of probabilities."""
    wanted, found = _NUMBER.findall(want), _NUMBER.findall(got)
    tolerance = json.loads(MANIFEST.read_bytes())["golden_tolerance"]
    return _NUMBER.sub("0.", want) == _NUMBER.sub("0.", got) and all(
        abs(float(a) - float(b)) <= tolerance for a, b in zip(wanted, found, strict=True)
    )


def main() -> int:
    """Renew or check the pages in the arguments; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--wheel", type=Path, help="run them where only this is installed")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    arguments = parser.parse_args()
    status = 0
    for path in arguments.pages:
        old = path.read_text("utf-8")
        try:
            new = renewed(old, arguments.wheel)
        except ExampleError as error:
            print(f"{path}: this example failed:\n{error}", file=sys.stderr)
            status = 1
            continue
        if nearly_equal(old, new):
            continue
        if arguments.check:
            lines = (old.splitlines(), new.splitlines())
            print(*difflib.unified_diff(*lines, str(path), "now", lineterm=""), sep="\n")
            status = 1
        else:
            path.write_text(new, encoding="utf-8", newline="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
