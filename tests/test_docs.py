"""The documents: their examples run, and their generated parts are up to date."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
import sysconfig

import pytest

from disaster_tweets.bundle import bundled_manifest

from .conftest import ROOT, load_script

README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
]
TRANSCRIPT = """
```console
$ echo one
one
$ cat <<END
> two
> three
> END
two
three
```

```console
pip install something
```

```pycon
>>> [
...     1,
... ]
[1]
```
"""
NUMBER = re.compile(r"0\.\d{4,}")


class NearlyEqual(doctest.OutputChecker):
    """Compares probabilities to within the model's tolerance, and everything else exactly."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return nearly_equal(want, got)


def nearly_equal(want: str, got: str) -> bool:
    wanted, found = NUMBER.findall(want), NUMBER.findall(got)
    tolerance = bundled_manifest()["golden_tolerance"]
    return (
        NUMBER.sub("N", want) == NUMBER.sub("N", got)
        and len(wanted) == len(found)
        and all(
            abs(float(a) - float(b)) <= tolerance for a, b in zip(wanted, found, strict=True)
        )
    )


def test_python_examples() -> None:
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", "README.md", 0)
    assert len(examples.examples) > 8
    runner = doctest.DocTestRunner(checker=NearlyEqual(), verbose=False)
    runner.run(examples)
    assert runner.failures == 0


def commands() -> list[tuple[str, str]]:
    """Return the lines after ``$`` in the console examples, with their outputs."""
    return [
        (command, output)
        for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
@pytest.mark.parametrize(("command", "output"), commands(), ids=[c for c, _ in commands()])
def test_shell_examples(command: str, output: str) -> None:
    scripts = shlex.quote(sysconfig.get_path("scripts"))
    done = subprocess.run(
        ["sh", "-c", f"PATH={scripts}:$PATH; {command}"], capture_output=True, text=True
    )
    assert done.stderr == ""
    assert nearly_equal(output, done.stdout), done.stdout


def test_the_first_command_prints_what_the_readme_shows() -> None:
    first, shown = re.search(
        r"<!-- predict -->\n```console\n(.*?)\n```\n\n```\n(.*?)```", README, re.DOTALL
    ).groups()
    text = shlex.split(first)[-1]
    done = subprocess.run(
        [sys.executable, "-m", "disaster_tweets", "predict", text],
        capture_output=True,
        text=True,
    )
    assert nearly_equal(shown, done.stdout), done.stdout


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert re.search(r"<!-- test -->\n```console\n.*tox run-parallel .*\n```", README)
    assert "<!-- test -->" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_generated_documents_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_between_files_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
def test_a_page_is_emptied_of_what_its_examples_print_and_filled_again() -> None:
    transcripts = load_script(ROOT / "docs" / "transcripts.py")
    emptied = transcripts.emptied(TRANSCRIPT)

    without = TRANSCRIPT.replace("one\n$", "$").replace("END\ntwo\nthree\n", "END\n")
    assert emptied == without.replace("[1]\n", "")
    assert transcripts.renewed(emptied) == TRANSCRIPT
