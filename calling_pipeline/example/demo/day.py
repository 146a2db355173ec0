"""A working day in about three minutes, over the example world and the simulator alone."""

from __future__ import annotations

from calling_pipeline.example.demo import scenes
from calling_pipeline.example.demo.stage import Say, stage
from calling_pipeline.runtime import Runtime


def play(runtime: Runtime, say: Say, *, pace: float = 1.0) -> int:
    """Play the day; returns the batch that it ran. `pace` 0 leaves out the pauses in which people look.

    Raises what `stage` raises. However it ends, the faults that it planted are healed.
    """
    with stage(runtime, say, pace=pace) as on:
        on.look("the demo begins; open the first page and leave it open, it refreshes itself", "/")
        on.pause(4)
        batch = scenes.batch_begins(on)
        scenes.collectors_call(on, 9)
        scenes.a_call_is_refused(on)
        on.pause(4)
        scenes.messages_go_out(on)
        scenes.a_day_is_held(on)
        scenes.collectors_call(on, 9)
        scenes.the_vendor_is_away(on)
        on.pause(5)
        left = scenes.the_batch_ends(on, batch)
        on.look(f"the day is over. Left for you: {left} unknown calls to settle", f"/batches/{batch}")
        on.look("  a dead letter to send again", "/notifications")
        on.look("  parked lines of the contract ledger to correct", "/alerts")
    return batch
