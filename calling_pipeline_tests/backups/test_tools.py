"""PostgreSQL's programs for a backup: which is taken, and what is said when it cannot do what is asked."""

import pytest

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
