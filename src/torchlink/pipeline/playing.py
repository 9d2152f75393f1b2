"""Install steps, played through."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from torchlink import __version__
from torchlink.catalog.cache import cache_folder, open_cache
from torchlink.model.report import Report
from torchlink.pipeline import questions, running

if TYPE_CHECKING:
    from torchlink.model.question import Question
    from torchlink.solve.uv import Wish


def play(
    file: Path,
    question: Question,
    *,
    project: Path | None = None,
    python: Path | None = None,
    link: bool = True,
    cache: bool = True,
    progress: running.Progress | None = None,
) -> Report:
    """Play the install commands of a file through, and say what they leave.

    Args:
        file: a script, a Dockerfile, a program.
        question: for which Python and platform, as of which day, whether offline.
        project: the folder that the commands run in; by default the file's own.
        python: as in `check`.
        link: whether the finished environment is linked by its wheels.
        cache: as in `check`.
        progress: as in `check`.

    Raises:
        TorchlinkError: the file installs nothing or cannot be read, or no index answers.
    """
    from torchlink.catalog.wheels import Pin
    from torchlink.pins.outcome import play_report
    from torchlink.pins.resolver import means_for_plain
    from torchlink.solve.ask import ask
    from torchlink.solve.declared import declared
    from torchlink.solve.fix import sound_set
    from torchlink.solve.trouble import Trouble
    from torchlink.solve.wheel_set import WheelSet, wheel_set

    began = time.perf_counter()
    store = open_cache(cache_folder(os.environ) if cache else None, __version__)
    tell = progress or running.silent
    try:
        means = means_for_plain(question, python, os.environ, store, tell)

        def judge_set(wheels: WheelSet) -> Report:
            return questions.judge_set(wheels, None, store, tell)

        def judge(versions: Mapping[str, str], asked: frozenset[str]) -> Report:
            pins = [Pin(name=name, version=version) for name, version in versions.items()]
            return judge_set(replace(wheel_set(pins, means.wheels, means.interpreter), asked=asked))

        trials: dict[tuple[str, ...], bool] = {}

        def mend(wish: Wish) -> Mapping[str, str] | str:
            with tempfile.TemporaryDirectory() as folder:
                lines = Path(folder) / "requirements.txt"
                lines.write_text("\n".join(wish.lines), encoding="utf-8")
                files = (lines, *wish.files)
                wanted = replace(question, requirements=files, constraints=wish.constraints, extras=wish.extras)
                asked = ask(wanted, None, python, os.environ, store, tell)
                trouble = Trouble(
                    asked=asked,
                    report=judge_set(asked.answer),
                    declared=declared(files),
                    judge=judge_set,
                    tell=tell,
                    trials=trials,
                )
                sound = sound_set(trouble)
            return sound if isinstance(sound, str) else sound.versions

        tell("playing the steps", 0, 0)
        report = play_report(file, project, means, question, judge if link else None, mend, __version__)
        return replace(report, elapsed_s=round(time.perf_counter() - began, 3))
    finally:
        store.close()
