"""The tool of llm, called by a model from a plugin of the test."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path

import pytest

from disaster_tweets import predict
from disaster_tweets.plugins.llm import classify_disaster_tweets
from disaster_tweets.topic import EXAMPLES, LABELS, MEANING, PROBABILITY, QUESTION, TEXTS

from ..conftest import Golden, Run, load_script
from .test_sqlite_utils import copy_without_model, hide

HOSTS = ("llm",)

SOME = [*EXAMPLES[:2], "☕ O'Brien"]

# A model that calls the tool with the arguments in the prompt, and answers with the result.
ASSISTANT = """
import json

import llm


class Assistant(llm.Model):
    model_id = "assistant"
    supports_tools = True

    def execute(self, prompt, stream, response, conversation=None):
        if prompt.tool_results:
            yield prompt.tool_results[0].output
            return
        (tool,) = prompt.tools
        arguments = json.loads(prompt.prompt)
        response.add_tool_call(llm.ToolCall(name=tool.name, arguments=arguments))


@llm.hookimpl
def register_models(register):
    register(Assistant())
"""


@pytest.fixture
def assistant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install the model as a plugin; return the folder for the import path."""
    metadata = tmp_path / "plugin" / "assistant-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: assistant\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[llm]\nassistant = assistant\n")
    (tmp_path / "plugin" / "assistant.py").write_text(ASSISTANT)
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "user"))
    return str(tmp_path / "plugin")


def expected(texts: list[str]) -> list[dict[str, str | float]]:
    return [
        {"text": text, "probability": round(p.probability, 4), "label": p.label}
        for text, p in zip(texts, predict(texts), strict=True)
    ]


class TestCommandLine:
    def call(self, run: Run, plugin: str, **arguments: object) -> str:
        """Return the answer of the tool to a model."""
        done = run(
            *("llm", "-m", "assistant", "-T", "classify_disaster_tweets", "--no-log"),
            json.dumps(arguments),
            PYTHONPATH=plugin,
        )
        assert (done.status, done.err) == (0, "")
        return done.out.strip()

    def test_a_model_calls_the_tool(self, run: Run, assistant: str) -> None:
        assert json.loads(self.call(run, assistant, texts=SOME)) == expected(SOME)

    def test_without_a_model_file_only_the_tool_fails(
        self, run: Run, assistant: str, tmp_path: Path
    ) -> None:
        folders = os.pathsep.join([assistant, copy_without_model(tmp_path)])
        answer = self.call(run, folders, texts=SOME)
        assert answer.startswith("Error: ")
        assert answer.endswith(
            "model.bin: No such file or directory; reinstall disaster-tweets-model"
        )

    def test_the_tool_is_listed(self, run: Run) -> None:
        tools = json.loads(run("llm", "tools", "list", "--json").out)["tools"]
        (tool,) = (t for t in tools if t["name"] == "classify_disaster_tweets")

        assert tool["plugin"] == "disaster_tweets"
        assert tool["description"] == inspect.getdoc(classify_disaster_tweets)
        assert tool["arguments"]["properties"]["texts"]["type"] == "array"
        assert tool["arguments"]["properties"]["texts"]["items"] == {"type": "string"}
        assert tool["arguments"]["required"] == ["texts"]

    def test_the_assistant_is_told_the_topic_and_the_labels(self) -> None:
        told = inspect.getdoc(classify_disaster_tweets) or ""
        names = [f'"{label}"' for label in LABELS]
        for part in (
            f"a question about {TEXTS} ",
            f": {QUESTION}\n\n",
            MEANING,
            f" the {PROBABILITY}, from 0 to 1,",
            f" the label, which is {', '.join(names[:-1])} or {names[-1]}.",
        ):
            assert " ".join(part.split()) in " ".join(told.split())

    def test_it_starts_without_numpy(self, run: Run, tmp_path: Path) -> None:
        hidden = hide(tmp_path, "numpy")
        done = run("llm", "plugins", PYTHONPATH=hidden)
        assert (done.status, done.err) == (0, "")
        (plugin,) = (p for p in json.loads(done.out) if p["name"] == "disaster-tweets-model")
        assert plugin["hooks"] == ["register_tools"]


class TestLibrary:
    def chain(self, plugin: str, texts: object) -> str:
        """Return the answer of the tool to a model in this process."""
        model = load_script(Path(plugin, "assistant.py")).Assistant()
        arguments = json.dumps({"texts": texts})
        return str(model.chain(arguments, tools=[classify_disaster_tweets]).text())

    @pytest.mark.parametrize(
        ("texts", "scored"),
        [(SOME, SOME), (SOME[0], SOME[:1]), ([], [])],
        ids=["several texts", "a text in place of a list", "no texts"],
    )
    def test_a_chain_runs_the_tool(
        self, assistant: str, texts: object, scored: list[str]
    ) -> None:
        assert json.loads(self.chain(assistant, texts)) == expected(scored)

    @pytest.mark.parametrize(
        ("texts", "error"),
        [
            ([None], "Error: texts[0] is missing, not str; "),
            (["a", 7], "Error: texts[1] is int, not str; "),
            (7, "Error: texts must be a str or an iterable of str, not int"),
        ],
    )
    def test_a_model_is_told_what_it_did_wrong(
        self, assistant: str, texts: object, error: str
    ) -> None:
        answer = self.chain(assistant, texts)
        assert answer.startswith(error)
        assert "\n" not in answer

    @pytest.mark.usefixtures("four_labels_installed")
    def test_four_labels(self, assistant: str) -> None:
        answers = json.loads(self.chain(assistant, SOME))
        assert answers == expected(SOME)
        for answer in answers:
            probabilities = predict(answer["text"]).probabilities
            assert len(probabilities) == 4
            assert answer["probability"] == round(probabilities[answer["label"]], 4)

    def test_the_golden_texts(self, assistant: str, golden: Golden) -> None:
        answers = json.loads(self.chain(assistant, golden.texts))
        got = [answer["probability"] for answer in answers]
        assert got == pytest.approx(golden.probabilities, abs=golden.tolerance + 5e-5)
