"""What of a project's source the behaviour rules can rewrite, and what is left to choose."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from torchlink.link.behaviour import BehaviourInputs, Group, applies, guarded, project_files
from torchlink.link.behaviour_files import Reading
from torchlink.link.behaviour_match import argument, holds, is_missing
from torchlink.link.behaviour_names import Place
from torchlink.model.edits import Choice, SourceEdit
from torchlink.model.rules import Content, Fix, Rewrite, Rule
from torchlink.model.uses import Call, Constant, Form, Name


def source_edits(
    inputs: BehaviourInputs, ignored: Collection[tuple[str, int]] = ()
) -> tuple[tuple[SourceEdit, ...], tuple[Choice, ...]]:
    """Say what can be rewritten in a project's own source, and where its writer has to choose.

    Args:
        inputs: The project, the environment that it is meant for, and the rules.
        ignored: Files and lines on which a comment sets findings aside.
    """
    group = Group(inputs, project_files(inputs.reader, inputs.project), in_project=True)
    found: list[SourceEdit | Choice] = []
    for rule in inputs.rules:
        if not _can_rewrite(rule) or not applies(rule, inputs.environment) or group.is_excused(rule):
            continue
        if group.index.replaced.intersection(rule.unless.replaced):
            continue
        for place, name in group.index.places(rule):
            if not guarded(rule, place.use) and (place.file.path, place.use.line) not in ignored:
                found.extend(_At(group, rule, place).rewrite(name))
    ordered = sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line))
    edits = tuple(one for one in ordered if isinstance(one, SourceEdit))
    return edits, tuple(one for one in ordered if isinstance(one, Choice))


def _can_rewrite(rule: Rule) -> bool:
    return rule.rewrite is not None or any(rule.names.values())


@dataclass(frozen=True, slots=True)
class _At:
    """One use to which a rule may apply."""

    group: Group
    rule: Rule
    place: Place

    def rewrite(self, name: str) -> Iterator[SourceEdit | Choice]:
        use, rewrite = self.place.use, self.rule.rewrite
        if use.form is not Form.CALL or not isinstance(use.value, Call):
            yield from self._rename(name)
        elif rewrite is not None:
            call = self.group.index.code.call(use.value)
            yield from self._load(call) if rewrite.allow_list else self._arguments(call, rewrite)

    def _edit(self, summary: str) -> SourceEdit:
        use = self.place.use
        return SourceEdit(
            path=self.place.file.path, line=use.line, column=use.column, rule=self.rule.code, summary=summary
        )

    def _choice(self, why: str) -> Choice:
        options = tuple(map(_told, self.rule.fixes))
        return Choice(
            path=self.place.file.path, line=self.place.use.line, rule=self.rule.code, why=why, options=options
        )

    # Names

    def _rename(self, name: str) -> Iterator[SourceEdit | Choice]:
        replacement, value = self.rule.names.get(name, ""), self.place.use.value
        if not isinstance(value, Name):
            return
        if not replacement:
            yield self._choice(f"nothing takes the place of {name}")
            return
        found = self.group.index.code.resolve(value.dotted)
        whole = found.dotted if isinstance(found, Name) else name
        yield replace(
            self._edit(f"{name} becomes {replacement}"),
            name=name,
            replacement=replacement,
            below=whole.count(".") - name.count("."),
        )

    # Calls

    def _arguments(self, call: Call, rewrite: Rewrite) -> Iterator[SourceEdit | Choice]:
        if holds(self.rule, call, self.group.index.code, self.group.contents.saved) is not True:
            return
        given = {name for name, _ in call.keywords}
        rename = tuple((old, new) for old, new in rewrite.rename.items() if old in given)
        drop = tuple(name for name in rewrite.drop if name in given)
        callee = call.callee.dotted if isinstance(call.callee, Name) else ""
        new = rewrite.call.get(callee, "")
        if not (rename or drop or rewrite.add or new):
            yield self._choice("the new argument means something else")
            return
        parts = [f"{old} becomes {other}" for old, other in rename]
        parts += [f"{name} is left out" for name in drop]
        parts += [f"{name}={value} is added" for name, value in rewrite.add.items()]
        parts += [f"{callee} becomes {new}({rewrite.first})"] if new else []
        yield replace(
            self._edit(", ".join(parts)),
            rename=rename,
            drop=drop,
            add=tuple(rewrite.add.items()),
            call=new,
            name=callee if new else "",
            first=rewrite.first if new else "",
        )

    # torch.load

    def _load(self, call: Call) -> Iterator[SourceEdit | Choice]:
        content = self.rule.content or Content(name="f", position=0, unknown=None)
        calls = self.group.index.code.as_called(self.place, call)
        if self.group.is_allowed_at(self.rule, self.place):
            return
        truths = [holds(self.rule, one, self.group.index.code, self.group.contents.saved) for one in calls]
        if not any(truths):
            return
        readings = [self.group.contents.read(self.place, one, content) for one in calls]
        if not all(truths) or (call.rest and is_missing(argument(call, "weights_only", None))):
            yield self._choice("whether it says weights_only depends on who calls")
        elif all(reading.loads for reading in readings):
            yield from self._restricted(call, "every file that it is known to read loads so")
        elif all(reading.loads or reading.entries for reading in readings):
            yield from self._listed(call, readings)
        elif self.rule.severity.rank < 2:
            yield self._choice(_why(readings))

    def _restricted(self, call: Call, reason: str) -> Iterator[SourceEdit | Choice]:
        if argument(call, "weights_only", None) != Constant(True):
            add = (("weights_only", "True"),)
            yield replace(self._edit("weights_only=True is said"), reason=reason, add=add)

    def _listed(self, call: Call, readings: list[Reading]) -> Iterator[SourceEdit | Choice]:
        entries = tuple(dict.fromkeys(entry for reading in readings for entry in reading.entries))
        imports = tuple(dict.fromkeys(line for reading in readings for line in reading.imports))
        said = argument(call, "weights_only", None) == Constant(True)
        yield replace(
            self._edit("it stands in safe_globals with the exact list"),
            reason=readings[0].told,
            add=() if said else (("weights_only", "True"),),
            allow=entries,
            imports=imports,
        )


def _why(readings: list[Reading]) -> str:
    refused = tuple(dict.fromkeys(name for reading in readings for name in reading.refused))
    if not refused:
        return "which file it reads, and what that holds, cannot be known"
    told = next(reading.told for reading in readings if reading.refused)
    return f"{told} {', '.join(refused[:4])}, and no exact list is known for that"


def _told(fix: Fix) -> str:
    return f"{fix.text}. {fix.security}".strip()
