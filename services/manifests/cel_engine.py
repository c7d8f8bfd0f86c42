"""The CEL library, without the terminal program that comes with it.

`import cel` also imports its command line, and with it a terminal toolkit, a table printer and a highlighter:
more time and memory than all of this package. Whoever needs CEL imports `cel` and `stdlib` from here.
"""

import sys
from types import ModuleType

_COMMAND_LINE = "cel.cli"

sys.modules.setdefault(_COMMAND_LINE, ModuleType(_COMMAND_LINE))
try:
    import cel
    from cel import stdlib
finally:
    sys.modules.pop(_COMMAND_LINE)

__all__ = ["cel", "stdlib"]
