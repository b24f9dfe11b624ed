"""What is said when the lake cannot keep or give a picture."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from minio.error import MinioException
from urllib3.exceptions import HTTPError

from citybrain.desk.api.problems import ProblemError
from citybrain.lake import LakeError

log = logging.getLogger(__name__)


@contextmanager
def refused_by_the_lake() -> Iterator[None]:
    """Raises ProblemError 503, worth another try."""
    try:
        yield
    except (LakeError, MinioException, HTTPError, OSError) as error:
        log.error("the lake does not take or give a picture: %s", error)
        raise ProblemError(503, "照片暂时无法存取，请稍后再试。", headers={"Retry-After": "30"}) from error
