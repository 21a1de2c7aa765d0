"""A fast tokenizer for the words of a program: plain text is split into them, and BOS is put in front.

Where several words fit, the longest one is taken: of the words 1, 0 and 10, the text `10` is the third, and `1 0` the
first two. White space that is no word only parts words. The library `tokenizers` writes the file and runs it; no code
of ours is in it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from raspc.errors import InternalError
from raspc.export.checkpoint.vocabulary import Vocabulary, text_of
from raspc.target.stock import Stock

CLASS = "PreTrainedTokenizerFast"
"""The class of transformers that reads the file."""


def files(
    words: Vocabulary, longest: int, padding_side: str = "right", chat: str | None = None
) -> dict[str, bytes]:  # fmt: skip
    """The files of a tokenizer, by name. `longest`: the most ids of one input, BOS among them; `chat`: a template."""
    more = {"padding_side": padding_side} | ({} if chat is None else {"chat_template": chat})
    return {
        "tokenizer.json": tokenizer(words).to_str(pretty=True).encode(),
        "tokenizer_config.json": written(_settings(words, longest) | more),
        "special_tokens_map.json": written(_specials(words)),
    }


def check(file: bytes, stock: Stock) -> None:
    """Reads `tokenizer.json` as others do, and holds it against the tokens of a checkpoint, by their ids.

    Raises InternalError where the text of a token, with BOS in front, is not that token, or a word is missing.
    """
    from tokenizers import Tokenizer

    read: Any = Tokenizer.from_str(file.decode())
    special = (stock.bos_id, stock.pad_id, stock.unk_id)
    texts = {i: text_of(value) for i, value in enumerate(stock.tokens) if i not in special}
    for (i, text), found in zip(texts.items(), read.encode_batch(list(texts.values())), strict=True):
        if found.ids != [stock.bos_id, i]:
            raise InternalError(
                f"the tokenizer reads {text!r} as the ids {found.ids}, where {[stock.bos_id, i]} was meant; this is a "
                "fault of raspc, please report it"
            )
    if read.get_vocab_size() != len(stock.tokens) + 1 or any(read.id_to_token(i) is None for i in special):
        raise InternalError(
            f"the tokenizer has {read.get_vocab_size()} words, where {len(stock.tokens) + 1} were meant, BOS, PAD and "
            "UNK among them; this is a fault of raspc, please report it"
        )


def written(obj: dict[str, Any]) -> bytes:
    """An object as a file of JSON, for people to read too."""
    return (json.dumps(obj, indent=2, ensure_ascii=False) + "\n").encode()


def tokenizer(words: Vocabulary) -> Any:
    """The tokenizer as the library `tokenizers` has it."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    bos = words.texts[words.bos]
    found: Any = Tokenizer(
        models.WordLevel({text: i for i, text in enumerate(words.texts)}, unk_token=words.texts[words.unknown])
    )
    found.pre_tokenizer = pre_tokenizers.Sequence(list(_splits(words.plain)))
    found.post_processor = processors.TemplateProcessing(
        single=[bos, "$A"], pair=[bos, "$A", "$B"], special_tokens=[(bos, words.bos)]
    )
    found.add_special_tokens([AddedToken(words.texts[i], special=True, normalized=False) for i in words.special])
    if words.is_of_characters:
        found.decoder = decoders.Fuse()
    return found


def _splits(texts: tuple[str, ...]) -> list[Any]:
    """First the words are cut out, the longest first; then white space between them is dropped."""
    from tokenizers import Regex, pre_tokenizers

    blank = [re.escape(text) for text in texts if text.isspace()]
    but = rf"(?!(?:{'|'.join(blank)})\z)" if blank else ""
    longest_first = sorted(texts, key=lambda text: (-len(text), text))
    cut: Any = pre_tokenizers.Split(Regex("|".join(map(re.escape, longest_first))), "isolated")
    drop: Any = pre_tokenizers.Split(Regex(rf"\A{but}\s+\z"), "removed")
    return [cut, drop]


def _specials(words: Vocabulary) -> dict[str, str]:
    names = ("bos_token", "pad_token", "unk_token")
    return {name: words.texts[i] for name, i in zip(names, words.special, strict=True)}


def _settings(words: Vocabulary, longest: int) -> dict[str, Any]:
    """What transformers must be told of the tokenizer: its class, and that it writes what it decodes as it is."""
    return _specials(words) | {
        "tokenizer_class": CLASS,
        "model_max_length": longest,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "added_tokens_decoder": {str(i): _added(words.texts[i]) for i in sorted(words.special)},
    }


def _added(text: str) -> dict[str, Any]:
    still = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    return {"content": text, "special": True} | still
