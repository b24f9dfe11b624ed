"""Who calls: a system with a key, or anybody, and whether they may."""

from django.http import HttpRequest

from citybrain.desk.open311.refusals import RefusedError
from citybrain.desk.open311.services import load_services
from citybrain.desk.systems.keys import system_of
from citybrain.desk.systems.metering import admit
from citybrain.desk.systems.models import System


def caller(request: HttpRequest, capability: str) -> System | None:
    """The system whose `api_key` came with the request, its call counted; None for a call without a key.

    Raises RefusedError: 403 for a key that is none, 429 when the day's calls are used up, 404 for another
    city's jurisdiction.
    """
    given = request.POST if request.method == "POST" else request.GET
    jurisdiction = given.get("jurisdiction_id", "")
    if jurisdiction and jurisdiction != load_services().jurisdiction:
        raise RefusedError(404, f"jurisdiction_id {jurisdiction} was not found")
    key = given.get("api_key", "") or request.headers.get("X-Api-Key", "")
    if not key:
        return None
    system = system_of(key)
    if system is None:
        raise RefusedError(403, "api_key is not valid")
    if not admit(system, capability):
        raise RefusedError(429, f"{system.calls_a_day} calls a day are used up")
    return system
