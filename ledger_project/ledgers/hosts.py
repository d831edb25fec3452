"""Which host a request is for."""

from functools import lru_cache

from django.http.request import split_domain_port


@lru_cache(1024)
def host_of(header: str) -> str:
    """
    Return the host in a Host header as Django compares it, or ``""`` if it isn't valid.

    It is in lower case, without the port and without the dot at its end.
    """
    host, _port = split_domain_port(header)
    return str(host)
