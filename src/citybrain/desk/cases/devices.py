"""Cameras and sensors that have said something of themselves: what sees nothing stands first."""

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.events.models import DeviceHealth

PAGE = 50
WELL = ("normal",)  # what a detector says of a camera that shows its place again
CONDITIONS = {
    "black": "画面全黑",
    "white": "画面过曝",
    "blurred": "画面模糊",
    "frozen": "画面静止",
    "unreachable": "取不到画面",
    "not_a_picture": "画面无法读取",
    "truncated": "画面不完整",
    "too_large": "画面过大",
    "stale": "画面没有更新",
    "absent": "没有画面",
    "not_allowed": "取图地址未获准",
    "silent": "没有上报",
    **dict.fromkeys(WELL, "正常"),
}


@require_GET
@permission_required("events.view_devicehealth", raise_exception=True)
def index(request: HttpRequest) -> HttpResponse:
    """Devices within the person's view, those to repair first."""
    everything = DeviceHealth.objects.order_by("-observed_at", "pk")
    to_repair = everything.exclude(condition__in=WELL)
    show_all = request.GET.get("show") == "all"
    devices = everything if show_all else to_repair
    if words := request.GET.get("q", "").strip()[:100]:
        devices = devices.filter(Q(source_id__icontains=words) | Q(place_name__icontains=words))
    page = Paginator(devices, PAGE).get_page(request.GET.get("page"))
    rows = [(one, CONDITIONS.get(one.condition, one.condition)) for one in page.object_list]
    return render(
        request,
        "cases/devices.html",
        {
            "page": page,
            "rows": [(one, said, one.condition in WELL) for one, said in rows],
            "show_all": show_all,
            "to_repair_count": to_repair.count(),
            "all_count": everything.count(),
            "words": words,
        },
    )
