"""Requests to tenants' addresses never reach a private network, however the address is written."""

import asyncio
import socket
import threading

import httpx
import pytest

from calling_pipeline.errors import InvalidInput, VendorUnavailable
from calling_pipeline.vendors.infinity.client import InfinityClient
from calling_pipeline.vendors.url_guard import PublicOnlyTransport, Reach, checked_url, is_public, require_public

PRIVATE_HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7F.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "10.0.0.1",
    "10.255.255.255",
    "0xa000001",
    "167772161",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.1.1",
    "3232235777",
    "169.254.169.254",
    "0xA9FEA9FE",
    "2852039166",
    "100.64.0.1",
    "100.127.255.254",
    "100.100.100.200",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::8.8.8.8]",
    "[2002:7f00:1::]",
    "[2002:a00:1::1]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[5f00::1]",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "127。0。0。1",
]


@pytest.fixture
def listener():
    """A server on every address of this machine that counts the connections it gets."""
    found = []
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    stop = threading.Event()

    def accept() -> None:
        server.settimeout(0.05)
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            found.append(1)
            connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    yield server.getsockname()[1], found
    stop.set()
    thread.join()
    server.close()


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_no_connection_leaves_for_a_private_address(host, listener):
    port, found = listener

    async def log_in() -> None:
        async with InfinityClient(f"http://{host}:{port}/api", "app", "key", transport=PublicOnlyTransport()) as client:
            await client._ask("App.Sip_Auth.Login", {})

    with pytest.raises((VendorUnavailable, httpx.InvalidURL)):
        asyncio.run(log_in())
    assert found == []


def test_an_exempt_origin_is_reached_and_the_port_beside_it_is_not(listener):
    port, found = listener
    guard = PublicOnlyTransport(Reach(origins=frozenset({f"http://127.0.0.1:{port}"})))

    async def log_in(host: str) -> None:
        async with InfinityClient(f"http://{host}/api", "app", "key", transport=guard) as client:
            await client._ask("App.Sip_Auth.Login", {})

    for host in (f"127.0.0.1:{port + 1}", f"[::1]:{port}", f"localhost:{port}"):
        with pytest.raises(VendorUnavailable, match="PrivateAddress"):
            asyncio.run(log_in(host))
    assert found == []
    with pytest.raises(VendorUnavailable):
        asyncio.run(log_in(f"127.0.0.1:{port}"))
    assert found == [1]


def test_the_listener_would_have_heard(listener):
    port, found = listener

    async def log_in() -> None:
        async with InfinityClient(f"http://127.0.0.1:{port}/api", "app", "key") as client:
            await client._ask("App.Sip_Auth.Login", {})

    with pytest.raises(VendorUnavailable):
        asyncio.run(log_in())
    assert found == [1]


def transport(addresses, seen):
    """A guard whose names resolve to `addresses` in turn, and whose requests end in `seen`."""
    answers = iter(addresses)

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers["host"], request.extensions.get("sni_hostname")))
        return httpx.Response(200, json={})

    return PublicOnlyTransport(resolve=resolve, inner=httpx.MockTransport(answer))


def get(guard, url="https://infinity.example.com/api"):
    async def act() -> httpx.Response:
        async with httpx.AsyncClient(transport=guard) as client:
            return await client.get(url)

    return asyncio.run(act())


def test_the_connection_goes_to_the_address_that_was_judged_under_the_name_that_was_asked_for():
    seen = []
    get(transport([["8.8.8.8"]], seen))
    assert seen == [("8.8.8.8", "infinity.example.com", "infinity.example.com")]


def test_a_name_with_one_private_address_among_public_ones_is_refused():
    seen = []
    with pytest.raises(httpx.UnsupportedProtocol, match="private network"):
        get(transport([["8.8.8.8", "10.0.0.1"]], seen))
    assert seen == []


def test_a_name_that_changes_its_address_is_judged_again_each_time():
    seen = []
    guard = transport([["8.8.8.8"], ["127.0.0.1"]], seen)
    get(guard)
    with pytest.raises(httpx.UnsupportedProtocol):
        get(guard)
    assert len(seen) == 1


def test_redirects_are_not_followed(infinity_redirecting):
    url, found = infinity_redirecting

    async def log_in() -> None:
        async with InfinityClient(url, "app", "key") as client:
            await client.login()

    from calling_pipeline.errors import VendorRefused

    with pytest.raises(VendorRefused, match="redirects are not followed"):
        asyncio.run(log_in())
    assert found == ["/api"]


@pytest.fixture
def infinity_redirecting():
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import RedirectResponse
    from starlette.routing import Route

    from calling_pipeline_tests.serving import served

    found = []

    async def redirect(request: Request) -> RedirectResponse:
        found.append(request.url.path)
        return RedirectResponse("/secret", 307)

    with served(Starlette(routes=[Route("/{path:path}", redirect, methods=["GET", "POST"])])) as url:
        yield url + "/api", found


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address):
    import ipaddress

    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "infinity.example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "http://",
        "http:///path",
        "http://user@example.com",
        "http://user:password@example.com",
        "http://example.com@127.0.0.1/",
        "http://example.com#fragment",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\r\nX-Evil: 1",
        "http://[::1",
        "http://" + "a" * 600,
    ],
)
def test_addresses_of_another_form_are_refused(url):
    with pytest.raises(InvalidInput):
        checked_url(url)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "[::1]", "169.254.169.254"])
def test_a_private_address_is_refused_already_when_it_is_entered(host):
    with pytest.raises(InvalidInput, match="private network"):
        asyncio.run(require_public(f"http://{host}/api"))
