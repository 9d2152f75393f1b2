"""The command line's front door. It knows the commands by name, and imports the one that is asked for."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from torchlink.model.errors import TorchlinkError

SOUND, FINDINGS, BAD_INPUT, FAILED = 0, 1, 2, 3
"""Exit codes."""

_INTERRUPTED, _PIPE_CLOSED = 130, 141


class _Deferred(click.Command):
    """Stands in the help for a command, and imports it when it runs: ``--help`` costs next to nothing."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name, short_help=summary)
        self._module = module

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        command = getattr(import_module(self._module), str(self.name))
        if not isinstance(command, click.Command):
            raise TypeError(f"{self._module}.{self.name} is no command")
        return command.make_context(info_name, args, parent=parent, **extra)


_COMMANDS = (
    _Deferred("check", "torchlink.cli.check", "Find what is broken in an environment, and why."),
    _Deferred("fix", "torchlink.cli.fix", "Show changes that mend what is broken, each proven, and carry one out."),
    _Deferred("rollback", "torchlink.cli.rollback", "Undo a change of an environment."),
    _Deferred("history", "torchlink.cli.history", "List the changes of an environment."),
    _Deferred("diff", "torchlink.cli.diff", "Show what changed in an environment since it worked."),
    _Deferred("report", "torchlink.cli.report", "Write the incident report."),
    _Deferred("preflight", "torchlink.cli.preflight", "Say yes or no at a program's start, in a fifth of a second."),
    _Deferred("probe", "torchlink.cli.probe", "Run small functional checks in an environment."),
    _Deferred("explain", "torchlink.cli.explain", "Say what the errors in a log mean, and what mends them."),
    _Deferred("matrix", "torchlink.cli.matrix", "Show which versions of packages work together."),
    _Deferred("catalog", "torchlink.cli.catalog", "Show and read facts about released wheels."),
    _Deferred("checkpoint", "torchlink.cli.checkpoint", "Look into checkpoint files, check, convert and repair them."),
    _Deferred("machine", "torchlink.cli.machine", "Show this machine's GPUs, drivers and C libraries."),
    _Deferred("pins", "torchlink.cli.pins", "List and compare every version pin of a project, and change them."),
)


def _print_version(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"torchlink {version('torchlink')}")
        context.exit()


@click.group(commands=_COMMANDS, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
@click.pass_context
def torchlink(context: click.Context) -> int | None:
    """A linker for PyTorch environments: what will break at run time, and why.

    Nothing of what is inspected is imported or executed.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        return BAD_INPUT
    return None


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    # Python collects cycles once more as it ends: half a second for what linking left, and the memory goes anyway.
    gc.freeze()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        0 for a sound target, 1 for findings, 2 for bad usage or unreadable input, 3 where torchlink itself failed.
    """
    try:
        _tell_of_interrupted(arguments)
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # What Python flushes at its exit must not complain about the closed pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the one place where whatever went wrong becomes one line
        return _told(error, debug="--debug" in arguments)


def _tell_of_interrupted(arguments: Sequence[str]) -> None:
    """Every command says what was cut short, but for those that end it."""
    if "rollback" in arguments[:1] or "--continue" in arguments:
        return
    from torchlink.apply.pending import interrupted

    for line in interrupted(os.environ):
        click.echo(f"torchlink: {_one_line(line)}", err=True)


def _dispatch(arguments: Sequence[str]) -> int:
    try:
        with torchlink.make_context("torchlink", list(arguments)) as context:
            code = torchlink.invoke(context)
            return code if isinstance(code, int) else SOUND
    except click.exceptions.Exit as leaving:
        return leaving.exit_code


def _told(error: Exception, *, debug: bool) -> int:
    """Print an error as one line on stderr, after its traceback where that was asked for."""
    if debug:
        import traceback

        traceback.print_exception(error)
    match error:
        case click.UsageError():
            program = error.ctx.command_path if error.ctx else "torchlink"
            line, code = f"{program}: {error.format_message()} See {program} --help.", BAD_INPUT
        case click.ClickException():
            line, code = f"torchlink: {error.format_message()}", BAD_INPUT
        case TorchlinkError():
            line, code = f"torchlink: {error}", BAD_INPUT
        case _:
            trace = "" if debug else "; --debug shows where"
            line, code = f"torchlink itself failed: {type(error).__name__}: {error}{trace}", FAILED
    click.echo(_one_line(line), err=True)
    return code


def _one_line(text: str) -> str:
    from torchlink.report.printable import printable

    return printable(" ".join(text.split()))
