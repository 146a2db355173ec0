"""How the servers of the command line end."""

import subprocess
import sys

import pytest

from calling_pipeline_tests.support import LIMIT_S

SERVER = """
import os, signal, threading, uvicorn
from calling_pipeline.cli import listening

async def app(scope, receive, send):
    while scope["type"] == "lifespan":
        event = (await receive())["type"]
        await send({"type": event + ".complete"})
        if event == "lifespan.startup":
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGNAL)).start()
        else:
            return

listening.LOOK_EVERY_S = 3600
server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
listening.serve(server, listening.listen(listening.HOST, 0, setting="a setting"))
print("ended")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_server_that_looks_rarely_ends_at_once_on_a_signal(name):
    program = SERVER.replace("SIGNAL", name)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr
