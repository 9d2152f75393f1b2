"""Every kind of file: what is found, and where. A place is right where the text that stands there is the version."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest

from torchlink.model.pins import Pin, PinFile, Role
from torchlink.read.pins.files import may_pin
from torchlink.read.pins.formats import format_of
from torchlink.read.pins.survey import read_document
from torchlink.read.pins.text import decode


def read(file: str, text: str | bytes) -> PinFile:
    """Read one file, and hold every place in it against its text."""
    data = text.encode() if isinstance(text, str) else text
    form = format_of(PurePosixPath(file))
    assert form is not None
    document = decode(file, data)
    found = read_document(document, form)
    assert found is not None
    for pin in found.pins:
        assert pin.place.line == document.text.count("\n", 0, pin.place.start) + 1
        for clause in pin.clauses:
            if clause.places:
                assert "+".join(document.text[place.start : place.end] for place in clause.places) == clause.version
    return found


def wanted(file: PinFile) -> list[tuple[str, str, int]]:
    return [(pin.name, pin.wanted, pin.place.line) for pin in file.pins]


def only(file: PinFile, name: str) -> Pin:
    (pin,) = (pin for pin in file.pins if pin.name == name)
    return pin


def test_pyproject() -> None:
    found = read(
        "pyproject.toml",
        """[project]
dependencies = [
    "numpy>=1.24,<2.0",  # kept
    'Torch [opt] (>=2.1) ; python_version < "3.12"',
    "bad requirement here",
]
[project.optional-dependencies]
rocm = ["torch==2.3.1+rocm5.7"]
[dependency-groups]
dev = ["pytest>=8", {include-group = "x"}]
[tool.poetry.dependencies]
python = "^3.10"
torch = "^2.3"
torchvision = {version = "0.18.1", markers = "sys_platform == 'linux'", source = "x"}
[tool.poetry.dependencies.torchaudio]
version = "~2.3"
[tool.poetry.extras]
sound = ["torchaudio"]
[tool.uv]
constraint-dependencies = ["protobuf<5"]
override-dependencies = ["sympy==1.12"]
[[tool.uv.index]]
url = "https://download.pytorch.org/whl/rocm5.7"
[tool.hatch.envs.x.scripts]
setup = ["pip install torch==2.0.1+cu118"]
""",
    )
    assert wanted(found) == [
        ("numpy", ">=1.24,<2.0", 3),
        ("torch", ">=2.1", 4),
        ("torch", "==2.3.1+rocm5.7", 8),
        ("pytest", ">=8", 10),
        ("torch", "^2.3", 13),
        ("torchvision", "0.18.1", 14),
        ("torchaudio", "~2.3", 16),
        ("protobuf", "<5", 20),
        ("sympy", "==1.12", 21),
        ("torch", "==2.0.1+cu118", 25),
    ]
    assert [pin.context for pin in found.pins][2:4] == ["extra rocm", "group dev"]
    assert only(found, "torchaudio").context == "extra sound"
    assert only(found, "torchaudio").specifier == ">=2.3,<2.4"
    assert [only(found, name).role for name in ("protobuf", "sympy")] == [Role.CONSTRAINT, Role.OVERRIDE]
    assert found.indexes.extra == ("https://download.pytorch.org/whl/rocm5.7",)
    assert [one.line for one in found.unread] == [5]


def test_broken_toml_is_read_as_far_as_it_can_be() -> None:
    found = read("pyproject.toml", '[project]\nname = \ndependencies = ["torch==2.3.1"]\nx = "unclosed\n')
    assert wanted(found) == [("torch", "==2.3.1", 3)]
    assert "not valid TOML" in found.unread[0].reason


def test_requirements() -> None:
    found = read(
        "requirements.txt",
        "torch==2.2.0+rocm5.7\r\n"
        "numpy <2 # why\r\n"
        "-r other.txt\r\n-c limits.txt\r\n"
        "--extra-index-url https://example.org/simple\r\n"
        "pandas==2.0.3 \\\r\n  --hash=sha256:abc\r\n"
        "git+https://github.com/x/y.git@v1#egg=y\r\n"
        "./local\r\n$TOKEN==1\r\n???\r\n"
        "scipy==1.11.0 tqdm==4.66.1 -f https://example.org/links\r\n",
    )
    assert wanted(found) == [
        ("torch", "==2.2.0+rocm5.7", 1),
        ("numpy", "<2", 2),
        ("pandas", "==2.0.3", 6),
        ("y", "", 8),
        ("scipy", "==1.11.0", 12),
        ("tqdm", "==4.66.1", 12),
    ]
    assert only(found, "pandas").hashed
    assert only(found, "y").url == "git+https://github.com/x/y.git@v1#egg=y"
    assert [(one.path, one.constraint) for one in found.includes] == [("other.txt", False), ("limits.txt", True)]
    assert [one.line for one in found.unread] == [10, 11]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_requirements_in_other_encodings(encoding: str) -> None:
    found = read("requirements.txt", "# für\ntorch==2.3.1\n".encode(encoding))
    assert wanted(found) == [("torch", "==2.3.1", 2)]


SHELL = """#!/bin/bash
TORCH_VERSION="2.3.1"
export TV=0.18.1
PACKAGES=(transformers==4.40.0 "accelerate>=0.30")
if [ "$GPU" = "amd" ]; then
  pip install torch==${TORCH_VERSION}+rocm5.7 torchvision==$TV \\
     --index-url https://download.pytorch.org/whl/rocm5.7
else
  pip3 install torch>=2.0 "numpy<2" || true
fi
python -m pip install -U "${PACKAGES[@]}" -c constraints.txt git+https://github.com/x/unsloth.git
uv pip install "peft==${PEFT:-0.11.0}" $UNKNOWN "scipy==$(newest)"
cat > requirements-made.txt <<EOF
pandas==2.0.3
EOF
sudo -H bash -c 'pip install tqdm==4.66.1'
conda install -y -c pytorch pytorch::pytorch=2.3.1=py3.11_cuda12.1* 'numpy>=1.24,<2'
NODE_VERSION=20.1
"""


def test_shell() -> None:
    found = read("server-setup.sh", SHELL)
    assert sorted(wanted(found), key=lambda one: one[2]) == [
        ("transformers", "==4.40.0", 4),
        ("accelerate", ">=0.30", 4),
        ("torch", "==2.3.1+rocm5.7", 6),
        ("torchvision", "==0.18.1", 6),
        ("torch", "", 9),
        ("numpy", "<2", 9),
        ("peft", "==0.11.0", 12),
        ("scipy", "==$(newest)", 12),
        ("pandas", "==2.0.3", 14),
        ("tqdm", "==4.66.1", 16),
        ("pytorch", "=2.3.1", 17),
        ("numpy", ">=1.24,<2", 17),
        ("node", "20.1", 18),
    ]
    first, second, third, fourth = found.steps[:4]
    assert first.condition == "if [ $GPU = amd ]"
    assert first.indexes.index == "https://download.pytorch.org/whl/rocm5.7"
    assert (second.condition, second.tolerated) == ("else of if [ $GPU = amd ]", True)
    assert "redirection" in second.pins[0].note
    assert third.upgrade
    assert third.constraint_files == ("constraints.txt",)
    assert third.others == ("git+https://github.com/x/unsloth.git",)
    assert fourth.unread == ("$UNKNOWN",)


def test_a_tag_behind_a_version_that_is_not_known() -> None:
    found = read(
        ".github/workflows/test.yml", "jobs:\n  a:\n    steps:\n    - run: pip install torch==${{ inputs.t }}+cpu\n"
    )
    assert only(found, "torch").wanted == "==${{ inputs.t }}+cpu"


def test_what_stands_behind_a_version_in_a_sentence_is_not_of_it() -> None:
    text = "It needs PyTorch >= 1.8. In **numpy>=1.24,<2.0**, too; torch==2.3.* and torch==2.3.1+rocm5.7!\n"
    found = read("README.md", text + "\n`pip install torch numpy`\n")
    assert [(pin.name, pin.wanted) for pin in found.pins if pin.wanted] == [
        ("pytorch", ">= 1.8"),
        ("numpy", ">=1.24,<2.0"),
        ("torch", "==2.3.*"),
        ("torch", "==2.3.1+rocm5.7"),
    ]


def test_a_version_in_two_places_has_both() -> None:
    pin = only(read("a.sh", "V=2.3.1\npip install torch==$V+rocm5.7\n"), "torch")
    assert [place.line for place in pin.clauses[0].places] == [1, 2]


def test_dockerfile() -> None:
    found = read(
        "Dockerfile",
        """FROM pytorch/pytorch:2.3.1-cuda12.1-cudnn8-runtime
ARG TORCH=2.2.0
ENV NP 1.26.4
RUN apt-get update && \\
    # a comment
    pip install --no-cache-dir "torch==${TORCH}" \\
      numpy==$NP
RUN ["pip", "install", "tqdm==4.66.1"]
RUN --mount=type=cache,target=/root <<EOF
pip install scipy==1.11.0
EOF
COPY <<EOF /app/requirements.txt
pandas==2.0.3
EOF
RUN cat > constraints.txt <<END && pip install peft==0.11.0
sympy==1.12
END
""",
    )
    assert wanted(found) == [
        ("torch", "2.3.1", 1),
        ("torch", "==2.2.0", 6),
        ("numpy", "==1.26.4", 7),
        ("tqdm", "==4.66.1", 8),
        ("scipy", "==1.11.0", 10),
        ("pandas", "==2.0.3", 13),
        ("peft", "==0.11.0", 15),
        ("sympy", "==1.12", 16),
    ]
    assert found.pins[0].clauses[0].places == ()  # the tag of an image is not ours to write
    assert [place.line for place in found.pins[1].clauses[0].places] == [2]
    assert found.pins[-1].role is Role.CONSTRAINT


def test_ci() -> None:
    found = read(
        ".github/workflows/ci.yml",
        """env:
  TORCH_VERSION: "2.3.0"
jobs:
  test:
    strategy:
      matrix:
        torch-version: ["2.1.0", '2.2.0']
    steps:
      - run: pip install torch==${{ matrix.torch-version }}
      - name: more
        run: |
          pip install torch==$TORCH_VERSION \\
            numpy==1.26.4
          pip install -e .[dev]
""",
    )
    assert wanted(found) == [
        ("torch", "2.1.0", 7),
        ("torch", "2.2.0", 7),
        ("torch", "==${{ matrix.torch-version }}", 9),
        ("torch", "==2.3.0", 12),
        ("numpy", "==1.26.4", 13),
    ]
    assert found.pins[2].specifier is None
    assert [place.line for place in found.pins[3].clauses[0].places] == [2]


def test_broken_yaml_is_unknown() -> None:
    form = format_of(PurePosixPath("environment.yml"))
    assert form is not None
    found = read_document(decode("environment.yml", b"dependencies: [a\n\tb: {"), form)
    assert found is not None
    assert "no valid YAML" in found.unread[0].reason


def test_environment_yml() -> None:
    found = read(
        "environment.yml",
        """channels: [pytorch]
dependencies:
  - python=3.10
  - pytorch=2.3.1=py3.10_cuda12.1*
  - numpy>=1.24,<2
  - pip:
    - torchvision==0.18.1
    - -r requirements.txt
""",
    )
    assert wanted(found) == [
        ("python", "=3.10", 3),
        ("pytorch", "=2.3.1", 4),
        ("numpy", ">=1.24,<2", 5),
        ("torchvision", "==0.18.1", 7),
    ]
    assert found.pins[1].specifier == "==2.3.1.*"


def test_python() -> None:
    found = read(
        "setup_ai_models.py",
        '''"""torch==9.9.9 in a docstring"""
import subprocess, sys
REQUIRED = ["torch>=2.3.0", "transformers>=4.35.0", "numpy"]
TABLE = {"torch": ">=2.3.0", "diffusers": ">=0.25"}
V = "2.3.1"
ESCAPED = ["torch\\x3d=2.3.1", "sympy==1.12"]
subprocess.check_call([sys.executable, "-m", "pip", "install", f"torch=={V}", "torchaudio" "==2.3.1"])
run("pip install scipy==1.11.0 --index-url https://example.org")
COMMAND = "torch==2.6.0+cu126 torchvision==0.21.0+cu126 --index-url https://example.org"
raise ImportError("pip install torch==1.0")
print("pip install torch==1.0")
frame.query("age>=18")
''',
    )
    assert sorted(wanted(found), key=lambda one: one[2]) == [
        ("torch", ">=2.3.0", 3),
        ("transformers", ">=4.35.0", 3),
        ("numpy", "", 3),
        ("torch", ">=2.3.0", 4),
        ("diffusers", ">=0.25", 4),
        ("torch", "==2.3.1", 6),
        ("sympy", "==1.12", 6),
        ("torch", "==2.3.1", 7),
        ("torchaudio", "==2.3.1", 7),
        ("scipy", "==1.11.0", 8),
        ("torch", "==2.6.0+cu126", 9),
        ("torchvision", "==0.21.0+cu126", 9),
    ]


def test_a_test_of_what_is_there_wants_nothing() -> None:
    found = read(
        "imports.py", 'OLD = RequirementCache("torch<2.6.0")\nrun_pip_install("torch==2.3.1")\nT = "torch==2.2.0"\n'
    )
    assert [(pin.wanted, pin.role, pin.context) for pin in found.pins] == [
        ("<2.6.0", Role.VARIABLE, "test"),
        ("==2.3.1", Role.REQUIREMENT, ""),
        ("==2.2.0", Role.REQUIREMENT, ""),
    ]


def test_a_command_with_what_only_a_run_would_show() -> None:
    text = """def install(path, version, packages):
    run(f"python -m pip install -r {path} --upgrade")
    run(f"pip install torch=={version} numpy==1.26.4 {packages}")
"""
    first, second = read("one_click.py", text).steps
    assert (first.requirement_files, first.unread, first.upgrade) == ((), ("${path}",), True)
    assert [(pin.name, pin.wanted) for pin in second.pins] == [("torch", "==${version}"), ("numpy", "==1.26.4")]
    assert second.unread == ("${packages}",)


def test_setup_py() -> None:
    found = read(
        "setup.py",
        """from setuptools import setup
CORE = ["numpy", "torch>=2.0"]
setup(
    install_requires=[*CORE, "scipy"] + open("more.txt").read().split(),
    extras_require={"rocm": ["torch==2.3.1+rocm5.7", version()]},
)
""",
    )
    assert [(pin.name, pin.wanted, pin.context) for pin in found.pins] == [
        ("numpy", "", ""),
        ("torch", ">=2.0", ""),
        ("torch", "==2.3.1+rocm5.7", "extra rocm"),
    ]
    assert [one.line for one in found.unread] == [4, 5]
    assert "computed" in found.unread[0].reason


def test_extras_that_setup_py_computes() -> None:
    text = """from setuptools import setup
gpu = ["torch==2.3.1"]
setup(name="x", extras_require={"gpu": gpu, "all": sum([["numpy<2.0"], gpu], []), "dev": ["ruff>=0.5"] + gpu})
"""
    found = read("setup.py", text)
    assert [(name, version) for name, version, _ in wanted(found)] == [
        ("torch", "==2.3.1"),
        ("numpy", "<2.0"),
        ("ruff", ">=0.5"),
    ]
    assert [one.reason for one in found.unread] == [
        "extra all is computed: sum([['numpy<2.0'], gpu], [])",
        "extra dev is computed: ['ruff>=0.5'] + gpu",
    ]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("broken.py", 'REQUIRED = ["torch>=2.3.0",\n'),
        ("broken.ipynb", '{"cells": [{"source": ["!pip install torch==2.3.1"'),
    ],
)
def test_source_that_looks_as_if_it_pinned_and_cannot_be_read_is_told(file: str, text: str) -> None:
    (unread,) = read(file, text).unread
    assert unread.line == 0


def test_setup_cfg() -> None:
    found = read(
        "setup.cfg",
        "[options]\r\ninstall_requires =\r\n    torch>=2.0 # why\r\n\r\n    numpy\r\n"
        "[options.extras_require]\r\ndev =\r\n    pytest==8.0\r\n",
    )
    assert wanted(found) == [("torch", ">=2.0", 3), ("numpy", "", 5), ("pytest", "==8.0", 8)]
    assert found.pins[2].context == "extra dev"


def test_rust() -> None:
    found = read(
        "src/main.rs",
        """// "pip", "install", "torch==9.9"
fn steps<'a>() { let s = vec![
 ("NumPy", vec!["-m", "pip", "install", "numpy<2"]),
 ("Torch", vec!["-m", "pip", "install", "torch==2.3.1", &spec, "--index-url", "https://download.pytorch.org/whl/cu121"]),
];
 Command::new("pip").arg("install").arg("peft==0.11.0").status();
 run_pip(&["install".to_string(), String::from("trl>=0.8.0")]);
 let c = 'x'; let r = r#"pip install "tqdm==4.66.1""#;
}
""",
    )
    assert wanted(found) == [
        ("numpy", "<2", 3),
        ("torch", "==2.3.1", 4),
        ("peft", "==0.11.0", 6),
        ("trl", ">=0.8.0", 7),
        ("tqdm", "==4.66.1", 8),
    ]
    assert found.steps[1].unread == ("spec",)
    assert found.steps[1].indexes.index == "https://download.pytorch.org/whl/cu121"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("install.js", "spawn('pip', ['install', 'torch==2.3.1', `numpy<2`]);"),
        ("install.go", 'exec.Command("pip", "install", "torch==2.3.1", `numpy<2`)'),
        ("install.ts", 'execSync("pip install torch==2.3.1 \\"numpy<2\\"")'),
    ],
)
def test_other_languages(file: str, text: str) -> None:
    assert wanted(read(file, text)) == [("torch", "==2.3.1", 1), ("numpy", "<2", 1)]


def test_notebook() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["!pip install nothing==1.0\n"]},
        {"cell_type": "code", "source": ['!pip install torch==2.3.1 "numpy<2"\n', "x = 1\n"], "outputs": ["torch==9"]},
        {"cell_type": "code", "source": "%%bash\npip install scipy==1.11.0"},
        {"cell_type": "code", "source": "%pip install tqdm==4.66.1"},
    ]
    found = read("n.ipynb", json.dumps({"cells": cells}))
    assert [(pin.name, pin.wanted) for pin in found.pins] == [
        ("torch", "==2.3.1"),
        ("numpy", "<2"),
        ("scipy", "==1.11.0"),
        ("tqdm", "==4.66.1"),
    ]


def test_makefile() -> None:
    found = read(
        "Makefile",
        "TORCH_VERSION ?= 2.3.1\ninstall: all\n\t@pip install torch==$(TORCH_VERSION) \\\n\t  numpy==1.26.4\n",
    )
    assert wanted(found) == [("torch", "==2.3.1", 3), ("numpy", "==1.26.4", 4)]
    assert [place.line for place in found.pins[0].clauses[0].places] == [1]


def test_batch() -> None:
    found = read(
        "install.bat", "@echo off\r\nset TORCH=2.3.1\r\ncall pip install torch==%TORCH% ^\r\n numpy==1.26.4\r\n"
    )
    assert wanted(found) == [("torch", "==2.3.1", 3), ("numpy", "==1.26.4", 4)]


def test_markdown() -> None:
    found = read(
        "README.md",
        """Needs `torch==2.3.1`; run `pip install numpy==1.26.4`.

| Package | Version |
|---|---|
| torch | 2.3.1 |

```bash
$ pip install torchvision==0.18.1 \\
    --index-url https://example.org
```
```json
{"torch": "==9.9"}
```
""",
    )
    assert wanted(found) == [
        ("torch", "==2.3.1", 1),
        ("numpy", "==1.26.4", 1),
        ("torch", "2.3.1", 5),
        ("torchvision", "==0.18.1", 8),
    ]
    assert {pin.role for pin in found.pins} == {Role.MENTION}
    assert not found.steps


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "uv.lock",
            'version = 1\n[[package]]\nname = "torch"\nversion = "2.3.1"\ndependencies = [{ name = "numpy" }]\n',
        ),
        ("poetry.lock", '[[package]]\nname = "torch"\nversion = "2.3.1"\n[package.dependencies]\nnumpy = "*"\n'),
        ("pylock.toml", '[[packages]]\nname = "torch"\nversion = "2.3.1"\n'),
        ("Pipfile.lock", '{"_meta": {"version": "1"}, "default": {"torch": {"version": "==2.3.1"}}}'),
    ],
)
def test_locks(file: str, text: str) -> None:
    pin = only(read(file, text), "torch")
    assert (pin.specifier, pin.role) == ("==2.3.1", Role.LOCK)


@pytest.mark.parametrize(
    "name",
    [
        "pyproject.toml",
        "requirements-dev.in",
        "setup.cfg",
        "tox.ini",
        "setup.py",
        "pixi.toml",
        "Pipfile",
        "Pipfile.lock",
        "uv.lock",
        "Dockerfile",
        "docker/Dockerfile.cuda",
        "gpu.dockerfile",
        "Makefile",
        "rules.mk",
        "run.sh",
        ".envrc",
        ".env",
        "install.bat",
        "setup.ps1",
        ".github/workflows/ci.yml",
        "environment.yaml",
        "a.ipynb",
        "a.py",
        "a.rs",
        "a.ts",
        "README.md",
    ],
)
def test_every_kind_of_file_is_found_by_its_name(name: str) -> None:
    path = PurePosixPath(name)
    assert format_of(path) is not None
    assert may_pin(path)


def test_pixi_and_pipfile() -> None:
    pixi = read(
        "pixi.toml", '[dependencies]\npytorch = ">=2.3,<3"\n[pypi-dependencies]\npeft = { version = "==0.11.0" }\n'
    )
    assert wanted(pixi) == [("pytorch", ">=2.3,<3", 2), ("peft", "==0.11.0", 4)]
    pipfile = read(
        "Pipfile", '[[source]]\nurl = "https://example.org"\n[packages]\ntorch = "==2.3.1"\n[dev-packages]\nx = "*"\n'
    )
    assert wanted(pipfile) == [("torch", "==2.3.1", 4), ("x", "*", 6)]
    assert pipfile.pins[1].context == "category dev-packages"
