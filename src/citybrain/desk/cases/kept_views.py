"""Filters that a person keeps under a name, and lets go again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from citybrain.desk.accounts.models import SavedView
from citybrain.desk.cases.filters import filters_of
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.queue import may_view

MOST = 20  # a person's
LONGEST_NAME = 30  # characters


@require_POST
@may_view
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the address under the name of the form; a name that is there is given anew."""
    person, name = person_of(request), request.POST.get("name", "").strip()[:LONGEST_NAME]
    query = filters_of(request).query
    there = SavedView.objects.filter(person=person)
    if not name or "\0" in name:
        messages.error(request, "请给这个视图起个名字。")
    elif not query:
        messages.error(request, "还没有筛选，没有可保存的视图。")
    elif there.exclude(name=name).count() >= MOST:
        messages.error(request, f"最多保存 {MOST} 个视图，请先删除不用的。")
    else:
        SavedView.objects.update_or_create(person=person, name=name, defaults={"query": query})
        messages.success(request, f"视图“{name}”已保存。")
    return redirect(f"{reverse('cases:queue')}?{query}")


@require_POST
@may_view
def forget(request: HttpRequest, view_id: int) -> HttpResponse:
    """Let a view of one's own go; nobody reaches another person's."""
    SavedView.objects.filter(person=person_of(request), pk=view_id).delete()
    return redirect("cases:queue")
