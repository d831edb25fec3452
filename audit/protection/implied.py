"""
Whether the models' CHECKs imply an additional one, which then refuses nothing that they allow.

It is decided for conditions that only compare one column with constants. Such a condition has the
same result for all values between two neighbouring constants, so that a few values show it for all.
"""

import re

from audit.protection.expected import Table
from audit.protection.new_rows import NewRows, Refused, quoted
from audit.protection.sqlite_text import Token, tokens_in

OPERATORS = {"and", "or", "not", "between", "in", "is", "null", "any", "all", "array"}
# The types of columns that are compared, as which they are evaluated, and their names in casts.
INTEGERS = re.compile("bigint|integer( unsigned)?", re.IGNORECASE)
TEXTS = re.compile(r"text|varchar\(\d+\)", re.IGNORECASE)
CASTS = {"bigint": {"bigint", "integer"}, "text": {"text", "character", "varying"}}
LARGEST = 2**63 - 1


def is_implied(condition: str, table: Table, new: NewRows) -> bool:
    """Return whether a CHECK accepts every value that the CHECKs of the models accept."""
    name = _compared(condition, table)
    if name is None:
        return False
    wanted = [sql for sql in table.checks.values() if _compared(sql, table) == name]
    kind, nullable, _ = table.columns[name]
    constants = {text for sql in (condition, *wanted) for text in _constants(sql)}
    values = _numbers(constants) if INTEGERS.fullmatch(kind) else _texts(constants)
    literals = ["'{}'".format(value.replace("'", "''")) for value in sorted(values)]
    type_ = _type(kind)
    rows = " UNION ALL ".join(
        f"SELECT CAST({literal} AS {type_}) AS {quoted(name)}"
        for literal in (*literals, *(["NULL"] if nullable else []))
    )
    tests = (f"({condition}) IS FALSE", *(f"({sql}) IS NOT FALSE" for sql in wanted))
    refused = f"(SELECT count(*) FROM ({rows}) AS sample WHERE {' AND '.join(tests)})"
    try:
        return set(NewRows.values(new, refused) or [1]) == {0}
    except Refused:
        return False


def _type(kind: str) -> str | None:
    if INTEGERS.fullmatch(kind):
        return "bigint"
    return "text" if TEXTS.fullmatch(kind) else None


def _tokens(condition: str) -> list[Token]:
    """Return the tokens, including those in the brackets of an array on PostgreSQL."""
    tokens = []
    for token in tokens_in(condition):
        if condition[token.start] == "[":
            inside = tokens_in(condition[token.start + 1 : token.end - 1])
            tokens += [token._replace(kind="other", value="["), *inside]
            tokens.append(token._replace(kind="other", value="]"))
        else:
            tokens.append(token)
    return tokens


def _compared(condition: str, table: Table) -> str | None:
    """Return the column that a condition compares with constants, if it does nothing else."""
    tokens = _tokens(condition)
    names = {token.value for token in tokens if token.kind == "name"}
    columns = names & table.columns.keys()
    if len(columns) != 1:
        return None
    [column] = columns
    type_ = _type(table.columns[column][0])
    if type_ is None or names - columns - OPERATORS - CASTS[type_]:
        return None
    is_known = all(
        _is_constant(token, type_) or _is_operator(tokens, place, type_)
        for place, token in enumerate(tokens)
    )
    return column if is_known else None


def _is_constant(token: Token, type_: str) -> bool:
    if token.kind == "text" and type_ == "text":
        return True
    number = token.value.strip("'")
    return (
        type_ == "bigint"
        and bool(re.fullmatch(r"-?[0-9]{1,19}", number))
        and abs(int(number)) < LARGEST
    )


def _is_operator(tokens: list[Token], place: int, type_: str) -> bool:
    """Return whether a token belongs to a comparison, and isn't arithmetic or a length."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if token.value == "between":
        return type_ == "bigint"
    if token.kind == "name":
        # `varchar(3)` and `bigint(3)` would be types of another length.
        return token.value not in CASTS[type_] or after is None or after.value != "("
    if token.value in "<>" and type_ == "text":
        # Only `<>`, because the order of texts depends on the collation.
        pair = [before, token] if token.value == ">" else [token, after]
        return [part and part.value for part in pair] == ["<", ">"]
    if token.value == "-":
        is_sign = before is None or before.value in "(,[<>=" or before.value in OPERATORS
        return is_sign and after is not None and after.value.isdigit()
    return token.value in "()[],=!<>:"


def _constants(condition: str) -> set[str]:
    return {
        token.value[1:-1].replace("''", "'") if token.kind == "text" else token.value
        for token in _tokens(condition)
        if token.kind == "text" or token.value.isdigit()
    }


def _numbers(constants: set[str]) -> set[str]:
    """Return each number, positive and negative, with its two neighbours, and the extremes."""
    # SQLite reads a comparison as 0 or 1.
    numbers = {0, 1, *(sign * int(text) for text in constants for sign in (1, -1))}
    near = {number + step for number in numbers for step in (-1, 0, 1)}
    return {str(number) for number in (*near, LARGEST, -LARGEST - 1)}


def _texts(constants: set[str]) -> set[str]:
    """Return each constant, and a text that is none of them."""
    # SQLite reads a comparison as 0 or 1, and a text as a condition.
    return {*constants, "0", "1", "".join(sorted(constants)) + "other"}
