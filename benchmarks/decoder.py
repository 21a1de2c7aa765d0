"""A RASP text of a thousand lines: a decoder of a prefix code, as a person would write one out.

The input is a string of bits. Tables give, for each window of seven bits, the symbol whose code word opens it, and
how long that word is; the decoder loop steps from word to word; what it has found is packed to the left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

SYMBOLS = "etaonirshdlucmfywgpbvkxqjz0123456789"
LENGTHS = [3] * 2 + [4] * 6 + [5] * 4 + [6] * 8 + [7] * 16
"""Of the code words, in the order of the symbols; all strings of bits begin with some code word."""

WIDTH = 7
LINES = 1000


def code() -> Mapping[str, str]:
    """The code word of each symbol: the canonical code of these lengths."""
    words, value = {}, 0
    for symbol, length, following in zip(SYMBOLS, LENGTHS, [*LENGTHS[1:], WIDTH], strict=True):
        words[symbol] = format(value, f"0{length}b")
        value = (value + 1) << (following - length)
    return words


def decoded(bits: str) -> str:
    """What the program computes: the symbols of whole code words, from the left."""
    symbols, found, rest = {word: symbol for symbol, word in code().items()}, "", bits
    while word := next((word for word in symbols if rest.startswith(word)), None):
        found, rest = found + symbols[word], rest[len(word) :]
    return found


def source(steps: int) -> str:
    """The text, for inputs of at most this many code words: at least 1,000 lines."""
    blocks = [*_head(), *_tables(), *_kinds(), *_decoder(steps), *_functions(), *_shares(), *_result()]
    return "\n".join(blocks) + "\n"


def _head() -> Iterator[str]:
    yield "# A decoder of a prefix code. Each code word, and the symbol that it stands for:"
    yield from (f"#   {word:<{WIDTH}}  {symbol}" for symbol, word in code().items())
    yield ""
    yield "set example " + '"' + "".join(code()[symbol] for symbol in "tea") + '"'


def _opening(window: int) -> tuple[str, str]:
    """The symbol, and its word, that open a window."""
    bits = format(window, f"0{WIDTH}b")
    return next((symbol, word) for symbol, word in code().items() if bits.startswith(word))


def _tables() -> Iterator[str]:
    yield from _table("symbol_of", "The symbol that opens a window of seven bits.", lambda s, w: f'"{s}"')
    yield from _table("size_of", "How many bits its code word has.", lambda s, w: str(len(w)))
    yield from _table("ones_of", "How many of them are 1.", lambda s, w: str(w.count("1")))
    yield from _table("last_of", "The last one of them.", lambda s, w: w[-1])


def _kinds() -> Iterator[str]:
    yield from ("", "# What kind of symbol each one is.", "kind_of = {")
    yield from (f'    "{symbol}": "{_kind(symbol)}",' for symbol in SYMBOLS)
    yield "};"


def _kind(symbol: str) -> str:
    return "digit" if symbol.isdigit() else "vowel" if symbol in "aeiou" else "consonant"


def _table(name: str, says: str, entry: Callable[[str, str], str]) -> Iterator[str]:
    yield from ("", f"# {says}", f"{name} = {{")
    yield from (f"    {window}: {entry(*_opening(window))}," for window in range(2**WIDTH))
    yield "};"


def _decoder(steps: int) -> Iterator[str]:
    yield f"""
bit = tokens_int;

# The window that opens at each position; beyond the input all bits are 0.
window = bit * 0;
for k in range({WIDTH}) {{
    window = 2 * window + aggregate(select(indices, indices + k, ==), bit, 0);
}}

symbol = symbol_of[window];
size = size_of[window];
ones = ones_of[window];
last = last_of[window];

# The decoder: from the start of one code word to that of the next, until the input ends.
at = indices * 0;
starts = indices == 0;
for step in range({steps - 1}) {{
    here = select(indices, at, ==);
    next = at + aggregate(here, size, 0);
    at = next if next < length else length;
    starts = starts or indices == at;
}}
whole = indices + size <= length;
found = starts and whole;"""


def _functions() -> Iterator[str]:
    for symbol in SYMBOLS:
        yield f"""
# Where "{symbol}" was found, how often, and whether it is the first symbol.
def find_{symbol}(symbol, found) {{
    here = symbol == "{symbol}" and found;
    number = selector_width(select(here, True, ==));
    opens = here[0];
    return here, number, opens;
}}"""


def _shares() -> Iterator[str]:
    yield from ("", "# Each symbol by itself.")
    for symbol in SYMBOLS:
        yield f"is_{symbol}, number_of_{symbol}, opens_with_{symbol} = find_{symbol}(symbol, found);"
        yield f"is_only_{symbol} = number_of_{symbol} > 0 and opens_with_{symbol};"


def _result() -> Iterator[str]:
    yield """
# The symbols, packed to the left.
rank = selector_width(select(found, True, ==) and select(indices, indices, <));
place = rank if found else -1;
letters = selector_width(select(found, True, ==));
decoded = aggregate(select(place, indices, ==), symbol, "-");

# Of what kind each symbol is, where it was found.
kind = kind_of[symbol] if found else "-";
vowels = count(kind, "vowel");
digits = count(kind, "digit");"""
