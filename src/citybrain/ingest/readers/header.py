"""Columns are found by name, never by position: the header of a delivery against the dataset's file."""

from collections import Counter
from collections.abc import Iterable, Sequence

from citybrain.catalogue import Dataset
from citybrain.ingest.readers.records import DeliveryRejectedError, shortened


def match_header(dataset: Dataset, header: Sequence[str]) -> list[str | None]:
    """For each header cell the column it fills, None where the dataset's file says the header is ignored.

    Raises DeliveryRejectedError with a difference that names every missing, unknown and doubled header.
    """
    owners = {name: column.name for column in dataset.columns for name in column.accepted_headers}
    matched = [owners.get(name) for name in header]
    found = Counter(column for column in matched if column is not None)
    missing = [
        f"- {'|'.join(column.accepted_headers)}（缺少列 missing column {column.name}）"
        for column in dataset.columns
        if column.required and column.name not in found
    ]
    unknown = [
        f"+ {shortened(name, 60)}（未登记的列 unknown column）"
        for name, column in zip(header, matched, strict=True)
        if column is None and name not in dataset.ignored_headers
    ]
    doubled = [
        f"× {name}（重复的列 column {name} comes {count} times）"
        for name, count in found.items()
        if count > 1
    ]
    if missing or unknown or doubled:
        raise DeliveryRejectedError(
            f"表头与 dags/sources/{dataset.id}.yml 不符 (header differs): "
            + "; ".join(missing + unknown + doubled)
        )
    return matched


class KeyTracker:
    """The same comparison for formats whose records carry their own keys: judged over the whole delivery.

    A key that no column knows makes the delivery unusable; a required column may lack in some records, not
    in all.
    """

    def __init__(self, dataset: Dataset, without: Iterable[str] = ()) -> None:
        self._dataset = dataset
        self._owners = {name: column.name for column in dataset.columns for name in column.accepted_headers}
        self._ignored = set(dataset.ignored_headers)
        self._seen: dict[str, None] = dict.fromkeys(without)
        self.columns = [column.name for column in dataset.columns]
        self.position = {name: self.columns.index(column) for name, column in self._owners.items()}

    def note(self, keys: Iterable[str]) -> None:
        """Remember the keys of a record."""
        for key in keys:
            if key not in self._seen:
                self._seen[key] = None

    def judge(self, rows: int) -> None:
        """Raise DeliveryRejectedError if the keys seen in `rows` records do not fit the dataset."""
        if rows == 0:
            return
        try:
            match_header(self._dataset, list(self._seen))
        except DeliveryRejectedError as error:
            raise DeliveryRejectedError(error.reason, rows) from None
