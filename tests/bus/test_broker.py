"""The embedded broker: loopback only, and clear about a taken port."""

import asyncio

import pytest

from voice.bus.broker import EmbeddedBroker
from voice.bus.settings import BrokerSettings
from voice.errors import BusError


async def test_a_taken_port_says_what_to_do() -> None:
    async with EmbeddedBroker(BrokerSettings(port=0)) as first:
        with pytest.raises(BusError, match=f"--broker 127.0.0.1:{first.port}"):
            await EmbeddedBroker(BrokerSettings(port=first.port)).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.org", "::"])
def test_it_listens_to_this_machine_only(host: str) -> None:
    with pytest.raises(BusError, match=r"set broker\.host"):
        EmbeddedBroker(BrokerSettings(host=host))


async def test_it_is_gone_after_stop_and_can_be_started_again() -> None:
    async with EmbeddedBroker(BrokerSettings(port=0)) as broker:
        port = broker.port
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", port)
    async with EmbeddedBroker(BrokerSettings(port=port)) as again:
        assert again.port == port
