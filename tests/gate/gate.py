# SPDX-License-Identifier: MIT
"""
The gate's own affairs, as scripts of cases see them: its metrics, its configuration file,
its process, the command. HATAGOD_PID and HATAGOD_CONFIG come from lib.sh.
"""
import json
import os
import signal
import socket
import subprocess

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


def words(*arguments):
    """What hatago-bpfctl says to people."""
    done = subprocess.run([os.environ["BUILD"] + "/hatago-bpfctl", *arguments],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def ctl(*arguments):
    return json.loads(words("-j", *arguments))


def follow(*names):
    """Lines, as a file: a JSON object for each event of these names from now on."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect("/run/hatago/control.sock")
        s.sendall(json.dumps({"command": "event follow", "arguments": {"names": names}}).encode() + b"\n")
        lines = s.makefile()
    assert "result" in json.loads(lines.readline()), "no answer to event follow"
    return lines
