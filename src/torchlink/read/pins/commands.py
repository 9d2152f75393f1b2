"""Install commands: what pip, uv, conda and their like are told to install.

Sources: ``pip install --help`` (pip 26), ``uv pip install --help`` (uv 0.13), ``conda install --help`` (conda 25).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torchlink.model.pins import Indexes, Notation, Pin, Role, Step, Tool
from torchlink.read.pins.paths import beside
from torchlink.read.pins.requirement import read_ranged, read_requirement
from torchlink.read.pins.requirements_txt import named_address, shortened
from torchlink.read.pins.script import Argument
from torchlink.read.pins.text import Document, Piece

_PIP = re.compile(r"(?:.*[/\\])?pip(?:\d(?:\.\d+)?)?(?:\.exe)?")
_CONDA = re.compile(r"(?:.*[/\\])?(?:conda|mamba|micromamba)(?:\.exe)?")
_UV = re.compile(r"(?:.*[/\\])?uv(?:\.exe)?")
_MANIFEST_TOOLS = frozenset({"poetry", "pdm", "pixi", "pipenv"})
_INSTALLING = frozenset({"install", "i"})
_REQUIREMENTS = ("-r", "--requirement", "--requirements", "--file")
_CONSTRAINTS = ("-c", "--constraint", "--constraints")
_CONDA_VERBS = frozenset({"install", "create", "update", "upgrade"})
_WITH_VALUE = frozenset(
    [
        "-r",
        "--requirement",
        "--requirements",
        "-c",
        "--constraint",
        "--constraints",
        "-i",
        "--index-url",
        "--default-index",
        "--index",
        "--extra-index-url",
        "-f",
        "--find-links",
        "-e",
        "--editable",
        "-t",
        "--target",
        "--prefix",
        "--root",
        "--python-version",
        "--platform",
        "--python-platform",
        "--upgrade-strategy",
        "--no-binary",
        "--only-binary",
        "--progress-bar",
        "--cache-dir",
        "--timeout",
        "--retries",
        "--trusted-host",
        "--index-strategy",
        "--torch-backend",
        "-p",
        "--python",
        "--config-settings",
        "-C",
        "--global-option",
        "--build-option",
        "--src",
        "--proxy",
        "--log",
        "--cert",
        "--client-cert",
        "--exists-action",
        "--implementation",
        "--abi",
        "--report",
        "--root-user-action",
        "--extra",
        "--group",
        "--exclude-newer",
        "--prerelease",
        "--resolution",
        "--link-mode",
        "--keyring-provider",
        "--override",
        "--overrides",
        "--upgrade-package",
        "-P",
        "--reinstall-package",
        "--default-timeout",
        "--build-constraint",
        "--no-build-isolation-package",
        "--allow-insecure-host",
        "--config-file",
        "--directory",
        "--project",
        "-n",
        "--name",
        "--channel",
        "--file",
        "--solver",
        "--repodata-fn",
        "-G",
        "--source",
        "--package",
        "--optional",
        "--tag",
        "--rev",
        "--branch",
    ]
)
_CONDA_WITH_VALUE = _WITH_VALUE - {"-c", "-r", "-i", "-f", "-e", "-t", "-C"} | {"-c", "-p"}
_LOCAL = re.compile(r"(?:\w+\+)?\w{2,}://|\.{0,2}[/\\]|\.$|\.\[|~/|[A-Za-z]:\\|.*\.(?:whl|zip|tar\.gz)(?:\[.*\])?$")
_ADDRESS = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*@\s*\S+")
_CONDA_SPEC = re.compile(
    r"(?:(?P<channel>[\w./:-]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<range>(?:[=<>!~ ]|\s).*)?", re.DOTALL
)
_CONDA_BUILD = re.compile(r"(?P<version>={1,2}[^=\s]+)(?:=|\s+)(?P<build>[\w*.]+)")
_REDIRECTED = "the shell takes an unquoted > for a redirection: the bound is lost"


@dataclass(slots=True)
class _Options:
    """What the words of a command say, word by word."""

    packages: list[Argument] = field(default_factory=list)
    editables: list[Argument] = field(default_factory=list)
    values: dict[str, list[Argument]] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def texts(self, *names: str) -> tuple[str, ...]:
        return tuple(one.unknown or one.piece.text for one in self._of(names))

    def known(self, *names: str) -> tuple[str, ...]:
        return tuple(one.piece.text for one in self._of(names) if not one.unknown)

    def unknown(self, *names: str) -> tuple[str, ...]:
        return tuple(shortened(one.piece.text + one.unknown) for one in self._of(names) if one.unknown)

    def _of(self, names: Sequence[str]) -> list[Argument]:
        return [one for name in names for one in self.values.get(name, ())]


def read_command(
    document: Document,
    arguments: Sequence[Argument],
    at: Piece,
    *,
    condition: str = "",
    tolerated: bool = False,
    redirected: Sequence[int] = (),
) -> Step | None:
    """The step that a command is, or ``None`` where it installs nothing.

    Args:
        document: The file.
        arguments: The command's words.
        at: Where it stands.
        condition: The test it stands under.
        tolerated: Whether its failure is.
        redirected: Where a ``>`` redirection to a file such as ``=2.0`` begins: the shell's reading of ``torch>=2.0``.
    """
    found = _tool(arguments)
    if found is None:
        return None
    tool, verb, rest = found
    options = _sorted_out(rest, _CONDA_WITH_VALUE if tool is Tool.CONDA else _WITH_VALUE)
    pins, others, unread = _packages(document, options, tool, condition)
    pins = [replace(pin, note=_REDIRECTED) if pin.place.end in redirected else pin for pin in pins]
    constraints = () if tool is Tool.CONDA else _CONSTRAINTS  # conda's -c is a channel
    step = Step(
        tool=tool,
        place=document.place_of(at),
        command=" ".join(one.unknown or one.piece.text for one in arguments),
        pins=tuple(pins),
        removes=verb in ("uninstall", "remove"),
        fetches=verb == "download",
        indexes=_indexes(options, tool),
        upgrade=bool(options.flags & {"-U", "--upgrade"}) or verb in ("update", "upgrade"),
        eager="eager" in options.texts("--upgrade-strategy"),
        no_deps="--no-deps" in options.flags,
        prereleases=bool(options.flags & {"--pre"}),
        requirement_files=_files(document, options.known(*_REQUIREMENTS)),
        constraint_files=_files(document, options.known(*constraints)),
        others=tuple(others),
        unread=(*unread, *options.unknown(*_REQUIREMENTS, *constraints)),
        condition=condition,
        tolerated=tolerated,
    )
    return step if pins or others or step.unread or step.requirement_files else None


def _tool(arguments: Sequence[Argument]) -> tuple[Tool, str, Sequence[Argument]] | None:
    """Whose command it is, its verb, and the words behind that."""
    words = [one.piece.text if not one.unknown else "" for one in arguments]
    for index, word in enumerate(words):
        if word.startswith("-") or not word:
            continue
        if _UV.fullmatch(word) and words[index + 1 : index + 2] == ["add"]:
            return Tool.PROJECT, "add", arguments[index + 2 :]
        if _PIP.fullmatch(word):
            tool = Tool.UV if index and _UV.fullmatch(words[index - 1]) else Tool.PIP
            return _verb(tool, arguments[index + 1 :], words[index + 1 :], _INSTALLING | {"uninstall", "download"})
        if _CONDA.fullmatch(word):
            found = _verb(Tool.CONDA, arguments[index + 1 :], words[index + 1 :], _CONDA_VERBS)
            if found is not None:
                return found
        if word in _MANIFEST_TOOLS:
            return _verb(Tool.PROJECT, arguments[index + 1 :], words[index + 1 :], frozenset({"add"}))
    # ``"$PYTHON" -m pip install``, ``$PIP install``: what stands before is not known and need not be.
    if len(words) > 2 and arguments[0].unknown and "PIP" in arguments[0].unknown.upper() and words[1] in _INSTALLING:
        return Tool.PIP, words[1], arguments[2:]
    return None


def _verb(
    tool: Tool, arguments: Sequence[Argument], words: Sequence[str], verbs: frozenset[str]
) -> tuple[Tool, str, Sequence[Argument]] | None:
    skip = False
    for index, word in enumerate(words):
        if skip or word.startswith("-"):
            skip = word in _WITH_VALUE and "=" not in word and not skip
            continue
        return (tool, word, arguments[index + 1 :]) if word in verbs else None
    return None


def _sorted_out(arguments: Sequence[Argument], with_value: frozenset[str]) -> _Options:
    options = _Options()
    pending = ""
    for one in arguments:
        text = one.piece.text
        if pending:
            options.values.setdefault(pending, []).append(one)
            pending = ""
        elif text.startswith("-") and len(text) > 1:
            name, equals, _ = text.partition("=")
            short = text[:2] if not text.startswith("--") and len(text) > 2 and text[:2] in with_value else ""
            if equals and name in with_value:
                options.values.setdefault(name, []).append(replace(one, piece=one.piece.part(len(name) + 1)))
            elif short:
                options.values.setdefault(short, []).append(replace(one, piece=one.piece.part(2)))
            elif text in with_value:
                pending = text
            else:
                options.flags.add(text)
        elif text or one.unknown:
            options.packages.append(one)
    options.editables = [one for name in ("-e", "--editable") for one in options.values.get(name, ())]
    return options


def _packages(
    document: Document, options: _Options, tool: Tool, condition: str
) -> tuple[list[Pin], list[str], list[str]]:
    pins: list[Pin] = []
    others: list[str] = []
    unread: list[str] = []
    for one in (*options.packages, *options.editables):
        pin = None if one.unknown and not _named_whole(one) else read_package(document, one.piece, tool, condition)
        if pin is not None and one.unknown:
            pin = _half_known(pin, one.unknown)
        if pin is not None:
            pins.append(pin)
        elif one.unknown:
            unread.append(shortened(one.piece.text + one.unknown))
        elif _LOCAL.match(one.piece.text) or _ADDRESS.fullmatch(one.piece.text):
            others.append(one.piece.text)
        else:
            unread.append(shortened(one.piece.text))
    return pins, others, unread


def _named_whole(argument: Argument) -> bool:
    """``torch==$VERSION``: the name is there and only the version is not."""
    return bool(re.match(r"[A-Za-z0-9][\w.-]*\s*(\[[^\]]*\])?\s*[=<>!~]", argument.piece.text))


def _half_known(pin: Pin, unknown: str) -> Pin:
    before, plus, tag = pin.wanted.partition("+")
    is_behind = plus and not before[-1:].isalnum()  # torch==$VERSION+cpu
    wanted = f"{before}{unknown}+{tag}" if is_behind else f"{pin.wanted}{unknown}"
    return replace(pin, specifier=None, wanted=wanted, clauses=(), note=f"{unknown} is not known here")


def read_package(document: Document, piece: Piece, tool: Tool, condition: str = "") -> Pin | None:
    """The pin that one word of an install command is."""
    if tool is Tool.CONDA:
        return read_conda(document, piece, context=condition)
    if re.match(r"\w+\+\w+://", piece.text):
        return named_address(document, piece, Role.REQUIREMENT, condition)
    if (pin := read_requirement(document, piece, context=condition)) is not None:
        return pin
    unfinished = re.fullmatch(
        r"(?P<name>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?\s*(?P<sign>==|>=|<=|~=|>|<|@).*", piece.text
    )
    if unfinished is None or _LOCAL.match(piece.text):
        return None
    wanted = piece.part(unfinished.start("sign"))
    name = piece.part(*unfinished.span("name"))
    notation = Notation.POETRY if tool is Tool.PROJECT else Notation.PEP440
    wanted = wanted.part(1) if unfinished["sign"] == "@" and tool is Tool.PROJECT else wanted
    return read_ranged(document, name.text, wanted, at=name, notation=notation, context=condition)


def read_conda(document: Document, piece: Piece, *, role: Role = Role.REQUIREMENT, context: str = "") -> Pin | None:
    """The pin of a conda match specification: ``pytorch::pytorch=2.3.1=py3.11_cuda*``, ``numpy >=1.24,<2``."""
    bare = piece.text.partition("[")[0]
    match = _CONDA_SPEC.fullmatch(bare.rstrip())
    if match is None:
        return None
    wanted = (
        piece.part(*match.span("range")).stripped()
        if match["range"]
        else piece.part(match.end("name"), match.end("name"))
    )
    build = _CONDA_BUILD.fullmatch(wanted.text)
    if build is not None:
        wanted = wanted.part(*build.span("version"))
    name = piece.part(*match.span("name"))
    pin = read_ranged(document, name.text, wanted, at=name, notation=Notation.CONDA, role=role, context=context)
    return replace(pin, note=f"build {build['build']}") if pin and build else pin


def _indexes(options: _Options, tool: Tool) -> Indexes:
    if tool is Tool.CONDA:
        return Indexes(extra=options.texts("-c", "--channel"))
    main = options.texts("-i", "--index-url", "--default-index")
    return Indexes(
        index=main[-1] if main else "",
        extra=options.texts("--extra-index-url", "--index"),
        find_links=options.texts("-f", "--find-links"),
        no_index="--no-index" in options.flags,
    )


def _files(document: Document, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(beside(document.file, name) for name in names)
