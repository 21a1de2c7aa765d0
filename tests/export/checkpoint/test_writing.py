"""A checkpoint is a directory of data that stock software loads; what cannot be one is refused in a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.clients.cases import client, write

import raspc
from raspc import library, rasp
from raspc.errors import InputError
from raspc.export.checkpoint import writing
from raspc.export.checkpoint.card import card
from raspc.export.checkpoint.vocabulary import vocabulary
from raspc.target.stock import Stock
from raspc.weights import Model

pytest.importorskip("tokenizers")
pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")

FILES = {
    "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "README.md", "raspc.json",
}  # fmt: skip


@cache
def causal(name: str = "hist", dtype: str = "float32") -> Model:
    """A program of the library over a, b, c that sees no later tokens."""
    return raspc.compile(library.get(name).program, "abc", 5, causal=True, dtype=dtype)


@cache
def reverse() -> Model:
    """A program that sees all tokens."""
    return raspc.compile(library.reverse(), "abc", 5)


@cache
def numbers() -> Model:
    """A program whose answers are numbers, too many to be listed."""
    return raspc.compile(library.frac_prevs(), "xy", 10, causal=True)


@cache
def writer() -> Model:
    """A program that writes one letter after the other."""
    after = rasp.Map(lambda t: {"a": "b", "b": "c"}.get(t, "."), rasp.tokens)
    return raspc.compile(after, "abc.", 5, generate=True, stop=".", prompts="[abc]")


# --- the files ------------------------------------------------------------------------------------------


def test_a_chat_puts_the_mark_after_a_message(tmp_path: Path) -> None:
    """The token that every prompt ends with, if there is one, and nowhere else; other programs have no chat."""
    transformers = pytest.importorskip("transformers")

    def said(model: Model, message: str) -> str | None:
        model.to("llama", path := tmp_path / message / model.config.made_by / str(len(model.config.vocab)))
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        if tokenizer.chat_template is None:
            return None
        return str(tokenizer.apply_chat_template([{"role": "user", "content": message}], tokenize=False))

    copy = raspc.compile(
        library.WRITERS["write_copy"].program, "abc=.", 7, generate=True, stop=".", prompts="[abc]{1,2}=",
        target="llama",
    )  # fmt: skip
    assert [said(copy, message) for message in ("ab", "ab=", " c ")] == ["BOSab=", "BOSab=", "BOSc="]
    assert said(writer(), "a") == "BOSa"
    assert said(causal(), "a") is None


def test_a_language_model(tmp_path: Path) -> None:
    """Its files, all data; its class, its logits, how it generates."""
    path = causal().to("llama", tmp_path / "m", stop=2)
    assert path == tmp_path / "m" and {file.name for file in path.iterdir()} == FILES
    config, greedy = (json.loads((path / name).read_text()) for name in ("config.json", "generation_config.json"))
    assert config["architectures"] == ["LlamaForCausalLM"] and config["dtype"] == "float32"
    assert "auto_map" not in config and "id2label" not in config
    assert greedy["do_sample"] is False and greedy["max_length"] == 1 + 5 + 1
    words = json.loads((path / "tokenizer.json").read_text())["model"]["vocab"]
    assert greedy["eos_token_id"] == words["2"] and greedy["bos_token_id"] == words["BOS"] == 3
    assert config["vocab_size"] >= len(words) == 5 + 5 + 1


def test_a_classifier(tmp_path: Path) -> None:
    """Its labels; there is nothing to generate."""
    path = reverse().to("bert", tmp_path / "m")
    assert {file.name for file in path.iterdir()} == FILES - {"generation_config.json"}
    config = json.loads((path / "config.json").read_text())
    assert config["architectures"] == ["BertForTokenClassification"]
    assert config["id2label"] == {"0": "a", "1": "b", "2": "c"}


def test_a_program_that_writes_stops(tmp_path: Path) -> None:
    """At the token that it was compiled to stop at."""
    path = writer().to("gpt2", tmp_path / "m")
    greedy = json.loads((path / "generation_config.json").read_text())
    assert greedy["eos_token_id"] == writer().config.vocab.index(".")
    text = (path / "README.md").read_text()
    assert "`.` ends the answer" in text and "in a batch `max_length` counts the padding" in text
    (asked,) = re.findall(r"print\(generate\('(.*)', return_full_text", text)
    assert writer().generate(asked)[-1] == "." and "Prompts: `[abc]`." in text


def test_values_are_kept(tmp_path: Path) -> None:
    """1 is a number in the program, whatever text it is for a tokenizer; and dimensions have names."""
    path = causal().to("llama", tmp_path / "m")
    facts = json.loads((path / "raspc.json").read_text())
    assert facts["tokens"] == ["a", "b", "c", "BOS", "PAD", 1, 2, 3, 4, 5]
    assert [answer["value"] for answer in facts["answers"]] == [1, 2, 3, 4, 5]
    assert "hist:1" in facts["residual_labels"] and 4 <= facts["norm_scale"] <= 256 and facts["step_sharpness"] <= 256
    assert causal().to("llama", tmp_path / "m", norm_scale=2.0**14) == tmp_path / "m"
    assert json.loads((path / "raspc.json").read_text())["norm_scale"] == 2**14


def test_without_a_path_the_parameters_come_back() -> None:
    """As a value; nothing is written."""
    stock = causal().to("llama")
    assert isinstance(stock, Stock) and "model.embed_tokens.weight" in stock.params


def test_the_same_bytes_each_time() -> None:
    """Of every file."""
    stock = causal().to("gpt2")
    assert writing.files(causal(), stock) == writing.files(causal(), causal().to("gpt2"))


def test_the_card_tells_what_it_is() -> None:
    """Tokens, answers, the program, the certificate, the limits; and the head that the Hub reads."""
    stock = causal().to("llama")
    text = card(causal(), stock, vocabulary(stock))
    assert text.startswith("---\nlibrary_name: transformers\npipeline_tag: text-generation\n")
    for told in ("`a`, `b`, `c`", "`1`, `2`, `3`, `4`, `5`", "= width(%1)", "up to 5 tokens", "converted from. Proved"):
        assert told in text, told
    assert "the weakest decision uses" in text.lower() and "## What its dimensions hold" in text
    assert "| `tokens:a` … `tokens:c` |" in text
    assert max(map(len, text.splitlines())) < 500


def test_a_checkpoint_of_ours_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    """A directory of others stays as it is, even where it holds a model."""
    reverse().to("bert", tmp_path / "m")
    reverse().to("bert", tmp_path / "m")
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"other: the directory holds other files and no raspc.json"):
        reverse().to("bert", other)
    reverse().save(tmp_path / "saved")
    with pytest.raises(InputError, match="choose another path"):
        reverse().to("bert", tmp_path / "saved")
    assert [file.name for file in other.iterdir()] == ["config.json"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m", "other", "saved"]


# --- in transformers ------------------------------------------------------------------------------------


def test_stock_software_gives_the_answers(tmp_path: Path) -> None:
    """transformers alone, in another process: all inputs of some programs, in every way that it is run."""
    pytest.importorskip("transformers")
    made = [
        write(causal(), "llama", tmp_path / "llama", most=400),
        write(writer(), "gpt2", tmp_path / "gpt2", most=100),
        write(reverse(), "bert", tmp_path / "bert", most=400),
        write(numbers(), "gpt2", tmp_path / "numbers", exit="labels", most=100),
    ]
    spoiled = write(causal(), "llama", tmp_path / "spoiled", most=50)
    rows = json.loads((spoiled / "rows.json").read_text())
    rows["answers"][-1][-1] = 0
    (spoiled / "rows.json").write_text(json.dumps(rows))
    found = client("quick.py", *made, spoiled)
    for path in made:
        assert set(found[str(path)].values()) == {0}, (path.name, found[str(path)])
    assert found[str(spoiled)]["sdpa right"] == found[str(spoiled)]["eager left"] == 1  # a wrong answer is seen
    assert json.loads((made[1] / "rows.json").read_text())["prompts"]
    assert {"eager generate", "text-generation", "sdpa stepwise"} <= set(found[str(made[1])])
    assert "token-classification" in found[str(made[2])]


# --- what is refused ------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[], Model], str, dict[str, Any], str]] = {
    "a mask that the family lacks": (reverse, "llama", {}, r"compile it with causal=True, or export it to bert or t5"),
    "a mask that it has": (causal, "bert", {}, r"compile it with causal=False"),
    "an exit that it lacks": (reverse, "bert", {"exit": "lm"}, r"bert has no class for the exit lm; it has labels"),
    "labels of OPT": (causal, "opt", {"exit": "labels"}, r"opt has no class for the exit labels"),
    "an unknown exit": (causal, "gpt2", {"exit": "door"}, r"unknown exit 'door'; known are lm, labels"),
    "another format": (causal, "llama", {"dtype": "bfloat16"}, r"compile the program with dtype='bfloat16'"),
    "a stop that is no answer": (causal, "llama", {"stop": "z"}, r"stop='z' is nothing that this checkpoint writes"),
    "a stop of labels": (reverse, "bert", {"stop": "a"}, r"stop='a' is nothing"),
    "a scale that is no power": (causal, "llama", {"norm_scale": 3}, r"norm_scale=3: needed a power of two"),
    "a sharpness that is none": (causal, "gpt2", {"step_sharpness": -2.0}, r"step_sharpness=-2.0: needed a power"),
    "an unknown option": (causal, "gpt2", {"colour": 1}, r"unknown options \['colour'\] for gpt2; it takes"),
    "labels in llama.cpp": (causal, "gguf", {"exit": "labels"}, r"llama.cpp gives tokens alone"),
    "a gguf without a mask": (reverse, "gguf", {}, r"llama sees no later positions"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_refused_is_refused_in_a_line(fault: str, tmp_path: Path) -> None:
    """And nothing is written."""
    model, target, options, message = REFUSED[fault]
    if target == "gguf":
        pytest.importorskip("gguf")
    with pytest.raises(InputError, match=message) as caught:
        model().to(target, tmp_path / "m", **options)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_a_scale_of_another_kind() -> None:
    """Is a TypeError that names it."""
    with pytest.raises(TypeError, match="norm_scale"):
        causal().to("llama", norm_scale="256")


def test_a_gguf_needs_a_path() -> None:
    """As it is a file."""
    pytest.importorskip("gguf")
    with pytest.raises(InputError, match="give it a path"):
        causal().to("gguf")


@pytest.mark.parametrize(("target", "extra"), [("llama", "huggingface"), ("gguf", "gguf")])
def test_a_missing_library_is_named(target: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that installs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=rf"pip install 'raspc\[{extra}\]'"):
        causal().to(target)


def test_equal_texts_are_refused(tmp_path: Path) -> None:
    """Of tokens, and of answers."""
    both = raspc.compile(rasp.tokens, {1, "1"}, 3)
    with pytest.raises(InputError, match="are different words of equal text"):
        both.to("bert", tmp_path / "m")


# --- GGUF -----------------------------------------------------------------------------------------------


def test_a_gguf_holds_the_parameters(tmp_path: Path) -> None:
    """Every number of the checkpoint, in float32; the words in the order of their ids."""
    gguf = pytest.importorskip("gguf")
    path = causal().to("gguf", tmp_path / "m.gguf", stop=2)
    reader = gguf.GGUFReader(path)
    stock = causal().to("llama")
    assert len(reader.tensors) == len(stock.params)
    assert sum(tensor.data.size for tensor in reader.tensors) == sum(array.size for array in stock.params.values())
    assert all(tensor.tensor_type == gguf.GGMLQuantizationType.F32 for tensor in reader.tensors)
    field = reader.fields["tokenizer.ggml.tokens"]
    assert [bytes(field.parts[i]).decode() for i in field.data[:10]] == [*"abc", "BOS", "PAD", *"12345"]
    assert int(reader.fields["tokenizer.ggml.eos_token_id"].parts[-1][0]) == 6


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_longest_text_has_two_tokens_more_than_the_longest_input(family: str, tmp_path: Path) -> None:
    """BOS, and the last one, which is written and never read: with one place less, the full stop is cut off."""
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    after = rasp.Map(lambda token: "abcd."["abcd".find(token) + 1], rasp.tokens)
    model = raspc.compile(after, "abcd.", 4, generate=True, stop=".", prompts="[a-d]", target=family)
    model.to(family, tmp_path / "out", exit="lm")
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    given = torch.tensor([words("a")["input_ids"]])
    longest = loaded.generation_config.max_length
    assert longest == model.config.max_seq_len + 2 == model.config.n_ctx + 1
    for length, text in ((longest, "abcd."), (longest - 1, "abcd")):
        (found,) = loaded.generate(given, attention_mask=torch.ones_like(given), max_length=length)
        assert words.decode(found, skip_special_tokens=True) == text and len(found) == length
    assert model.generate("a") == ["b", "c", "d", "."]
