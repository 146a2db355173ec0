"""Alembic's entry. It runs on the connection that `database/migrate.py` hands over, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
