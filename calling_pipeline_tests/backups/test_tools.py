"""PostgreSQL's programs for a backup: which is taken, and what is said when it cannot do what is asked."""

import pytest
from sqlalchemy.engine import make_url

from calling_pipeline.backups import tools
from calling_pipeline.errors import ConfigurationError


def test_a_program_that_is_older_than_the_server_is_named_with_the_package_that_is_missing():
    with pytest.raises(
        ConfigurationError, match=r"PostgreSQL 99 needs pg_dump of its version .*postgresql-client-99; there are: /"
    ):
        tools.tool("pg_dump", 99)


def test_an_address_that_demands_tls_is_not_dumped_without(database_url, tmp_path):
    """The address went to `pg_dump` without its sslmode: a server that takes both was dumped in the clear."""
    url = database_url.set(drivername="postgresql").update_query_dict({"sslmode": "require"})
    program = tools.tool("pg_dump", 14)
    with pytest.raises(ConfigurationError, match=r"speaks no TLS.*postgresql-client"):
        tools.run(program, url, f"--file={tmp_path / 'dump'}")
    assert not (tmp_path / "dump").exists()


def test_the_password_goes_to_the_program_and_is_not_in_its_arguments(tmp_path):
    """It went as `***` in the address, which PostgreSQL's programs take before PGPASSWORD."""
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$PGPASSWORD $*" > {tmp_path / "given"}\n')
    program.chmod(0o755)
    tools.run(str(program), make_url("postgresql+psycopg://calling:a-password@127.0.0.1:5432/calling"), "--file=x")
    assert (tmp_path / "given").read_text().split() == [
        "a-password", "--no-password", "--file=x", "--dbname", "postgresql://calling@127.0.0.1:5432/calling",
    ]  # fmt: skip
