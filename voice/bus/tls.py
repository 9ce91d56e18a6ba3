"""How the connection to a broker is encrypted, and whom it trusts."""

import logging
import ssl

from voice.bus.settings import BrokerSettings
from voice.errors import BusError

_log = logging.getLogger(__name__)


class _Socket(ssl.SSLSocket):
    """Closes itself when the handshake fails; the client library leaves it open, one for each attempt."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context(settings: BrokerSettings) -> ssl.SSLContext | None:
    """Return how to encrypt; None: not at all.

    Raises:
        BusError: the certificate authority can't be read.
    """
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise BusError(f"broker.ca_file {settings.ca_file}: {error}", fix="give a certificate in PEM form") from error
    context.sslsocket_class = _Socket
    if settings.insecure:
        _log.warning("broker.insecure is on: anyone can pose as %s", settings.address)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
