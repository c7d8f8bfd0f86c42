"""gunicorn's settings: one application loaded before two workers fork, so that they share its memory."""

import os

bind = f"{os.environ.get('SLIPWAY_BIND', '127.0.0.1')}:{os.environ.get('SLIPWAY_PORT', '8000')}"
workers = int(os.environ.get("SLIPWAY_WEB_WORKERS", "2"))
worker_class = "gthread"
threads = 4
preload_app = True
timeout = 30
graceful_timeout = 10
keepalive = 5
max_requests = 20000
max_requests_jitter = 2000
control_socket_disable = True
accesslog = None
errorlog = "-"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  # heartbeat files, not data
