"""What the name of a setting says about its value: an address, a name, or something not to be looked at."""

import re
from functools import lru_cache
from itertools import pairwise

from services.catalog.derivation.vocabulary import (
    ADDRESS,
    COMMON_NAMES,
    MUTE,
    MUTE_OUTSIDE,
    NO_PAIR,
    QUALIFIER,
    TECHNOLOGY,
)

HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


STORES = tuple((word,) for word in ("store", "cache", "backend", "bus", "storage", "persistence"))


@lru_cache(maxsize=20_000)
def words(key: str) -> tuple[str, ...]:
    """`spring.data.mongodb.hostName` -> spring, data, mongodb, host, name."""
    return tuple(word.lower() for word in HUMPS.split(key[:200]) if word)


@lru_cache(maxsize=20_000)
def is_mute(key: str) -> bool:
    """Whether addresses under the key say nothing about whom the workload calls."""
    told = words(key)
    if not told:
        return False
    pairs = set(pairwise(told))
    own = {("no", "proxy"), ("root", "url"), ("instance", "hostname"), ("instance", "host")} & pairs
    return bool(MUTE.intersection(told)) or bool(own) or told[-1] in ("origin", "schema", "image", "images")


def is_mute_outside(key: str) -> bool:
    return bool(MUTE_OUTSIDE.intersection(words(key)))


def names_itself(key: str, host: str) -> bool:
    """`CALLBACK_SERVICE_HOST=callback-service`: a key that spells the host out is about nothing else."""
    spelled = set(words(host.split(".")[0])) - {"service", "svc"}
    return bool(spelled) and spelled <= set(words(key)) and is_address(key)


@lru_cache(maxsize=20_000)
def is_address(key: str) -> bool:
    """Whether the key speaks of a host, so that a bare name under it is one."""
    told = list(words(key))
    if ("connection", "strings") in set(pairwise(told)) or "connectionstrings" in told:
        return True
    if len(told) > 1 and told[-2] == "host" and told[-1] in ("name", "port"):
        return True
    while len(told) > 1 and (told[-1] in QUALIFIER or told[-1].isdigit()) and told[-1] not in ADDRESS:
        told.pop()
    if told and told[-1] == "points" and "contact" in told:
        return True
    return bool(told) and told[-1].rstrip("0123456789") in ADDRESS


@lru_cache(maxsize=20_000)
def may_hold_pair(key: str) -> bool:
    """Whether `name:123` under the key can be a host and its port."""
    told = words(key)
    return not told or told[-1] not in NO_PAIR


@lru_cache(maxsize=20_000)
def stem(name: str) -> frozenset[str]:
    """The words of a workload's name that tell it from others."""
    return frozenset(words(name)) - COMMON_NAMES


def names_technology(key: str) -> bool:
    """`mongo`, `SESSION_REDIS`: keys that stand for the store itself."""
    told = words(key)
    return bool(told) and told[-1] in TECHNOLOGY


def names_store(key: str) -> bool:
    """`TIMER_DATA_STORE=orders-store`: where a name of its own, rather than a kind of store, can stand."""
    return words(key)[-1:] in STORES


def names_service(key: str, host: str) -> bool:
    """`CART_SERVICE=cart`: a key that names the very service its value names."""
    told = words(key)
    if len(told) < 2 or told[-1] not in ("service", "svc"):
        return False
    spelled = "".join(words(host))
    return "".join(told[:-1]) in spelled or spelled in "".join(told)
