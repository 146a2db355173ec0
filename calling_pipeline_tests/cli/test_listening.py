"""How the servers of the command line end."""

import subprocess
import sys

import httpx
import pytest

from calling_pipeline_tests.support import LIMIT_S, http, start_process

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


DRAINING = """
import asyncio, os, signal, uvicorn
from calling_pipeline.api import serving
from calling_pipeline.cli import listening

async def app(scope, receive, send):
    while scope["type"] == "lifespan":
        event = (await receive())["type"]
        await send({"type": event + ".complete"})
        if event == "lifespan.shutdown":
            return
    os.kill(os.getpid(), signal.SIGTERM)  # while this request is under way
    await asyncio.sleep(SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})

listener = listening.listen(listening.HOST, 0, setting="a setting")
print(listener.getsockname()[1], flush=True)
serving.DRAIN_S = DRAINS
listening.serve(uvicorn.Server(serving.configuration(app)), listener)
print("ended")
"""


def _draining(seconds, *, drains):
    program = [sys.executable, "-c", DRAINING.replace("SECONDS", seconds).replace("DRAINS", drains)]
    server = start_process(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return server, f"http://127.0.0.1:{int(server.stdout.readline())}/"


def test_a_request_under_way_is_answered_when_the_server_is_to_end_and_no_other_begins():
    server, url = _draining("0.3", drains="600")
    assert http.get(url).text == "done"
    assert (server.wait(LIMIT_S), server.stdout.read()) == (0, "ended\n"), server.stderr.read()
    with pytest.raises(httpx.ConnectError):
        http.get(url)


def test_a_request_without_end_does_not_hold_a_server_that_is_to_end():
    server, url = _draining("3600", drains="1")
    assert http.get(url).status_code == 500
    assert (server.wait(LIMIT_S), server.stdout.read()) == (0, "ended\n")
