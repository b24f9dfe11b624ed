"""Reporting what one saw: a place, a class, a photo, and the phone's position where it is given."""

from typing import Any, BinaryIO, cast

from django import forms
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from citybrain.catalogue import load_scenarios
from citybrain.desk.accounts.models import User
from citybrain.desk.answered import arrived
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import StepRefusedError, key_in, new_key
from citybrain.events.acting import CaseRefusedError
from citybrain.events.editions import current
from citybrain.events.models import Signal
from citybrain.events.photos import MOST_AT_ONCE, PhotoRefusedError
from citybrain.events.reporting import LONGEST_TEXT, report
from citybrain.lake import LakeError

SEEN_BY_EYE = {"video", "citizen"}  # feeds of the scenarios in which a person can see what is wrong
may_report = permission_required("events.report_case", raise_exception=True)


def reportable_classes() -> list[tuple[str, list[tuple[str, str]]]]:
    """The classes that a person can see, by scenario: `scenario/class` and the Chinese name."""
    classes = current().classes
    return [
        (
            scenario.zh,
            [(f"{one.scenario}/{one.class_code}", one.zh) for one in classes if one.scenario == scenario.id],
        )
        for scenario in load_scenarios().event_handling
        if SEEN_BY_EYE & set(scenario.feeds)
    ]


class Photos(forms.FileField):
    """One to `MOST_AT_ONCE` files of one field; cleaned to a list of them."""

    class Input(forms.ClearableFileInput):
        allow_multiple_selected = True

    widget = Input

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Raises ValidationError."""
        files = data if isinstance(data, list) else [data]
        if len(files) > MOST_AT_ONCE:
            raise forms.ValidationError(f"一次最多 {MOST_AT_ONCE} 张照片。")
        return [super(Photos, self).clean(file, initial) for file in files or [None]]


class ReportForm(forms.Form):
    """What a report carries. Position in WGS84 degrees, both numbers or neither."""

    kind = forms.ChoiceField(
        error_messages={"required": "请选择类别。", "invalid_choice": "请选择列表中的类别。"}
    )
    place = forms.CharField(
        max_length=200, error_messages={"required": "请写明地点。", "max_length": "地点不能超过 200 字。"}
    )
    text = forms.CharField(
        max_length=LONGEST_TEXT,
        error_messages={
            "required": "请说明看到了什么。",
            "max_length": f"说明不能超过 {LONGEST_TEXT} 字。",
        },
    )
    photo = Photos(
        error_messages={
            "required": "请拍一张照片。",
            "empty": "这个文件不是照片，请上传 JPEG、PNG 或 WebP 照片。",
        }
    )
    lon = forms.DecimalField(required=False, min_value=-180, max_value=180, max_digits=9, decimal_places=6)
    lat = forms.DecimalField(required=False, min_value=-90, max_value=90, max_digits=9, decimal_places=6)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        cast("forms.ChoiceField", self.fields["kind"]).choices = [("", "请选择"), *reportable_classes()]

    def clean(self) -> dict[str, Any]:
        """Half a position, or one that makes no sense, is said once and beside the position."""
        cleaned = dict(super().clean() or {})
        broken = [name for name in ("lon", "lat") if self.errors.pop(name, None)]
        if broken or (cleaned.get("lon") is None) != (cleaned.get("lat") is None):
            self.add_error(None, "位置不完整或不正确，请重新定位，或清空后只写地点。")
        return cleaned


@require_http_methods(["GET", "POST"])
@may_report
def report_page(request: HttpRequest) -> HttpResponse:
    """The form; sent, it becomes a signal that an acceptor gets as a case."""
    if request.method == "GET":
        return _form(request, ReportForm(), new_key())
    form = ReportForm(request.POST, request.FILES)
    try:
        key = key_in(request)
        if not form.is_valid():
            return _form(request, form, key, status=422)
        _report(person_of(request), key, form.cleaned_data)
    except StepRefusedError as refused:
        form.add_error(None, str(refused))
        return _form(request, form, request.POST.get("key", "") or new_key(), status=422)
    except PhotoRefusedError as refused:
        form.add_error("photo", str(refused))
        return _form(request, form, key, status=422)
    except CaseRefusedError as refused:
        form.add_error(None, str(refused))
        return _form(request, form, key, status=422)
    except (LakeError, MinioException, HTTPError, OSError):
        form.add_error("photo", "照片暂时无法保存，没有上报。请稍后再试。")
        return _form(request, form, key, status=422)
    return arrived(request, redirect("phone:reported", key))


@require_GET
@may_report
def reported(request: HttpRequest, key: str) -> HttpResponse:
    """That the report has arrived, and the case it became once it was taken in."""
    person = person_of(request)
    signal = get_object_or_404(Signal.objects.select_related("case"), key=f"report:{person.pk}:{key}")
    return render(request, "phone/reported.html", {"signal": signal})


def _report(person: User, key: str, said: dict[str, Any]) -> Signal:
    scenario, _, class_code = said["kind"].partition("/")

    def send() -> Signal:
        photos = [cast("BinaryIO", photo) for photo in said["photo"]]
        for photo in photos:
            photo.seek(0)
        with transaction.atomic():
            return report(
                person,
                scenario,
                said["text"],
                key=key,
                class_code=class_code,
                photos=photos,
                lon=said["lon"],
                lat=said["lat"],
                place_name=said["place"],
            )

    try:
        return send()
    except IntegrityError:  # the other of two taps was first: now its report is found
        return send()


def _form(request: HttpRequest, form: ReportForm, key: str, status: int = 200) -> HttpResponse:
    return render(
        request, "phone/report.html", {"form": form, "key": key, "most_photos": MOST_AT_ONCE}, status=status
    )
