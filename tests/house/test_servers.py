"""The servers of the suite are real, separate, and do what the fixtures say."""

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, make_url, text


def _run(url, *statements):
    """Run statements in one transaction and return the rows of the last."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements[:-1]:
                connection.execute(text(statement))
            answer = connection.execute(text(statements[-1]))
            return [tuple(row) for row in answer] if answer.returns_rows else []
    finally:
        engine.dispose()


def test_the_database_is_a_real_postgresql(postgres_url):
    assert make_url(postgres_url).drivername == "postgresql+psycopg"
    ((version, encoding),) = _run(
        postgres_url, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
    )
    assert version >= 150000
    assert encoding == "UTF8"


def test_a_new_database_starts_empty(new_postgres_database):
    first, second = new_postgres_database(), new_postgres_database()
    _run(first, "CREATE TABLE unit (id int)")
    ((seen,),) = _run(second, "SELECT count(*) FROM pg_tables WHERE tablename = 'unit'")
    assert seen == 0


def test_a_copy_has_the_rows_of_its_template_and_leaves_it_alone(new_postgres_database):
    template = new_postgres_database()
    _run(template, "CREATE TABLE unit (id int)", "INSERT INTO unit VALUES (1)")
    copy = new_postgres_database(template=template)
    assert _run(copy, "INSERT INTO unit VALUES (2)", "SELECT id FROM unit ORDER BY id") == [(1,), (2,)]
    assert _run(template, "SELECT id FROM unit") == [(1,)]


def test_a_dropped_database_is_gone_even_while_somebody_is_connected(postgres_databases):
    url = postgres_databases.create()
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT 1")
        postgres_databases.drop(url)
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(address)


def test_a_commit_survives_the_crash_of_the_durable_server(durable_postgres):
    url = durable_postgres.databases.create()
    settings = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    assert {name: _run(url, f"SHOW {name}")[0][0] for name in settings} == settings
    _run(url, "CREATE TABLE fault (id int)", "INSERT INTO fault VALUES (7)")
    durable_postgres.crash()
    durable_postgres.start()
    assert _run(url, "SELECT id FROM fault") == [(7,)]


def test_the_queue_server_is_a_real_one_that_evicts_nothing(redis_url):
    with redis.from_url(redis_url) as client:
        assert client.set("key", "value", px=60_000)
        assert client.get("key") == b"value"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.delete("key")


def test_a_job_in_the_queue_survives_the_crash_of_the_queue_server(own_redis):
    with redis.from_url(own_redis.url) as client:
        client.rpush("work", "order 1")
    own_redis.crash()
    with redis.from_url(own_redis.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    own_redis.start()
    with redis.from_url(own_redis.url) as client:
        assert client.lrange("work", 0, -1) == [b"order 1"]
