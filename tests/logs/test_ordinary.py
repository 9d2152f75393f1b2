"""Ordinary errors: bugs of one's own, machines and services. None of them has a cause that torchlink may give."""

from __future__ import annotations

import pytest

from torchlink.logs.log import explain_log, read_log

ORDINARY = (
    "E: Unable to locate package libgl1-mesa-glx",
    "CONFLICT (content): Merge conflict in src/a.py\nAutomatic merge failed; fix conflicts and then commit the result.",
    'error[E0382]: borrow of moved value: `x`\nerror: could not compile `app` (bin "app") due to 1 previous error',
    'Exception in thread "main" java.lang.NullPointerException: Cannot invoke "String.length()"',
    "psycopg2.OperationalError: could not connect to server: Connection refused",
    "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://api.github.com/user",
    "RuntimeError: The size of tensor a (512) must match the size of tensor b (256) at non-singleton dimension 1",
    "torch.cuda.OutOfMemoryError: CUDA out of memory.",
    "RuntimeError: CUDA error: an illegal memory access was encountered",
    "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    "ValueError: Target size (torch.Size([16])) must be the same as input size (torch.Size([16, 1]))",
    "TypeError: forward() got an unexpected keyword argument 'mask'",
    "TypeError: __init__() got an unexpected keyword argument 'hidden_size'",
    "AttributeError: 'Net' object has no attribute 'fc3'",
    "AttributeError: 'TrainConfig' object has no attribute 'lr'",
    "NameError: name 'torch' is not defined",
    "IndexError: index out of range in self",
    "AssertionError: Padding size should be less than the corresponding input dimension",
    "RuntimeError: Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same",
    "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn",
    "wandb.errors.CommError: Error communicating with wandb process",
    "OSError: [Errno 28] No space left on device",
    "PermissionError: [Errno 13] Permission denied: '/data/out'",
    "ModuleNotFoundError: No module named 'src'",
    "ImportError: attempted relative import with no known parent package",
    "ImportError: cannot import name 'Trainer' from 'trainer' (/home/u/p/trainer.py)",
    "KeyError: 'model'\n",
    "ValueError: num_samples should be a positive integer value, but got num_samples=0",
    "slurmstepd: error: *** JOB 123 ON node1 CANCELLED AT 2026 DUE TO TIME LIMIT ***",
    "Killed",
    "bash: torchrun: command not found",
    "docker: Error response from daemon: pull access denied for foo",
    "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded",
    "FAILED tests/test_a.py::test_x - AssertionError",
    "UserWarning: Detected call of `lr_scheduler.step()` before `optimizer.step()`.",
    "FutureWarning: `torch.cuda.amp.autocast(args...)` is deprecated.",
    "TypeError: 'NoneType' object is not subscriptable",
    "TypeError: 'type' object is not subscriptable",
    "OverflowError: cannot fit 'int' into an index-sized integer",
    "RuntimeError: stack expects each tensor to be equal size, but got [3] at entry 0 and [4] at entry 1",
)


@pytest.mark.parametrize("message", ORDINARY, ids=lambda message: message[:40])
def test_no_cause_is_invented(message: str) -> None:
    log = read_log(message.encode(), "log")
    assert explain_log(log, log.context).answer.findings == ()
