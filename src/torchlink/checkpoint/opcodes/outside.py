"""Opcodes of what reaches outside the pickle: names, calls, states, persistent ids."""

from __future__ import annotations

from torchlink.checkpoint.machine import Handler, Machine, PickleError
from torchlink.checkpoint.opcodes.containers import changed
from torchlink.checkpoint.values import Blob, Call, Extension, Global, How, Pairs, Persistent

_CONTAINER = 110
"""Bytes that a container costs at least."""


def op_global(m: Machine) -> None:
    m.stack.append(_named(m))


def _named(m: Machine) -> Global:
    module = m.line()
    name = m.line()
    if not module or not name:
        raise PickleError("GLOBAL without a name")
    return m.find(module.decode("utf-8"), name.decode("utf-8"))


def op_stack_global(m: Machine) -> None:
    name = m.stack.pop()
    module = m.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise PickleError("STACK_GLOBAL of values that are not text")
    m.stack.append(m.find(module, name))


def op_inst(m: Machine) -> None:
    offset = m.position
    found = _named(m)
    args = tuple(m.pop_mark())
    m.stack.append(m.call(Call(found, args, How.INST, offset)))


def op_obj(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(m.call(Call(items[0], tuple(items[1:]), How.OBJ, m.position)))


def op_reduce(m: Machine) -> None:
    stack = m.stack
    args = stack.pop()
    func = stack[-1]
    call = Call(func, args, How.REDUCE, m.position)
    if type(func) is Global:
        func.calls.append(call)
    else:
        m.opaque_calls.append(call)
    stack[-1] = call
    m.room -= 130
    if type(args) is not tuple and type(args) is not Call:
        m.deviates("REDUCE with arguments that are not a tuple")


def op_newobj(m: Machine) -> None:
    args = m.stack.pop()
    cls = m.stack.pop()
    if type(args) is not tuple and type(args) is not Call:
        m.deviates("NEWOBJ with arguments that are not a tuple")
    m.stack.append(m.call(Call(cls, args, How.NEWOBJ, m.position)))
    m.room -= 130


def op_newobj_ex(m: Machine) -> None:
    kwargs = m.stack.pop()
    args = m.stack.pop()
    cls = m.stack.pop()
    if type(args) is not tuple or type(kwargs) is not Pairs:
        m.deviates("NEWOBJ_EX with arguments that are not a tuple and a dictionary")
    m.stack.append(m.call(Call(cls, args, How.NEWOBJ_EX, m.position, kwargs)))
    m.room -= 130


def op_build(m: Machine) -> None:
    state = m.stack.pop()
    target = m.stack[-1]
    if type(target) is Call:
        if target.state is None:
            target.state = [state]
        else:
            target.state.append(state)
    elif state is not None:
        changed(m, target, "BUILD")
    m.room -= 64
    if m.after_build is not None:
        m.after_build(m, target)


def op_persid(m: Machine) -> None:
    line = m.line()
    _persist(m, line.decode("ascii"))


def op_binpersid(m: Machine) -> None:
    stack = m.stack
    found = Persistent(stack[-1], m.position)
    m.persistent.append(found)
    stack[-1] = found
    m.room -= 80


def _persist(m: Machine, identity: object) -> None:
    found = Persistent(identity, m.position)
    m.persistent.append(found)
    m.stack.append(found)
    m.room -= 80


def op_extension(length: int) -> Handler:
    def handler(m: Machine) -> None:
        code = int.from_bytes(m.take(length), "little", signed=length == 4)
        if code <= 0:
            raise PickleError("an extension code that is not positive")
        if len(m.extensions) < 1000:
            m.extensions.append(code)
        m.stack.append(Extension(code))
        m.room -= _CONTAINER

    return handler


def op_next_buffer(_: Machine) -> None:
    raise PickleError("it needs buffers from outside the file")


def op_readonly_buffer(m: Machine) -> None:
    if type(m.stack[-1]) not in (bytes, Blob):
        raise PickleError("READONLY_BUFFER of a value that is no buffer")
