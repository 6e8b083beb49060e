"""A task that may hang or kill its process; a module of its own, so that a worker imports nothing else."""

import os
import time


def slow_or_deadly(name):
    if name == "slow":
        time.sleep(60)
    if name == "deadly":
        os._exit(11)
    return name.upper()


def never_begins(pipe, function):
    os._exit(3)
