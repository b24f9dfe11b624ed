"""A list of rows as the CSV file a department exports: Chinese headers, UTF-8."""

import csv
import io

from citybrain.simulate.dirt import Row


def csv_bytes(headers: dict[str, str], rows: list[Row]) -> bytes:
    """`headers`: the row's keys in the order of the columns, and what stands above each."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headers.values())
    writer.writerows([row[name] for name in headers] for row in rows)
    return text.getvalue().encode()
