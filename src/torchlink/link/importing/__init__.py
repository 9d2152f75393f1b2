"""Runs imports on paper.

A module's body is interpreted over values that are either known or ``UNKNOWN``: imports are followed, names are bound,
conditions over versions and platforms are computed, exceptions are raised and caught as Python would. Nothing of the
environment is executed. What depends on an unknown value is run *perhaps*: both branches, and no failure in them counts
as certain.

========================  ==============================================================================
``values.py``             what a name can be bound to
``finder.py``             a module's name → its file, as ``importlib`` finds it
``machine.py``            the state of one run: modules, the stack of imports, what was reached and what failed
``modules.py``            importing modules and reading their names
``statements.py``         what each statement does
``expressions.py``        what each expression is worth
``operations.py``         operators and methods of known values
``calls.py``              calling functions and classes of the environment
``builtin_functions.py``  what Python's built-in functions return
``intrinsics.py``         what the functions of the standard library, of packaging and of torch's loader return
``lazy.py``               lazy-module idioms that read their own folder
``failures.py``           exceptions, and the broken references behind them
========================  ==============================================================================
"""
