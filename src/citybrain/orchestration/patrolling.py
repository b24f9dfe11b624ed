"""Tasks of the patrol: the demo city's stills, looks asked for, and the wait until workers have done them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from airflow.sdk import TriggerRule, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from citybrain.orchestration.defaults import CITY_TIME
from citybrain.orchestration.main_job import leave_to_main_job
from citybrain.settings import Settings

FIRST_ROUNDS = 3
"""So many rounds when there was never one: what stands in a lane has then stood there over several stills."""
LOOKS_TIMEOUT = timedelta(minutes=10)


def patrol_cron(settings: Settings) -> str | None:
    """The cron of the detector that looks most often; None without a detector. Raises ContentError.

    A tick that is no round of another detector asks nothing of it.
    """
    from citybrain.vision.detector_file import load_schedules
    from citybrain.vision.timetable import newest_ticks

    now = datetime.now(CITY_TIME)
    return max(load_schedules(settings), key=lambda cron: newest_ticks(cron, now, 12)[0], default=None)


def plan_rounds(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> XComArg:
    """The rounds that are due, `[{"detector", "due_at"}]`, the earliest first; skipped when there is none,
    and as long as the warehouse knows no camera.

    A run looks at its own time, a scheduled one at that of the clock, any other at when it began: so it finds
    its own rounds again when it is repeated.
    """

    @task(task_id="plan_rounds", task_display_name="确定巡查轮次", trigger_rule=trigger_rule)
    def plan() -> list[dict[str, str]]:
        from citybrain.settings import get_settings
        from citybrain.vision.active import active_detectors
        from citybrain.vision.cameras import NoCamerasError
        from citybrain.vision.patrol import rounds_due
        from citybrain.vision.timetable import newest_tick

        context = get_current_context()
        leave_to_main_job(context)
        settings = get_settings()
        run = context["dag_run"]
        own_time = run.logical_date if run.run_type == "scheduled" else None
        moment = own_time or _began(run)
        rounds = []
        for detector in active_detectors(settings).values():
            try:
                due = rounds_due(settings, detector, moment, FIRST_ROUNDS)
            except NoCamerasError as error:
                raise AirflowSkipException(str(error)) from error
            if not due and own_time is not None:
                due = [newest_tick(detector.schedule, own_time)]
            rounds += [{"detector": detector.id, "due_at": tick.isoformat()} for tick in due]
        if not rounds:
            raise AirflowSkipException("every round that is due was asked for already")
        return sorted(rounds, key=lambda one: (one["due_at"], one["detector"]))

    return plan()


def write_first_stills() -> XComArg:
    """What the demo city's cameras had taken when it began. The warehouse has no part in it: it is done while
    models are built. Skipped afterwards.
    """

    @task(task_id="write_first_stills", task_display_name="示范城市：生成最初的抓图")
    def write() -> None:
        from citybrain.settings import get_settings
        from citybrain.simulate.stills import have_begun
        from citybrain.vision.active import active_detectors
        from citybrain.vision.timetable import newest_ticks

        settings = get_settings()
        if not settings.demo or have_begun(settings):
            raise AirflowSkipException("the cameras have begun, or are a real city's")
        began = _began(get_current_context()["dag_run"])
        detectors = active_detectors(settings).values()
        _write_stills({tick for one in detectors for tick in newest_ticks(one.schedule, began, FIRST_ROUNDS)})

    return write()


def write_stills(rounds: XComArg) -> XComArg:
    """What the demo city's cameras have taken by each round; a real city's cameras send their own stills."""

    @task(task_id="write_stills", task_display_name="示范城市：生成抓图")
    def write(rounds: Any) -> list[dict[str, str]]:
        from citybrain.settings import get_settings

        if get_settings().demo:
            _write_stills({datetime.fromisoformat(one["due_at"]) for one in rounds})
        planned: list[dict[str, str]] = rounds
        return planned

    return write(rounds)


def _began(run: Any) -> datetime:
    """When the run began: it stays the same when a task is repeated."""
    began: datetime = run.start_date
    return began


def _write_stills(due: set[datetime]) -> None:
    """In one call: the demo city's story begins with its first call."""
    from citybrain.orchestration.verbs import run_verb

    moments = sorted(due)
    written = run_verb("simulate", "stills", "--at", moments[-1].isoformat(), *_steps(moments))
    print(f"{len(written['stills'])} stills written")  # noqa: T201 - Airflow's task log takes standard output


def _steps(moments: list[datetime]) -> tuple[str, ...]:
    """How many rounds, and how far apart, as the verb wants to be told."""
    apart = min((after - before for before, after in pairwise(moments)), default=timedelta(minutes=1))
    minutes = max(int(apart.total_seconds() // 60), 1)
    return "--rounds", str(len(moments)), "--every-minutes", str(minutes)


def request_looks(rounds: XComArg) -> XComArg:
    """One look for each camera and round; asking again asks nothing."""

    @task(task_id="request_looks", task_display_name="下达巡查任务")
    def request(rounds: Any) -> list[dict[str, str]]:
        from citybrain.settings import get_settings
        from citybrain.vision.active import active_detectors
        from citybrain.vision.patrol import request_looks

        settings = get_settings()
        detectors = active_detectors(settings)
        for one in rounds:
            due_at = datetime.fromisoformat(one["due_at"])
            asked = request_looks(settings, detectors[one["detector"]], due_at)
            print(f"{one['detector']} {due_at}: {len(asked.cameras)} cameras")  # noqa: T201
            for camera_id in asked.without_zone:
                print(f"nobody has drawn a zone for {camera_id}")  # noqa: T201
            for camera_id in asked.unknown:
                print(f"{camera_id} has a zone and is in no register")  # noqa: T201
        planned: list[dict[str, str]] = rounds
        return planned

    return request(rounds)


def wait_for_looks(rounds: XComArg) -> XComArg:
    """Figures of all rounds together, when the workers have done them; fails when none of them is running."""

    @task(task_id="wait_for_looks", task_display_name="等待巡查完成", retries=0)
    def wait(rounds: Any) -> dict[str, Any]:
        from citybrain.settings import get_settings
        from citybrain.vision.active import active_detectors
        from citybrain.vision.patrol import wait_for_looks

        settings = get_settings()
        detectors = active_detectors(settings)
        done = [
            wait_for_looks(
                settings, detectors[one["detector"]], datetime.fromisoformat(one["due_at"]), LOOKS_TIMEOUT
            )
            for one in rounds
        ]
        for figures in done:
            print(figures)  # noqa: T201 - Airflow's task log takes standard output
        return together(done)

    return wait(rounds)


def together(rounds: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The sum of rounds' figures, and how many rounds there were."""
    rounds = list(rounds)
    names = (
        "looks",
        "clean",
        "occupied",
        "unusable",
        "missing",
        "failed",
        "superseded",
        "skipped",
        "signals",
        "seconds",
    )
    return {"rounds": len(rounds)} | {name: sum(one[name] for one in rounds) for name in names}


def patrol(trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> tuple[XComArg, XComArg]:
    """The whole of it, for `patrol_sweep` and for the main job: (its first task, the figures at its end)."""
    rounds = plan_rounds(trigger_rule)
    return rounds, wait_for_looks(request_looks(write_stills(rounds)))
