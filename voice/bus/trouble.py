"""Why there is no broker, and what to do about it, in words for whoever set it up."""

import ssl

_REFUSED = {134, 135}
"""Bad user name or password; not authorised (MQTT 5.0, section 3.2.2.2; paho maps the codes of 3.1.1 to these)."""

_START = "start it, or set another broker.host"


def explain(error: Exception, *, code: int | None = None, tls: bool = False) -> tuple[str, str]:
    """Return what is wrong, as the predicate of "broker HOST:PORT ...", and the fix.

    Args:
        error: what connecting ended with; the client wraps the system's error in its own.
        code: the broker's reason code, where it gave one.
        tls: whether the connection was to be encrypted.
    """
    cause = error.__cause__ or error.__context__ or error
    if code in _REFUSED:
        return "refuses us: the user or the password is wrong", "set broker.username and broker.password_file"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"shows a certificate that we don't trust ({cause.verify_message})", _certificate_fix(cause)
    if tls and isinstance(cause, ssl.SSLError | ConnectionResetError | TimeoutError):
        return f"does not speak TLS on this port ({_short(cause)})", "set its TLS port (8883), or broker.tls to false"
    if "timed out" in str(error):
        return f"does not answer as a broker does ({_short(error)})", "is this its port? does it want broker.tls?"
    return f"can't be reached ({_short(error)})", _START


def _certificate_fix(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
        return "set broker.host to a name that stands in the certificate"
    return "set broker.ca_file to the authority that signed it"


def _short(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
