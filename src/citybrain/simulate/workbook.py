"""Rows as an Excel workbook of one sheet, dated by the city's clock: equal contents give equal bytes."""

import io
import zipfile
from datetime import datetime

from openpyxl import Workbook

from citybrain.simulate.dirt import Row


def workbook_bytes(sheet_name: str, headers: dict[str, str], rows: list[Row], moment: datetime) -> bytes:
    """`headers`: the row's keys in the order of the columns, and what stands above each."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(sheet_name)
    sheet.append(list(headers.values()))
    for row in rows:
        sheet.append([row[name] for name in headers])
    file = io.BytesIO()
    book.save(file)
    return _dated(file, moment)


def _dated(file: io.BytesIO, moment: datetime) -> bytes:
    """The same archive with `moment` in place of the present."""
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    result = io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _core_properties(stamp)
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return result.getvalue()


def _core_properties(stamp: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{stamp}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{stamp}</dcterms:modified>'
        "</cp:coreProperties>"
    ).encode()
