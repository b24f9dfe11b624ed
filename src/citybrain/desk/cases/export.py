"""The cases of the queue as an Excel workbook, narrowed as the queue is; no cell of it is ever computed.

What people wrote to each other on a case is left out: a list goes to more people than have part in the case.
The printed page of one case has it.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET
from openpyxl import Workbook

from citybrain.catalogue import load_areas, load_scenarios
from citybrain.desk.cases.duties import OpenFirst
from citybrain.desk.cases.filters import filters_of, narrowed, tab_for, tabs_of
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.queue import may_view
from citybrain.desk.cases.time_left import time_left
from citybrain.desk.cases.waiting import why_waiting
from citybrain.desk.sheet import text_cell

MOST = 5000  # rows
COLUMNS = (
    *(("编号", 22), ("标题", 30), ("场景", 18), ("状态", 10), ("紧急", 6), ("县区", 10), ("地点", 36)),
    *(("承办单位", 24), ("牵头部门", 20), ("发现时间", 18), ("最近时限", 18), ("还剩或超时", 18)),
    *(("为什么在等", 48), ("返工次数", 10), ("数据性质", 10)),
)
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_GET
@may_view
def download(request: HttpRequest) -> HttpResponse:
    """At most `MOST` cases, what needs attention first; the sheet says when there are more."""
    person, filters, tabs = person_of(request), filters_of(request), tabs_of(person_of(request))
    show = tab_for(filters, int(tabs.mine.exists()))
    listed = OpenFirst(narrowed(tabs.of(show), filters), person, MOST + 1)
    answer = HttpResponse(workbook_bytes(listed[0:MOST], listed.count() > MOST), content_type=_TYPE)
    day = timezone.localtime().strftime("%Y%m%d-%H%M")
    answer["Content-Disposition"] = f'attachment; filename="cases-{day}.xlsx"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def workbook_bytes(cases: Iterable[Any], more: bool) -> bytes:
    """One sheet: what the columns are, then a row a case of `queued_cases`."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("案件")
    counties = {county.code: county.zh for county in load_areas().counties}
    scenarios = {scenario.id: scenario.zh for scenario in load_scenarios().event_handling}
    for place, (_, width) in enumerate(COLUMNS):
        sheet.column_dimensions["ABCDEFGHIJKLMNO"[place]].width = width
    sheet.append([text_cell(sheet, title) for title, _ in COLUMNS])
    now = timezone.now()
    for case in cases:
        due = case.next_due if case.is_open else None
        texts = (
            case.number,
            case.title,
            scenarios.get(case.scenario, case.scenario),
            case.get_state_display(),
            "是" if case.urgent else "",
            counties.get(case.area_code[:6], case.area_code[:6]),
            case.place_name,
            str(case.handler or ""),
            str(case.lead),
            timezone.localtime(case.found_at).strftime("%Y-%m-%d %H:%M"),
            timezone.localtime(due).strftime("%Y-%m-%d %H:%M") if due else "",
            time_left(due, now) if due else "",
            why_waiting(case),
        )
        row = [text_cell(sheet, text) for text in texts]
        sheet.append([*row, case.rework_count, text_cell(sheet, case.get_origin_display())])
    if more:
        sheet.append([text_cell(sheet, f"只列出前 {MOST} 件，其余请缩小筛选范围后再导出。")])
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()
