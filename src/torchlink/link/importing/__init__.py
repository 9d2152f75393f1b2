"""Runs imports on paper.

A module's body is interpreted over values that are either known or ``UNKNOWN``: imports are followed, names are bound,
conditions over versions and platforms are computed, exceptions are raised and caught as Python would. Nothing of the
environment is executed. What depends on an unknown value is run *perhaps*: both branches, and no failure in them counts
as certain.

========================  ==============================================================================
``values.py``             what a name can be bound to
``finder.py``             a module's name → its file, as ``importlib`` finds it
``machine.py``            the state of one run: modules, the stack of imports, what was reached and what failed
``modules.py``            importing modules
``module_names.py``       the names of a module; ``scalar_types.py`` those of torch's dtypes
``statements.py``         what each statement does: ``binding.py``, ``branches.py``, ``exceptions.py``
``expressions.py``        what each expression is worth
``operations.py``         operators on known values; ``methods.py`` their methods
``attributes.py``         what reading an attribute gives
``calls.py``              calling functions and classes of the environment; ``managers.py`` decorators and ``with``
``operators.py``          which of torch's operators live
``builtin_functions.py``  what Python's built-in functions return
``intrinsics.py``         what the functions of the standard library, of packaging and of torch's loader return
``importing_functions.py``, ``version_functions.py``, ``file_loaders.py``: ``importlib``, versions, modules from files
``lazy.py``               lazy-module idioms that read their own folder
``failures.py``           exceptions, and the broken references behind them
========================  ==============================================================================
"""

# The rooms call each other: loaded from here first, their tables find the functions of the others.
from torchlink.link.importing import statements as statements
