"""Works on every look and photo that waits, with the networks that the project ships; tells how many."""

import json
import sys

from citybrain.settings import DatabaseRole, get_settings
from citybrain.vision.detector_file import load_detectors
from citybrain.vision.worker import Worker, tools_of
from citybrain.warehouse.connection import connect

settings = get_settings()
worker = Worker("patrolling", settings, tools_of(settings), load_detectors(settings))
with connect(settings, DatabaseRole.WATCHER, autocommit=True) as city:
    while worker.work_once(city):
        pass
    broken = city.execute("SELECT DISTINCT error FROM vision.look_request WHERE error <> ''").fetchall()
errors = [error for (error,) in broken]
sys.stdout.write(json.dumps({"looks": worker.looks, "rechecks": worker.rechecks, "errors": errors}))
