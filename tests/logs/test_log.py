"""Whole logs: which error is explained, by which cause, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import torchlink
from torchlink.logs.log import Explained, explain_log, read_log
from torchlink.model.reference import Severity

UNRELATED = sorted((Path(__file__).parent / "unrelated").glob("*.log"))
WITHOUT_ERROR = {"training.log", "pip.log"}


def explained(text: str) -> Explained:
    log = read_log(text.encode(), "log")
    return explain_log(log, log.context)


@pytest.mark.parametrize("path", UNRELATED, ids=lambda path: path.stem)
def test_no_cause_is_invented(path: Path) -> None:
    log = read_log(path.read_bytes(), path.name)
    said = explain_log(log, log.context)
    assert said.answer.findings == ()
    assert bool(said.unknown) is (path.name not in WITHOUT_ERROR)


def test_there_are_enough_unrelated_logs() -> None:
    assert len(UNRELATED) >= 20


CHAIN = """Traceback (most recent call last):
  File "/env/lib/python3.10/site-packages/transformers/utils/import_utils.py", line 1778, in _get_module
    return importlib.import_module("." + module_name, self.__name__)
  File "/env/lib/python3.10/site-packages/torchvision/_meta_registrations.py", line 163, in <module>
    @torch.library.register_fake("torchvision::nms")
RuntimeError: operator torchvision::nms does not exist

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "run.py", line 1, in <module>
    from transformers import pipeline
RuntimeError: Failed to import transformers.pipelines because of the following error (look up to see its traceback):
operator torchvision::nms does not exist
"""


def test_of_a_chain_the_root_is_explained() -> None:
    said = explained(CHAIN)
    assert [finding.id for finding in said.answer.findings] == ["symbol:torchvision:torch"]
    assert said.unknown == ()


def test_several_errors_are_several_findings() -> None:
    other = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nKeyError: 'x'\n"
    said = explained(f"{other}\n{CHAIN}\nRuntimeError: Numpy is not available\n")
    assert [finding.id for finding in said.answer.findings] == ["symbol:torchvision:torch", "numpy-abi:torch:numpy"]
    assert [one.artifact for one in said.unknown] == ["log:3"]


def test_ids_are_told_once_and_plans_belong_to_findings() -> None:
    said = explained(
        f"{CHAIN}\nRuntimeError: Numpy is not available\nAssertionError: Torch not compiled with CUDA enabled\n"
    )
    ids = [finding.id for finding in said.answer.findings]
    assert len(ids) == len(set(ids)) == 3
    plans = {plan.id for plan in said.answer.plans}
    assert plans == {plan for finding in said.answer.findings for plan in finding.plans}


def test_versions_in_the_log_decide() -> None:
    message = "RuntimeError: Numpy is not available\n"
    old = explained(f"Failed to initialize NumPy: module compiled against API version 0x10 but this\n{message}")
    new = explained(f"Successfully installed numpy-2.1.0 torch-2.1.2\nUserWarning: _ARRAY_API not found\n\n\n{message}")
    assert "newer C API" in old.answer.findings[0].title
    assert new.answer.findings[0].title == "torch 2.1.2 was built for NumPy 1; a NumPy 2 is installed"
    assert new.answer.findings[0].advice.alternatives == ()
    assert [one.culprits for one in explained(message).answer.findings[0].advice.alternatives] == [("numpy", "torch")]


def test_what_only_follows_is_told_where_there_is_nothing_else() -> None:
    wrapped = CHAIN.partition("exception:\n\n")[2].replace("operator torchvision::nms does not exist", "")
    assert explained(wrapped).answer.findings[0].title.startswith("the import of transformers.pipelines failed")
    assert explained(f"{wrapped}\nTraceback (most recent call last):\nKeyError: 'x'\n").answer.findings == ()


def test_a_symbol_is_demangled() -> None:
    file = "/env/lib/python3.10/site-packages/flash_attn_2_cuda.cpython-310-x86_64-linux-gnu.so"
    said = explained(f"ImportError: {file}: undefined symbol: _ZN3c104cuda9SetDeviceEa\n")
    finding = said.answer.findings[0]
    assert finding.culprits == ("flash-attn", "torch", "install")
    assert "c10::cuda::SetDevice(...)" in finding.cause
    assert finding.severity is Severity.BREAK
    assert finding.advice.innocent[0].what.startswith("CUDA")


def test_a_module_that_is_too_old_is_told_from_one_that_is_too_new() -> None:
    message = "ModuleNotFoundError: No module named 'torchvision.transforms.functional_tensor'\n"
    new = explained(message).answer.findings[0]
    old = explained(f"torchvision 0.2.2\n{message}").answer.findings[0]
    assert "removed" in new.title
    assert "too old" in old.title


@pytest.mark.parametrize(
    "prefix", ["2026-01-01T00:00:00.1234567Z ", "[rank0]: ", "trainer-1  | ", "(Worker pid=3) ", "> "]
)
def test_prefixes_do_not_matter(prefix: str) -> None:
    text = "".join(f"{prefix}{line}\n" for line in CHAIN.splitlines())
    assert [finding.id for finding in explained(text).answer.findings] == ["symbol:torchvision:torch"]


def test_the_public_function_can_be_called_again() -> None:
    for _ in range(2):
        report = torchlink.explain(b"RuntimeError: Numpy is not available\n", name="log", environment=False)
        assert [finding.id for finding in report.findings] == ["numpy-abi:torch:numpy"]


EMPTY_LIKE = (
    "_ZN2at4_ops10empty_like4callERKNS_6TensorESt8optionalIN3c1010ScalarTypeEES5_INS6_6LayoutEE"
    "S5_INS6_6DeviceEES5_IbES5_INS6_12MemoryFormatEE"
)


@pytest.mark.parametrize(
    ("versions", "symbol", "words"),
    [
        ("", EMPTY_LIKE, ". It is exported by torch 2.2.0 to "),
        ("torch==2.1.2+cu121\n", EMPTY_LIKE, " only; you have 2.1.2+cu121"),
        ("torch==2.6.0\n", EMPTY_LIKE, "; the wheel of your 2.6.0 has it too, so another build than that is loaded"),
        ("torch==2.1.2\n", "_ZN2at6nobody7exportsEv", "changes with every minor release"),
    ],
)
def test_the_catalog_says_which_torch_exports_a_missing_symbol(versions: str, symbol: str, words: str) -> None:
    path = "/env/lib/python3.11/site-packages/torchvision/_C.so"
    said = explained(f"{versions}Traceback (most recent call last):\nImportError: {path}: undefined symbol: {symbol}\n")
    (finding,) = said.answer.findings
    assert "at::" in finding.cause
    assert words in finding.cause if symbol == EMPTY_LIKE else finding.cause.endswith(words)
