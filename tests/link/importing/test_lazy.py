# ruff: noqa: E501 - a case is one line
"""Modules that import their parts when a name is asked for."""

from __future__ import annotations

import pytest

from tests.link.importing.paper import Paper

LAZY_CLASS = """import importlib, os
from types import ModuleType
class _LazyModule(ModuleType):
    def __init__(self, name, module_file, import_structure, module_spec=None, extra_objects=None):
        super().__init__(name)
        self._modules = set(import_structure.keys())
        self._class_to_module = {}
        for key, values in import_structure.items():
            for value in values:
                self._class_to_module[value] = key
        self.__all__ = list(import_structure.keys()) + list(self._class_to_module)
        self.__file__ = module_file
        self.__spec__ = module_spec
        self.__path__ = [os.path.dirname(module_file)]
        self._objects = {} if extra_objects is None else extra_objects
        self._name = name
        self._import_structure = import_structure
    def __getattr__(self, name):
        if name in self._objects:
            return self._objects[name]
        if name in self._modules:
            value = self._get_module(name)
        elif name in self._class_to_module.keys():
            module = self._get_module(self._class_to_module[name])
            value = getattr(module, name)
        else:
            raise AttributeError(f"module {self.__name__} has no attribute {name}")
        setattr(self, name, value)
        return value
    def _get_module(self, module_name):
        try:
            return importlib.import_module("." + module_name, self.__name__)
        except Exception as e:
            raise RuntimeError(f"Failed to import {self.__name__}.{module_name}") from e
"""
LAZY = {
    "big/__init__.py": "from typing import TYPE_CHECKING\nfrom .lazy import _LazyModule\n_import_structure = {'models': [], 'models.auto': ['Auto'], 'models.bad': ['Bad']}\n_import_structure['extra'] = ['Extra']\nif TYPE_CHECKING:\n    from .models.auto import Auto\nelse:\n    import sys\n    sys.modules[__name__] = _LazyModule(__name__, globals()['__file__'], _import_structure, module_spec=__spec__)\n",
    "big/lazy.py": LAZY_CLASS,
    "big/models/__init__.py": "",
    "big/models/auto.py": "class Auto: pass\n",
    "big/models/bad.py": "import nothing\nclass Bad: pass\n",
    "big/extra.py": "class Extra: pass\n",
}  # fmt: skip
ATTACH = {
    "hub/__init__.py": """import importlib, sys
_SUBMOD_ATTRS = {'api': ['Api', 'login'], 'bad': ['Bad']}
def _attach(package_name, submodules=None, submod_attrs=None):
    if submod_attrs is None:
        submod_attrs = {}
    if submodules is None:
        submodules = set()
    else:
        submodules = set(submodules)
    attr_to_modules = {attr: mod for mod, attrs in submod_attrs.items() for attr in attrs}
    __all__ = list(submodules | attr_to_modules.keys())
    def __getattr__(name):
        if name in submodules:
            return importlib.import_module(f"{package_name}.{name}")
        elif name in attr_to_modules:
            submod_path = f"{package_name}.{attr_to_modules[name]}"
            submod = importlib.import_module(submod_path)
            attr = getattr(submod, name)
            if name == attr_to_modules[name]:
                pkg = sys.modules[package_name]
                pkg.__dict__[name] = attr
            return attr
        else:
            raise AttributeError(f"No {package_name} attribute {name}")
    def __dir__():
        return __all__
    return __getattr__, __dir__, list(__all__)
__getattr__, __dir__, __all__ = _attach(__name__, submodules=['more'], submod_attrs=_SUBMOD_ATTRS)
""",
    "hub/api.py": "class Api: pass\ndef login(): pass\n",
    "hub/bad.py": "from hub.api import gone\nclass Bad: pass\n",
    "hub/more.py": "",
}
LOADER = {
    "lazy_loader/__init__.py": ATTACH["hub/__init__.py"].split("__getattr__, __dir__, __all__ = ")[0].replace("def _attach", "def attach") + """
import ast
def attach_stub(package_name, filename):
    stubfile = filename if filename.endswith('i') else f"{filename[:-3]}.pyi"
    with open(stubfile) as f:
        tree = ast.parse(f.read())
    modules, attrs = set(), {}
    for node in tree.body:
        if node.module is None:
            modules.update(a.name for a in node.names)
        else:
            attrs.setdefault(node.module, []).extend(a.name for a in node.names)
    return attach(package_name, modules, attrs)
""",
    "stubbed/__init__.py": "import lazy_loader as lazy\n__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)\n",
    "stubbed/__init__.pyi": "from . import more\nfrom .api import Api, login\nfrom .bad import Bad\n",
    "stubbed/api.py": "class Api: pass\ndef login(): pass\n",
    "stubbed/bad.py": "import nothing\nclass Bad: pass\n",
    "stubbed/more.py": "",
    "plain/__init__.py": "import lazy_loader as lazy\n__getattr__, __dir__, __all__ = lazy.attach(__name__, submodules={'more'}, submod_attrs={'api': ['Api']})\n",
    "plain/api.py": "class Api: pass\n",
    "plain/more.py": "",
}  # fmt: skip

CASES = {
    "lazy class": (LAZY, "from big import Auto\n", ""),
    "lazy submodule": (LAZY, "import big\nbig.models\nfrom big.models import auto\nauto.Auto\n", ""),
    "lazy submodule by import": (LAZY, "import big.models.auto\nfrom big.models.auto import Auto\n", ""),
    "lazy added later": (LAZY, "from big import Extra\nimport big\nbig.Auto()\n", ""),
    "lazy and never asked for": (LAZY, "import big\n", ""),
    "lazy and broken": (LAZY, "from big import Bad\n", "nothing"),
    "lazy attribute that is broken": (LAZY, "import big\nbig.Bad\n", "nothing"),
    "lazy name that is not there": (LAZY, "from big import Gone\n", "big.Gone"),
    "lazy attribute that is not there": (LAZY, "import big\nbig.Gone\n", "big.Gone"),
    "lazy and guarded": (LAZY, "try:\n    from big import Gone\nexcept ImportError:\n    Gone = None\n", ""),
    "attached": (ATTACH, "from hub import Api, login\nimport hub\nhub.more\n", ""),
    "attached and not there": (ATTACH, "from hub import gone\n", "hub.gone"),
    "attached attribute that is not there": (ATTACH, "import hub\nhub.gone\n", "hub.gone"),
    "attached and broken": (ATTACH, "from hub import Bad\n", "hub.api.gone"),
    "attached and never asked for": (ATTACH, "import hub\nimport hub.more\n", ""),
    "stub": (LOADER, "from stubbed import Api, login, more\nimport stubbed\nstubbed.Api\n", ""),
    "stub and broken": (LOADER, "from stubbed import Bad\n", "nothing"),
    "loader": (LOADER, "from plain import Api, more\n", ""),
    "loader and not there": (LOADER, "from plain import Gone\n", "plain.Gone"),
    "stub and not there": (LOADER, "from stubbed import Gone\n", "stubbed.Gone"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_lazy_modules_answer_as_in_python(paper: Paper, case: str) -> None:
    files, main, target = CASES[case]
    paper.lay(files)
    paper.source(main)
    assert bool(paper.truth()) is bool(target)
    assert paper.link().targets == ([target] if target else [])


def test_the_form_that_reads_its_own_folder(paper: Paper) -> None:
    package = "from ..lazy import _LazyModule\nfrom ..imports import define_import_structure\nimport sys\n_file = globals()['__file__']\nsys.modules[__name__] = _LazyModule(__name__, _file, define_import_structure(_file), module_spec=__spec__)\n"  # fmt: skip
    paper.lay(
        {
            **LAZY,
            "big/imports.py": "def define_import_structure(path, prefix=None):\n    pass\n",
            "big/new/__init__.py": package,
            "big/new/modeling.py": "__all__ = ['Model', 'Other']\nclass Model: pass\nclass Other: pass\n",
            "big/new/deep/inner.py": "import nothing\n__all__ = [\n    'Inner',\n]\nclass Inner: pass\n",
        }
    )
    paper.source("from big.new import Model\n")
    assert paper.link().targets == []
    paper.source("from big.new import Model, Inner\n")
    assert paper.link().targets == ["nothing"]
    paper.source("from big.new import Gone\n")
    assert paper.link().targets == ["big.new.Gone"]
