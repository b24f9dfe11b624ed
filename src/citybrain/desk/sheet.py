"""Text in an Excel sheet as text: no cell of ours is ever computed."""

from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet


def text_cell(sheet: WriteOnlyWorksheet, value: str) -> Cell:
    """A name that begins with `=` is shown, not computed, here and after a copy elsewhere."""
    cell = WriteOnlyCell(sheet, "")
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell.data_type = "s"
    cell.style = "Normal"
    cell.quotePrefix = True
    return cell
