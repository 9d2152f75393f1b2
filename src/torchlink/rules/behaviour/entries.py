"""One TOML table → one rule, with every part checked."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from torchlink.model.errors import TorchlinkError
from torchlink.model.reference import Severity
from torchlink.model.rules import (
    ArgumentTest,
    Content,
    Doubt,
    Fix,
    FixKind,
    Is,
    Rewrite,
    Rule,
    Seen,
    TrialCase,
    Unless,
)


class Entry:
    """A TOML table whose keys are known, and whose values are asked for by type."""

    def __init__(self, table: Mapping[str, object], where: str, known: set[str]) -> None:
        self.table = table
        self.where = where
        unknown = sorted(set(table) - known)
        if unknown:
            raise self.wrong(f"unknown key {unknown[0]!r}", f"known: {', '.join(sorted(known))}")

    def wrong(self, what: str, mend: str) -> TorchlinkError:
        return TorchlinkError(what, where=self.where, mend=mend)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(f"{key!r} is no text", f"say {key}")
        return value.strip()

    def texts(self, key: str, *, needed: bool = False) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or (needed and not value):
            raise self.wrong(f"{key!r} is no list of texts", f"say {key}")
        return tuple(value)

    def tables(self, key: str, *, needed: bool = False) -> tuple[Mapping[str, object], ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or (needed and not value):
            raise self.wrong(f"there is no [[{key}]]", f"add one: a rule has at least one {key}")
        return tuple(value)

    def pairs(self, key: str) -> Mapping[str, str]:
        value = self.table.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self.wrong(f"{key!r} is no table of texts", "write NAME = TEXT")
        return dict(value)

    def member(self, key: str) -> Mapping[str, object]:
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(f"{key!r} is no table", f"write [{key}]")
        return value

    def optional(self, key: str, known: set[str]) -> Entry | None:
        value = self.table.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(f"{key!r} is no table", f"write [rule.{key}]")
        return Entry(value, f"{self.where}, {key}", known)

    def number(self, key: str) -> int | None:
        value = self.table.get(key)
        if value is not None and type(value) is not int:
            raise self.wrong(f"{key!r} is no number", "write a whole number")
        return value if isinstance(value, int) else None

    def versions(self, key: str) -> str:
        text = self.text(key, "")
        try:
            SpecifierSet(text)
        except InvalidSpecifier as error:
            raise self.wrong(f"{key!r} is no version specifier: {text}", "write it as in >=2.6,<3") from error
        return text

    def severity(self, key: str, default: str) -> Severity | None:
        text = self.text(key, default)
        if text == "none":
            return None
        if text not in {one.value for one in Severity}:
            raise self.wrong(f"{key!r} is no severity: {text}", "write break, risk, note or none")
        return Severity(text)


_RULE = {
    "code", "package", "before", "after", "where", "relies_on", "changes", "symptom", "raises", "severity",
    "elsewhere", "doubt", "names", "calls", "methods", "argument", "content", "unless", "fix", "rewrite", "evidence",
    "case", "culprits", "missing", "or_package", "builds",
}  # fmt: skip


def rule_of(table: Mapping[str, object], where: str) -> Rule:
    """Make a rule of its table.

    Raises:
        TorchlinkError: something is missing, unknown, or of another type.
    """
    entry = Entry(table, where, _RULE)
    code = entry.text("code")
    entry.where = f"{where} ({code})"
    rule = Rule(
        code=code,
        package=entry.text("package"),
        or_package=entry.texts("or_package"),
        before=entry.versions("before"),
        after=entry.versions("after"),
        where={name: _checked(entry, text) for name, text in entry.pairs("where").items()},
        missing=entry.texts("missing"),
        relies_on=entry.text("relies_on"),
        changes=entry.text("changes"),
        symptom=entry.text("symptom"),
        raises=frozenset(entry.texts("raises")),
        severity=entry.severity("severity", "break") or Severity.NOTE,
        elsewhere=entry.severity("elsewhere", "risk") or Severity.NOTE,
        doubt=_doubt(entry),
        names=entry.pairs("names"),
        calls=entry.texts("calls"),
        methods=entry.texts("methods"),
        builds=entry.texts("builds"),
        arguments=tuple(_argument(one, entry.where) for one in entry.tables("argument")),
        content=_content(entry),
        unless=_unless(entry),
        fixes=tuple(_fix(one, entry.where) for one in entry.tables("fix", needed=True)),
        rewrite=_rewrite(entry),
        evidence=tuple(_seen(one, entry.where) for one in entry.tables("evidence", needed=True)),
        case=_case(entry),
        culprits=entry.texts("culprits"),
    )
    if not (rule.names or rule.calls or rule.methods or rule.builds):
        raise entry.wrong("it matches nothing", "say names, calls, methods or builds")
    return rule


def _doubt(entry: Entry) -> Doubt:
    text = entry.text("doubt", "none")
    if text not in {one.value for one in Doubt}:
        raise entry.wrong(f"no such doubt: {text}", f"known: {', '.join(one.value for one in Doubt)}")
    return Doubt(text)


def _checked(entry: Entry, text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier as error:
        raise entry.wrong(f"{text!r} is no version specifier", "write it as in >=2.6,<3") from error


def _argument(table: Mapping[str, object], where: str) -> ArgumentTest:
    entry = Entry(table, f"{where}, argument", {"name", "position", "is", "values", "wanted", "from", "where"})
    kind = entry.text("is")
    if kind not in {one.value for one in Is}:
        raise entry.wrong(f"no such test: {kind}", f"known: {', '.join(one.value for one in Is)}")
    values = table.get("values", [])
    wanted = table.get("wanted", [])
    if not isinstance(values, list) or not isinstance(wanted, list):
        raise entry.wrong("values and wanted are lists", "write [...]")
    return ArgumentTest(
        name=entry.text("name"),
        test=Is(kind),
        position=entry.number("position"),
        values=tuple(value for value in values if isinstance(value, (str, bool, int))),
        wanted=tuple(tuple(map(str, group)) for group in wanted if isinstance(group, list)),
        source=entry.text("from", ""),
        where=tuple(_argument(one, entry.where) for one in entry.tables("where")),
    )


def _content(entry: Entry) -> Content | None:
    inner = entry.optional("content", {"name", "position", "unknown", "in_folder", "instead"})
    if inner is None:
        return None
    return Content(
        name=inner.text("name"),
        position=inner.number("position") or 0,
        unknown=inner.severity("unknown", "none"),
        in_folder=inner.text("in_folder", ""),
        instead=inner.texts("instead"),
    )


def _unless(entry: Entry) -> Unless:
    inner = entry.optional("unless", {"called", "within", "replaced", "environment"})
    if inner is None:
        return Unless()
    return Unless(
        called=inner.texts("called"),
        within=inner.texts("within"),
        replaced=inner.texts("replaced"),
        environment=inner.texts("environment"),
    )


def _fix(table: Mapping[str, object], where: str) -> Fix:
    entry = Entry(table, f"{where}, fix", {"kind", "text", "security", "requirement", "variable"})
    kind = entry.text("kind")
    if kind not in {one.value for one in FixKind}:
        raise entry.wrong(f"no such kind of fix: {kind}", f"known: {', '.join(one.value for one in FixKind)}")
    return Fix(
        kind=FixKind(kind),
        text=entry.text("text"),
        security=entry.text("security", ""),
        requirement=entry.text("requirement", ""),
        variable=entry.text("variable", ""),
    )


def _rewrite(entry: Entry) -> Rewrite | None:
    inner = entry.optional("rewrite", {"add", "rename", "drop", "call", "first", "allow_list"})
    if inner is None:
        return None
    return Rewrite(
        add=inner.pairs("add"),
        rename=inner.pairs("rename"),
        drop=inner.texts("drop"),
        call=inner.pairs("call"),
        first=inner.text("first", ""),
        allow_list=inner.table.get("allow_list") is True,
    )


def _seen(table: Mapping[str, object], where: str) -> Seen:
    entry = Entry(table, f"{where}, evidence", {"release", "file", "detail"})
    return Seen(release=entry.text("release"), file=entry.text("file"), detail=entry.text("detail"))


def _case(entry: Entry) -> TrialCase:
    inner = entry.optional("case", {"code", "fails", "works", "raises", "files"})
    if inner is None:
        raise entry.wrong("there is no [rule.case]", "add code that shows the change on real wheels")
    return TrialCase(
        code=inner.text("code"),
        fails=inner.texts("fails", needed=True),
        works=inner.texts("works"),
        raises=inner.text("raises"),
        files=inner.pairs("files"),
    )
