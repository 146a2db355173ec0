"""Alembic's entry. It runs on the connection that `database/migrate.py` hands over, one transaction per migration."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
