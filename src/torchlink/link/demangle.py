"""Readable names of mangled C++ symbols: enough for a message, without the types of the arguments.

After the Itanium C++ ABI, section 5.1. Template arguments and parameters are shown as dots; what is not understood
stays as it is.
"""

from __future__ import annotations

import re

_SPECIAL = {
    "TV": "vtable for ",
    "TI": "typeinfo for ",
    "TS": "typeinfo name for ",
    "TT": "VTT for ",
    "GV": "guard variable for ",
    "TH": "TLS init function for ",
    "TW": "TLS wrapper function for ",
}
_STANDARD = {
    "St": "std",
    "Sa": "std::allocator",
    "Sb": "std::basic_string",
    "Ss": "std::string",
    "Si": "std::istream",
    "So": "std::ostream",
    "Sd": "std::iostream",
}
_OPERATORS = {
    "nw": " new", "na": " new[]", "dl": " delete", "da": " delete[]", "aS": "=", "cl": "()", "ix": "[]", "pt": "->",
    "pl": "+", "mi": "-", "ml": "*", "dv": "/", "rm": "%", "pL": "+=", "mI": "-=", "mL": "*=", "dV": "/=", "pp": "++",
    "mm": "--", "ng": "-", "ps": "+", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "ss": "<=>",
    "nt": "!", "aa": "&&", "oo": "||", "an": "&", "or": "|", "eo": "^", "co": "~", "ls": "<<", "rs": ">>", "lS": "<<=",
    "rS": ">>=", "de": "*", "ad": "&", "cm": ",",
}  # fmt: skip
_LENGTH = re.compile(r"\d{1,5}")
_SUBSTITUTION = re.compile(r"S[0-9A-Z]*_")
_ARGUMENT = re.compile(r"S[0-9A-Z]*_|T[0-9]*_|A[0-9]+_|L[a-z]n?[0-9]+E|S[tabsiod]|D[a-zA-Z]")
_OPENERS = "INXJFLZ"


def demangle(symbol: str) -> str:
    """A readable name: ``at::_ops::zeros_like::call(...)``; the symbol itself where it is not understood."""
    if not symbol.startswith("_Z"):
        return symbol
    prefix = _SPECIAL.get(symbol[2:4], "")
    position = 4 if prefix else 2
    try:
        names, suffix, position = _name(symbol, position)
    except (ValueError, IndexError):
        return symbol
    called = "(...)" if position < len(symbol) and not prefix else ""
    return f"{prefix}{'::'.join(names)}{called}{suffix}"


def _name(text: str, position: int) -> tuple[list[str], str, int]:
    """A name: its components, what follows the arguments, and where it ends."""
    if text[position] != "N":
        names: list[str] = []
        if text.startswith("St", position):
            names, position = ["std"], position + 2
        name, position = _component(text, position, names)
        names.append(name)
        if text[position : position + 1] == "I":
            names[-1] += "<...>"
            position = _end_of_arguments(text, position)
        return names, "", position
    position += 1
    suffix = ""
    while text[position] in "rVKRO":
        suffix += " const" if text[position] == "K" else ""
        position += 1
    names = []
    while text[position] != "E":
        if text[position] == "I":
            names[-1] += "<...>"
            position = _end_of_arguments(text, position)
            continue
        name, position = _component(text, position, names)
        names.append(name)
    return names, suffix, position + 1


def _component(text: str, position: int, before: list[str]) -> tuple[str, int]:
    """One component of a nested name."""
    if text[position] == "L":
        position += 1
    pair = text[position : position + 2]
    if match := _LENGTH.match(text, position):
        return _source_name(text, match.end(), int(match[0]))
    if pair[0] in "CD" and pair[1].isdigit() and before:
        bare = before[-1].partition("<")[0].partition("[")[0]
        return _tagged(text, position + 2, f"~{bare}" if pair[0] == "D" else bare)
    if pair in _STANDARD:
        return _STANDARD[pair], position + 2
    if pair in _OPERATORS:
        return _tagged(text, position + 2, f"operator{_OPERATORS[pair]}")
    if match := _SUBSTITUTION.match(text, position):
        return "...", match.end()
    raise ValueError(text)


def _source_name(text: str, start: int, length: int) -> tuple[str, int]:
    end = start + length
    if end > len(text) or not length:
        raise ValueError(text)
    name = text[start:end]
    return _tagged(text, end, "(anonymous namespace)" if name.startswith("_GLOBAL__N") else name)


def _tagged(text: str, position: int, name: str) -> tuple[str, int]:
    """A name with its ABI tags: ``name[abi:cxx11]``."""
    while text[position : position + 1] == "B" and (match := _LENGTH.match(text, position + 1)):
        end = match.end() + int(match[0])
        name += f"[abi:{text[match.end() : end]}]"
        position = end
    return name, position


def _end_of_arguments(text: str, position: int) -> int:
    """The position behind template arguments ``I...E``."""
    depth = 0
    while position < len(text):
        if match := _LENGTH.match(text, position):
            position = match.end() + int(match[0])
        elif match := _ARGUMENT.match(text, position):
            position = match.end()
        else:
            depth += (text[position] in _OPENERS) - (text[position] == "E")
            position += 1
            if not depth:
                return position
    raise ValueError(text)
