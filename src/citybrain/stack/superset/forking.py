"""Gunicorn's configuration: Superset is loaded once, and each worker is a fork of what was loaded.

Loading takes ten seconds of a processor and 300 MB. What a fork must not share with another is the pool of
connections to the metadata database: each begins with an empty one.
"""

from typing import Any

preload_app = True


def post_fork(server: Any, worker: Any) -> None:
    """Forget the connections opened while loading, without closing them under the one who loaded."""
    from superset.extensions import db

    with worker.app.wsgi().app_context():
        db.engine.dispose(close=False)
