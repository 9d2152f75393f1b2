"""HTTP requests to package indexes: one function that opens a URL, with the user's credentials and clear errors.

urllib serves: it knows proxies and redirects, and adds no dependency to an environment that may be the broken one.
"""

from __future__ import annotations

import base64
import netrc
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from torchlink.model.errors import TorchlinkError, UnreadableError

TIMEOUT_S = 30.0
_TRIES = 3
_WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
_AGENT = "torchlink (a linker for PyTorch environments)"


class UnreachableError(TorchlinkError):
    """An index or a file on it could not be reached: no network, or no answer."""


class Response(Protocol):
    """What is used of urllib's answer."""

    status: int
    headers: Message

    def read(self, amount: int | None = None, /) -> bytes:
        """Read at most so many bytes."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def open_url(url: str, headers: Mapping[str, str] | None = None) -> Response:
    """Send a GET request.

    Raises:
        UnreadableError: the server says that there is no such thing, or that it may not be had.
        UnreachableError: there is no answer.
    """
    bare, authorization = _credentials(url)
    sent = {"User-Agent": _AGENT, **(headers or {})}
    if authorization:
        sent["Authorization"] = authorization
    if urlsplit(bare).scheme not in {"http", "https"}:
        raise UnreadableError("is no http or https URL", where=shown(url))
    request = urllib.request.Request(bare, headers=sent)  # noqa: S310 -- the scheme was looked at
    for attempt in range(1, _TRIES + 1):
        try:
            answer: Response = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 -- as above
        except urllib.error.HTTPError as error:
            if error.code not in _WORTH_ANOTHER_TRY or attempt == _TRIES:
                raise _refused(error.code, url) from None
        except (OSError, ValueError) as error:
            if attempt == _TRIES:
                raise UnreachableError(
                    f"cannot be reached ({_reason(error)})", where=shown(url), mend="check the network and the index"
                ) from None
        else:
            return answer
        time.sleep(0.3 * attempt)
    raise AssertionError("unreachable")


def read_url(url: str, limit: int, headers: Mapping[str, str] | None = None) -> tuple[bytes, Message]:
    """The body of an answer, and its headers.

    Raises:
        UnreadableError: as `open_url`, or it is longer than ``limit`` bytes.
        UnreachableError: as `open_url`, or the connection breaks.
    """
    answer = open_url(url, headers)
    try:
        data = answer.read(limit + 1)
    except OSError as error:
        raise UnreachableError(f"breaks off ({_reason(error)})", where=shown(url), mend="try again") from None
    finally:
        answer.close()
    if len(data) > limit:
        raise UnreadableError(f"longer than {limit} bytes", where=shown(url))
    return data, answer.headers


def shown(url: str) -> str:
    """A URL without credentials, as it may be printed."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _refused(code: int, url: str) -> TorchlinkError:
    if code in {401, 403}:
        return UnreadableError(
            f"the index refuses it (HTTP {code})", where=shown(url), mend="give credentials in the URL or in ~/.netrc"
        )
    if code in {404, 410, 416}:
        return UnreadableError(f"is not there (HTTP {code})", where=shown(url))
    return UnreachableError(f"the index fails (HTTP {code})", where=shown(url), mend="try again later")


def _reason(error: OSError | ValueError) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason) or type(reason).__name__


def _credentials(url: str) -> tuple[str, str]:
    """A URL without its credentials, and the header that carries them: those in it, or those of ``~/.netrc``."""
    parts = urlsplit(url)
    user, password = parts.username, parts.password or ""
    if user is None:
        found = _netrc(parts.hostname or "")
        if found is None:
            return url, ""
        user, password = found
    token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), f"Basic {token}"


def _netrc(host: str) -> tuple[str, str] | None:
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2]) if found and found[2] else None
