# SPDX-License-Identifier: MIT
"""
The gate's own affairs, as scripts of cases see them: its metrics, its configuration file,
its process. HATAGOD_PID and HATAGOD_CONFIG come from lib.sh.
"""
import os
import signal

from cases import until
from client import ask


def metrics():
    answer = ask(target="/metrics/concurrency")
    assert answer.status == 200, f"metrics: {answer}"
    return answer.json()


def queued():
    return metrics()["concurrency"]["queue"]["size"]


def pid():
    return int(os.environ["HATAGOD_PID"])


def terminate():
    os.kill(pid(), signal.SIGTERM)


def reload(old, new, is_done):
    """Changes a text of the configuration, and waits until that is seen to be so."""
    path = os.environ["HATAGOD_CONFIG"]
    with open(path) as f:
        text = f.read()
    assert old in text, f"'{old}' is not in the configuration"
    with open(path, "w") as f:
        f.write(text.replace(old, new))
    os.kill(pid(), signal.SIGHUP)
    until(is_done, f"the reload to {new}")
