"""Alembic's entry. It runs on the connection that `database/migrate.py` hands over, one transaction per migration."""

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    transactional_ddl=True,
    transaction_per_migration=True,
    on_version_apply=given["applied"],
)
with context.begin_transaction():
    context.run_migrations()
