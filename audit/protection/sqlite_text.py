"""Read the text of CREATE TABLE and CREATE INDEX, as SQLite stores it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[^\W\d][\w$]*)
    |(?P<other>[\w.]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
# What a definition begins with that isn't a column.
CONSTRAINTS = {"constraint", "check", "unique", "primary", "foreign"}


class Token(NamedTuple):
    """A part of an SQL text. Names and words are in lower case and without quotes."""

    kind: str | None
    value: str
    start: int
    end: int


class Key(NamedTuple):
    """What is indexed: the SQL of each column or expression, and the condition or ``""``."""

    parts: list[str]
    condition: str


def tokens_in(sql: str) -> list[Token]:
    """Return the parts of an SQL text, without spaces and comments."""
    tokens = []
    for found in TOKEN.finditer(sql):
        if found.lastgroup != "space":
            value = found[0]
            if found.lastgroup == "name":
                value = (value[1:-1] if value[0] in '"`[' else value).lower()
            tokens.append(Token(found.lastgroup, value, found.start(), found.end()))
    return tokens


def names_in(sql: str) -> set[str]:
    """Return the words and names in an SQL text, in lower case."""
    return {token.value for token in tokens_in(sql) if token.kind == "name"}


def checks_in(create_table: str) -> Iterator[tuple[str, str]]:
    """Yield the name, or ``""``, and the condition of each CHECK."""
    for definition in _definitions(create_table):
        for place, token in enumerate(definition):
            if _is_word(create_table, token, "check") and _depth(definition[:place]) == 0:
                inside = _group(definition[place + 1 :])
                named = place >= 2 and definition[place - 2].value == "constraint"
                name = definition[place - 1].value if named else ""
                yield name, create_table[inside[0].start : inside[-1].end]


def conflicts_in(create_table: str) -> list[str]:
    """Return what each ON CONFLICT does, in lower case."""
    tokens = tokens_in(create_table)
    return [
        after.value
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if before.value == "on" and _is_word(create_table, token, "conflict")
    ]


def collations_in(create_table: str) -> dict[str, str]:
    """Return the collation of each column that names one, in lower case."""
    found = {}
    for definition in _definitions(create_table):
        if any(_is_word(create_table, definition[0], word) for word in CONSTRAINTS):
            continue
        for place, token in enumerate(definition[1:], 1):
            if _is_word(create_table, token, "collate") and _depth(definition[:place]) == 0:
                found[definition[0].value] = definition[place + 1].value
    return found


def key_in(create_index: str) -> Key:
    """Return what an index is on."""
    tokens = tokens_in(create_index)
    start = next(at for at, token in enumerate(tokens) if token.value == "(")
    inside = _group(tokens[start:])
    rest = tokens[start + len(inside) + 2 :]
    parts = []
    for part in _split(inside):
        while part[-1].value in ("asc", "desc"):
            part.pop()
        parts.append(create_index[part[0].start : part[-1].end])
    condition = create_index[rest[0].end :].strip() if rest else ""
    return Key(parts, condition)


def _definitions(create_table: str) -> list[list[Token]]:
    """Return the tokens of each column and each constraint of the table."""
    tokens = tokens_in(create_table)
    start = next((at for at, token in enumerate(tokens) if token.value == "("), len(tokens))
    return _split(_group(tokens[start:]))


def _group(tokens: list[Token]) -> list[Token]:
    """Return the tokens within the parentheses that ``tokens`` begins with."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += _depth([token])
        if not depth:
            return tokens[1:place]
    return tokens[1:]


def _split(tokens: list[Token]) -> list[list[Token]]:
    """Split tokens at the commas that aren't within parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += _depth([token])
        if depth == 0 and token.kind == "other" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _depth(tokens: list[Token]) -> int:
    return sum({"(": 1, ")": -1}.get(token.value, 0) for token in tokens if token.kind == "other")


def _is_word(sql: str, token: Token, word: str) -> bool:
    return token.value == word and sql[token.start : token.end].lower() == word
