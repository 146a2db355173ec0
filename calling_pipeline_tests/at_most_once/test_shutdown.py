"""A SIGTERM cancels the work, waits for its clean end, and then ends the process as it always did."""

import subprocess
import sys
import textwrap

PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from calling_pipeline.at_most_once import shutdown

    async def work():
        try:
            print("working", flush=True)
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # an outcome on its way
            print("recorded", flush=True)
            raise

    shutdown.run(work())
    print("not reached", flush=True)
""")


def test_a_process_that_is_terminated_ends_its_work_first():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.terminate()
        rest = process.stdout.read()
        assert process.wait() == -15
    assert rest == "recorded\n"
