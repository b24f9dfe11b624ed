"""What people decided comes back: negatives with their surroundings, precision, and thresholds."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from patrol_city import IN_LANE, START, City, picture
from PIL import Image

from citybrain.lake import list_objects
from citybrain.vision.feedback import (
    LEAST_DECIDED,
    Decided,
    advise,
    decided_findings,
    suggest_threshold,
    write_negatives,
)
from citybrain.vision.originals import keep_original, remove_old_originals


def test_a_threshold_is_where_nine_in_ten_were_confirmed() -> None:
    scores = [(0.9 - number / 100, True) for number in range(18)] + [
        (0.7, False),
        (0.71, False),
        (0.6, False),
    ]
    suggested = suggest_threshold(scores)
    assert suggested == 0.7  # 18 of 20
    above = [confirmed for score, confirmed in scores if score >= suggested]
    assert sum(above) / len(above) >= 0.9
    assert suggest_threshold(scores[: LEAST_DECIDED - 1]) is None
    assert suggest_threshold([(0.9, False)] * 30) is None


def test_scores_that_are_equal_are_kept_or_left_together() -> None:
    assert suggest_threshold([(0.9, True)] * 18 + [(0.5, True)] * 2 + [(0.5, False)] * 8) == 0.9


def test_advice_is_given_for_all_cameras_and_for_each() -> None:
    decided = [
        Decided(str(n), "street_order", "exposed_rubbish", f"C{n % 2}", 0.8, n > 4, {}) for n in range(30)
    ]
    told = {one.camera_id: one for one in advise(decided)}
    assert set(told) == {"", "C0", "C1"}
    assert (told[""].confirmed, told[""].rejected, told[""].precision) == (25, 5, 0.8333)
    assert told["C0"].threshold is None  # fifteen decided: too few


def test_a_rejected_case_becomes_a_picture_with_nothing_to_find(city: City, tmp_path: Path) -> None:
    from citybrain.desk.accounts.sync import sync
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    sync(city.settings)
    city.patrol(*(picture(("car", IN_LANE), grain=number) for number in range(2)))
    (signal,) = city.signals()
    assert signal["detail"]["original"].startswith("20261203/")  # a week after the round
    take_in()
    with as_system():
        (case,) = Case.objects.filter(source_id=city.camera)
        assert Case.objects.filter(pk=case.pk).update(state="voided") == 1
    mine = [one for one in decided_findings(city.settings) if one.camera_id == city.camera]
    assert [(one.confirmed, one.class_code) for one in mine] == [(False, "car")]
    assert write_negatives(city.settings, mine, tmp_path) == 1
    (written,) = (tmp_path / "images" / "negatives").iterdir()
    assert (tmp_path / "labels" / "negatives" / f"{written.stem}.txt").read_text() == ""
    assert Image.open(written).size == (256, 288)  # the box and half of its size on every side
    assert json.loads((tmp_path / "feedback.json").read_text())[0]["case_number"] == case.number
    remove_old_originals(city.settings, START.date() + timedelta(days=8))
    assert write_negatives(city.settings, mine, tmp_path / "later") == 0


@pytest.mark.integration
def test_originals_go_after_their_days(city: City) -> None:
    kept = keep_original(city.settings, b"a still", START)
    assert kept is not None
    none = city.settings.model_copy(update={"originals_days": 0})
    assert keep_original(none, b"another", START) is None
    assert remove_old_originals(city.settings, date(2026, 12, 3)) == 0
    assert remove_old_originals(city.settings, date(2026, 12, 4)) >= 1
    assert kept not in {found.key for found in list_objects(city.settings, "originals", "")}
