"""Who asks, as the desk's own type."""

from django.http import Http404, HttpRequest

from citybrain.desk.accounts.models import User


def person_of(request: HttpRequest) -> User:
    """The signed-in person. Raises Http404 for anybody else."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user
