"""Exceptions of a run on paper, and what is broken behind them."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from enum import Enum

from torchlink.link.importing.values import UNKNOWN, Class, ExceptionValue, Value, exception_names
from torchlink.model.reference import Broken


class Cause(Enum):
    """Why an exception is raised."""

    MISSING_MODULE = "missing module"
    """A module that nobody provides."""
    MISSING_NAME = "missing name"
    """A module of an installed package that has no such name or sub-module."""
    GATE = "gate"
    """A version test in the source."""
    NATIVE = "native"
    """A native library that does not load."""
    OTHER = "other"
    """Raised by the source for a reason that torchlink cannot name."""


@dataclass(eq=False, slots=True)
class Failure:
    """The root cause of an exception: where it began, and which reference does not resolve."""

    cause: Cause
    module: str
    """The module that was running."""
    path: str
    line: int
    chain: tuple[str, ...]
    broken: tuple[Broken, ...]
    message: str
    explicit: bool = False
    """Whether a ``raise`` statement began it, not a reference that does not resolve."""
    raised: list[str] = field(default_factory=list)
    """Messages of the exceptions that were raised from it, outermost last."""


class Raised(Exception):
    """An exception that travels through the code that is being run on paper."""

    def __init__(self, value: ExceptionValue, *, soft: bool = False) -> None:
        super().__init__(value.message)
        self.value = value
        self.soft = soft
        """Raised by an operation on known values (a missing key), not by a statement of the source."""
        self.crossed: list[str] = []
        """Modules whose import it has ended, innermost first."""

    @property
    def failure(self) -> Failure | None:
        return self.value.failure if isinstance(self.value.failure, Failure) else None


class StepsExhausted(Exception):
    """A call took more steps than it is worth; its value is unknown."""


class PackageNotFoundError(ModuleNotFoundError):
    """Stands for ``importlib.metadata.PackageNotFoundError``."""


def exception(cls: type[BaseException], message: str, failure: Failure | None = None) -> ExceptionValue:
    """An exception of a built-in class."""
    return ExceptionValue(cls, message, (message,), failure)


def builtin_exception(name: str) -> type[BaseException]:
    """The built-in exception class of this name; ``Exception`` where there is none."""
    cls = getattr(builtins, name, None)
    return cls if isinstance(cls, type) and issubclass(cls, BaseException) else Exception


def catches(handler: Value, value: ExceptionValue) -> bool | None:
    """Whether an ``except`` clause with this type takes the exception; ``None`` where that is not known."""
    if isinstance(handler, tuple):
        answers = [_catches_one(item, value) for item in _flat(handler)]
        if any(answers):
            return True
        return None if None in answers else False
    return _catches_one(handler, value)


def _flat(handlers: tuple[Value, ...]) -> list[Value]:
    """The classes in nested tuples, each once."""
    seen: dict[int, Value] = {}
    pending: list[Value] = [handlers]
    while pending and len(seen) < MAX_HANDLERS:
        item = pending.pop()
        if id(item) not in seen:
            seen[id(item)] = item
            pending.extend(item if isinstance(item, tuple) else ())
    return [item for item in seen.values() if not isinstance(item, tuple)]


MAX_HANDLERS = 1_000


def _catches_one(handler: Value, value: ExceptionValue) -> bool | None:
    if handler is UNKNOWN:
        return None
    if isinstance(handler, type) and isinstance(value.cls, type):
        return issubclass(value.cls, handler)
    names = exception_names(value.cls)
    if isinstance(handler, type):
        if handler in (Exception, BaseException):
            return True
        return handler.__name__ in names if names else None
    if isinstance(handler, Class):
        return handler.name in names if names else None
    return None
