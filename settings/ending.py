"""The end of a program that several processes run."""

import time

from accelerate import Accelerator

REST_SECONDS = 0.2


def end_together(accelerator: Accelerator) -> None:
    """Wait for all processes, then leave their group.

    A group's thread takes the interpreter's lock to drop the tensors of its last exchange. Python
    holds that lock while it destroys the group, which waits for the thread: a deadlock in torch
    2.11 for a process that has nothing else to do in between (seen in one of three runs).
    """
    accelerator.wait_for_everyone()
    if accelerator.num_processes > 1:
        time.sleep(REST_SECONDS)
    accelerator.end_training()
