"""`/notifications`: contract ledgers and their messages; technicians beside them, in an outbox of their own."""

from calling_pipeline.console.pages.notifications import deciding, ledgers, messages, overview, receivers, running

ROUTERS = (overview.router, running.router, ledgers.router, receivers.router, messages.router, deciding.router)
