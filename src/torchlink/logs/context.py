"""What a log tells about where it was written: versions, the interpreter, the platform, the frames before a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torchlink.logs.digest import Digest
from torchlink.logs.packages import PROJECT, PYTHON, package_of_path
from torchlink.model.names import normalise

_NAMES = (
    "torch|pytorch|torchvision|torchaudio|torchao|torchmetrics|torchtext|numpy|pandas|scipy|scikit-learn|transformers"
    "|tokenizers|diffusers|accelerate|peft|huggingface[-_]hub|safetensors|datasets|flash[-_]attn|xformers|triton|vllm"
    "|deepspeed|pytorch[-_]lightning|lightning|setuptools|protobuf|tensorboard|tensorflow|ultralytics|timm|mkl|pillow"
    "|bitsandbytes|opencv-python|mmcv(?:-full)?|detectron2|basicsr|nvidia-[a-z-]+-cu1\\d"
)
_VERSION = r"v?(\d+(?:\.\d+){1,3}(?:[.\-]?(?:a|b|rc|post|dev)\.?\d+)?(?:\+[\w.]+)?)"
_STATED = re.compile(
    rf"(?<![\w/.-])({_NAMES})"
    rf"(?:\s{{0,3}}(?:version|==|:|=)\s{{0,3}}|[ \t]{{1,40}}|\s?version:\s{{0,3}})[\"'(]?{_VERSION}",
    re.IGNORECASE,
)
_INSTALLED = re.compile(rf"(?<=[\s/\\])({_NAMES})-{_VERSION}(?=[\s,.]|$|-py|\.dist-info)", re.IGNORECASE)
_SATISFIED = re.compile(r"Requirement already satisfied: ([\w.-]{1,80})\S{0,80} in .{1,200} \(([\d.+\w]{1,40})\)")
_OLD = re.compile(
    r"[Uu]ninstall|Found existing installation|No matching|Could not find a version|but you|requires|<=|>="
)

_PYTHON = (
    re.compile(r"python(\d\.\d{1,2})/(?:site|dist)-packages"),
    re.compile(r"[\\/]Python(\d)(\d{1,2})[\\/]"),
    re.compile(r"\.cpython-(\d)(\d{1,2})[-.]"),
    re.compile(r"[-_.]cp(\d)(\d{1,2})[-_]"),
    re.compile(r"Python(?: version)?:? v?(\d\.\d{1,2})(?:\.\d+)?", re.IGNORECASE),
    re.compile(r"/python(\d\.\d{1,2})/"),
)
_PLATFORMS = (
    (re.compile(r"\b[A-Z]:\\|WinError|\.pyd\b|DLL load failed|win_amd64|win32"), "windows"),
    (re.compile(r"/Users/\w|macosx|darwin|\.dylib\b|\bMPS\b"), "macos"),
    (re.compile(r"/home/|/usr/|/opt/|\.so\b|linux|/root/|/content/|/workspace|/mnt/"), "linux"),
)

_FRAME = re.compile(r'^\s*File "([^"\n]{1,500})", line (\d{1,7})(?:, in (.{1,200}))?')
_NOTEBOOK_FRAME = re.compile(
    r"^(?:File )?([~/A-Za-z][^\n:]{0,2}[^\n:]{0,300}\.py)(?::(\d{1,7}))?,? in ([\w.<>]{1,100})"
)
_NOTEBOOK_MODULE = re.compile(r"^File ([~/A-Za-z][^\n]{0,300}?\.py):(\d{1,7})(?P<none>)")
_RICH_FRAME = re.compile(r"^│ ([~/A-Z][^\n│]{0,300}?\.py):(\d{1,7}) in ([\w.<>]{0,100})")
_FRAMES = (_FRAME, _NOTEBOOK_FRAME, _NOTEBOOK_MODULE, _RICH_FRAME)
TRACEBACK = "Traceback (most recent call last)"
CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_REACH = 90
"""Lines that are looked back for frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One line of a traceback."""

    path: str
    line: int
    function: str
    package: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the whole log tells."""

    versions: Mapping[str, str]
    """Versions by PEP 503 name; the last that was stated."""
    python: str
    platform: str
    """``linux``, ``windows``, ``macos`` or empty."""


def read_context(digest: Digest) -> Context:
    """Read the versions and the platform that a log tells."""
    text = digest.text
    return Context(versions=_versions(text), python=_python(text), platform=_platform(text))


def _versions(text: str) -> dict[str, str]:
    versions: dict[str, str] = {}
    for pattern in (_STATED, _INSTALLED, _SATISFIED):
        for match in pattern.finditer(text):
            if not _OLD.search(text, max(text.rfind("\n", 0, match.start()) + 1, match.start() - 80), match.start()):
                versions[_name(match[1])] = match[2]
    return versions


def _name(name: str) -> str:
    known = normalise(name)
    return "torch" if known == "pytorch" else known


def _python(text: str) -> str:
    for pattern in _PYTHON:
        if match := pattern.search(text):
            return ".".join(match.groups())
    return ""


def _platform(text: str) -> str:
    return next((name for pattern, name in _PLATFORMS if pattern.search(text)), "")


def frames_near(digest: Digest, first: int, last: int) -> tuple[Frame, ...]:
    """The frames of the traceback that ends at a message; outermost first.

    A message that comes before its traceback (NumPy's on modules of another generation) gets the frames that follow.
    """
    return _frames_before(digest, first) or _frames_after(digest, last)


def _frames_before(digest: Digest, index: int) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    for place in range(index, max(-1, index - _REACH), -1):
        text = digest.lines[place].text
        if frame := _frame(text):
            frames.append(frame)
        if text.startswith(TRACEBACK) and (frames or place < index - 1):
            break
    return tuple(reversed(frames))


def _frames_after(digest: Digest, index: int) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    began = False
    for line in digest.lines[index + 1 : index + _REACH]:
        began = began or line.text.startswith(TRACEBACK)
        if not began:
            continue
        if frame := _frame(line.text.removeprefix(TRACEBACK + ":")):
            frames.append(frame)
        elif frames and line.text and not line.text.startswith((" ", "\t", TRACEBACK)):
            break
    return tuple(frames)


def _frame(text: str) -> Frame | None:
    match = next((found for pattern in _FRAMES if (found := pattern.match(text))), None)
    if match is None:
        return None
    path = match[1]
    return Frame(path=path, line=int(match[2] or 0), function=(match[3] or "").strip(), package=package_of_path(path))


def needer_of(frames: tuple[Frame, ...], provider: str) -> str:
    """The package whose code asked: that of the innermost frame which is not the provider's own, nor Python's."""
    for frame in reversed(frames):
        if frame.package not in ("", PYTHON, provider) and not frame.path.startswith("<"):
            return frame.package
    return ""


def is_ours(package: str) -> bool:
    """Whether a name stands for a distribution, and not for the project or a part of the machine."""
    return package not in ("", PROJECT, PYTHON, "system", "driver")
