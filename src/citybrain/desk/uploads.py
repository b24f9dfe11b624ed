"""How much a form may carry with its files, judged before a byte of them is kept."""

from typing import IO

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MOST_BYTES = (
    32 * 1024 * 1024
)  # more than the largest photo, so that a photo's own refusal is said in its words


class SizeLimit(FileUploadHandler):
    """Refuses a form that says it is larger, whoever sends it; the handlers after it keep the files."""

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],  # noqa: N803 - Django's own name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Raises RequestDataTooBig."""
        if content_length > MOST_BYTES:
            raise RequestDataTooBig(f"a form of {content_length} bytes")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
