"""`/batches`: call batches, calling tasks, and why a number was called or not."""

from calling_pipeline.console.pages.batches import acts, batch, history, overview, results, running, settling, tasks, why

ROUTERS = (
    overview.router,
    why.router,
    history.router,
    tasks.router,
    running.router,
    acts.router,
    settling.router,
    results.router,
    batch.router,
)
"""The addresses without a number before those with one."""
