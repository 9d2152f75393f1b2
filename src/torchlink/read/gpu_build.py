"""What torch was built for, the code for GPUs in an environment, and where a project's source asks for a GPU."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from torchlink.model.environment import Distribution, Environment, Project
from torchlink.model.errors import UnreadableError
from torchlink.model.machine import DeviceCode
from torchlink.model.store import ByteStore
from torchlink.read.bounded import read_bounded, read_head
from torchlink.read.gpu_code import read_device_code
from torchlink.read.project import notebook_source
from torchlink.read.syntax import parse

_VERSION_LINE = re.compile(r"^(cuda|hip)\s*(?::[^=]*)?=\s*['\"]([\d.]+)[\w.-]*['\"]", re.MULTILINE)
_CUDA_WORD = re.compile(r"cuda(?::\d+)?")
_MAX_SOURCE = 4 * 2**20
_SEPARATOR = "\x1f"
_FORMAT = 2
"""Of what is remembered of a library: it rises where more is read of one."""


def torch_versions(torch: Distribution) -> dict[str, str]:
    """``cuda`` and ``hip`` of ``torch/version.py``, which torch's build writes."""
    return dict(_VERSION_LINE.findall(_version_file(torch)))


def _version_file(torch: Distribution) -> str:
    path = next((path for path in torch.files if path.replace("\\", "/").endswith("/torch/version.py")), "")
    try:
        return read_head(path, 64 * 1024).decode("utf-8", "replace") if path else ""
    except UnreadableError:
        return ""


def is_without_gpus(torch: Distribution) -> bool:
    """Whether torch says that it was built for the CPU alone; not where it cannot be asked."""
    text = _version_file(torch)
    return "\ncuda" in text and _VERSION_LINE.search(text) is None


def device_code(environment: Environment, natives: Iterable[str], store: ByteStore) -> dict[str, DeviceCode]:
    """The libraries of torch and of what needs it that have code for GPUs. CUDA's own libraries are NVIDIA's affair."""
    nvidia = {path for one in environment.distributions if one.name.startswith("nvidia-") for path in one.files}
    found = {path: _remembered(path, store) for path in natives if path not in nvidia}
    return {path: code for path, code in found.items() if code.modules or (code.problem and "torch" in path)}


def _remembered(path: str, store: ByteStore) -> DeviceCode:
    try:
        status = Path(path).stat()
    except OSError:
        return DeviceCode(path=path, modules={})
    key = f"{_FORMAT}:{path}:{status.st_size}:{status.st_mtime_ns}"
    kept = store.get("device-code", key)
    if kept is not None:
        return _unpacked(path, kept)
    code = read_device_code(path)
    if not code.problem:
        store.put("device-code", key, _packed(code))
    return code


def _packed(code: DeviceCode) -> bytes:
    rows = (f"{count}{_SEPARATOR}{_SEPARATOR.join(module)}" for module, count in code.modules.items())
    return "\n".join(rows).encode()


def _unpacked(path: str, data: bytes) -> DeviceCode:
    rows = [line.split(_SEPARATOR) for line in data.decode().splitlines() if line]
    return DeviceCode(path=path, modules={tuple(names): int(count) for count, *names in rows})


def gpu_uses(project: Project) -> tuple[str, ...]:
    """Where a project's source asks for NVIDIA's or AMD's GPUs: ``.cuda()``, ``"cuda:0"``; the first of each file."""
    return tuple(place for path in project.sources if (place := _first_use(path, project.root)))


def _first_use(path: Path, root: Path) -> str:
    try:
        data = read_bounded(path, _MAX_SOURCE)
        if b"cuda" not in data:
            return ""
        source = notebook_source(data) if path.suffix == ".ipynb" else data
        tree = parse(source)
    except (UnreadableError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    line = min(_uses(tree), default=0)
    return f"{path.relative_to(root).as_posix()}:{line}" if line else ""


def _uses(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cuda":
            yield node.lineno
        elif isinstance(node, ast.Call):
            for value in (*node.args, *(keyword.value for keyword in node.keywords)):
                if (
                    isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                    and _CUDA_WORD.fullmatch(value.value)
                ):
                    yield value.lineno
