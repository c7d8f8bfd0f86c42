"""What never changes, kept for a while: folders of commits, and contents by their id."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sized
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound=Sized)


class Kept(Generic[Key, Value]):
    """The last used of them, as many as weigh `most` together; each weighs its length and one."""

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key, fetch: Callable[[], Value]) -> Value:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        return self._keep(key, fetch())

    def _keep(self, key: Key, found: Value) -> Value:
        with self._lock:
            if key in self._kept:  # another thread was quicker
                return self._kept[key]
            self._kept[key] = found
            self._weight += len(found) + 1
            while self._weight > self._most:
                _, gone = self._kept.popitem(last=False)
                self._weight -= len(gone) + 1
        return found
