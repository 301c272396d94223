"""The documents: their examples run, and their generated parts are up to date."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys

import pytest

from .conftest import ROOT, load_script

PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
]
# The command for contributors. The page on installing is for users.
FOR_CONTRIBUTORS = {"dev", "docs", "notebook", "test", "train"}
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

```sh
echo four
echo five
```

```text
four
five
```

```python
six = 6
print(six)
```

```text
6
```

```python
not run
```
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
def test_the_examples_of_the_readme_print_what_it_shows() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "transcripts.py", "--check", ROOT / "README.md"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_runs_the_test_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.search(r"<!-- test -->\n```console\n.*tox run-parallel .*\n```", readme)
    assert "<!-- test -->" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_generated_documents_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_between_files_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_page_on_installing_lists_each_extra() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \|", page, re.MULTILINE)

    listed = {extra for row in rows for extra in re.findall(r"`([\w-]+)`", row)}
    assert listed == {*setup["options.extras_require"]} - FOR_CONTRIBUTORS


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
def test_a_page_is_emptied_of_what_its_examples_print_and_filled_again() -> None:
    transcripts = load_script(ROOT / "docs" / "transcripts.py")
    emptied = transcripts.emptied(TRANSCRIPT)

    without = TRANSCRIPT.replace("one\n$", "$").replace("END\ntwo\nthree\n", "END\n")
    without = without.replace("[1]\n", "").replace("text\nfour\nfive\n", "text\n")
    assert emptied == without.replace("text\n6\n", "text\n")
    assert transcripts.renewed(emptied) == TRANSCRIPT


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
def test_an_example_that_fails_is_named() -> None:
    transcripts = load_script(ROOT / "docs" / "transcripts.py")
    with pytest.raises(transcripts.ExampleError, match="unknown_name"):
        transcripts.renewed("```python\nprint(unknown_name)\n```\n\n```text\n```\n")


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
def test_a_progress_bar_is_left_out() -> None:
    transcripts = load_script(ROOT / "docs" / "transcripts.py")
    bar = r"\r 92% ▕█ ▏ (<1 second remaining)\r100% ▕██▏ (00:00:02.40 elapsed)\n"
    page = f"```pycon\n>>> print('{bar}shown')\nshown\n```\n"
    assert transcripts.renewed(page) == page
