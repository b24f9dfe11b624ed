"""The register's page, and the same rows as an Excel workbook."""

from datetime import datetime
from io import BytesIO

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from openpyxl import Workbook

from citybrain.catalogue import load_areas
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.time_left import duration
from citybrain.desk.devices.rows import STATES, Device, Filters, choices_for, counts_of, page_of, standing
from citybrain.desk.sheet import text_cell

PAGE = 50
MOST = 20_000  # rows of a workbook
COLUMNS = (
    *(("设备编号", 22), ("类别", 14), ("地点", 36), ("县区", 10), ("归口部门", 20), ("权属单位", 26)),
    *(("状况", 14), ("静默时长", 16), ("最近读数", 18), ("共享给", 40), ("数据性质", 10)),
)
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ORIGINS = {"synthetic": "合成数据", "real": "真实数据"}
_COLOURS = {"fault": "alarm", "silent": "late", "normal": "good", "out": "quiet"}
may_view = permission_required("systems.view_devices", raise_exception=True)


@require_GET
@may_view
def index(request: HttpRequest) -> HttpResponse:
    """Devices of all departments within the person's view."""
    person, filters = person_of(request), filters_of(request)
    if not standing():
        return render(request, "devices/register.html", {"standing": False})
    counts = counts_of(person, filters)
    total = counts[filters.state] if filters.state else sum(counts.values())
    page = Paginator(range(total), PAGE).get_page(request.GET.get("page"))
    owners, kinds = choices_for(person)
    now = timezone.now()
    devices = page_of(person, filters, PAGE, (page.number - 1) * PAGE)
    return render(
        request,
        "devices/register.html",
        {
            "standing": True,
            "page": page,
            "rows": [(one, silence(one, now), _COLOURS[one.state]) for one in devices],
            "tabs": [(state, name, counts[state]) for state, name in STATES.items()],
            "all_count": sum(counts.values()),
            "filters": filters,
            "filtered": filters != Filters(),
            "owners": owners,
            "kinds": kinds,
            "counties": load_areas().counties,
        },
    )


@require_GET
@may_view
def download(request: HttpRequest) -> HttpResponse:
    """At most `MOST` devices, narrowed as the page is; the sheet says when there are more."""
    devices = page_of(person_of(request), filters_of(request), MOST + 1) if standing() else []
    answer = HttpResponse(workbook_bytes(devices[:MOST], len(devices) > MOST), content_type=_TYPE)
    day = timezone.localtime().strftime("%Y%m%d-%H%M")
    answer["Content-Disposition"] = f'attachment; filename="devices-{day}.xlsx"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def filters_of(request: HttpRequest) -> Filters:
    """What an address narrows the register to; what makes no sense narrows nothing."""
    given = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("q", "state", "owner")}
    return Filters(
        owner=given["owner"][:64],
        kind=request.GET.get("kind", "").replace("\x00", "")[:48],
        county=request.GET.get("county", "").replace("\x00", "")[:6],
        state=given["state"] if given["state"] in STATES else "",
        words=given["q"][:100],
    )


def silence(device: Device, now: datetime) -> str:
    """How long it has said nothing, in words; for a device out of service there is no silence."""
    if device.state == "out":
        return ""
    if device.read_at is None:
        return "从未上报"
    return duration(int((now - device.read_at).total_seconds()))


def workbook_bytes(devices: list[Device], more: bool) -> bytes:
    """One sheet: what the columns are, then a row a device; no cell is ever computed."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("设备台账")
    for place, (_, width) in enumerate(COLUMNS):
        sheet.column_dimensions["ABCDEFGHIJK"[place]].width = width
    sheet.append([text_cell(sheet, title) for title, _ in COLUMNS])
    now = timezone.now()
    for one in devices:
        read_at = timezone.localtime(one.read_at).strftime("%Y-%m-%d %H:%M") if one.read_at else ""
        texts = (
            *(one.id, one.kind_label, one.place, one.county, one.owner, one.unit, one.said),
            *(silence(one, now), read_at, "、".join(one.shared), _ORIGINS.get(one.origin, one.origin)),
        )
        sheet.append([text_cell(sheet, text) for text in texts])
    if more:
        sheet.append([text_cell(sheet, f"只列出前 {MOST} 台，其余请缩小筛选范围后再导出。")])
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()
