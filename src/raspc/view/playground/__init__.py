"""The playground: an editor for RASP text in the browser, served from 127.0.0.1 to this machine alone.

`requests` says what the browser may ask, `worker` does it in a child process with bounds, `jobs` starts and
ends such children, `guard` turns strangers away, `server` joins them.
"""

from __future__ import annotations
