"""Policy documents as texts: the words they are found by, and what is kept of them in the lake."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau import ACTIVE, Bureau, item, version
from citybrain.lake import download, spool_folder
from citybrain.policy.publishing import publish
from citybrain.policy.texts import ZONE, Kept, keep_texts
from citybrain.policy.words import question, vector, words_of
from citybrain.settings import DatabaseRole, Settings


def test_a_text_is_cut_finely_and_a_question_coarsely() -> None:
    assert {"新能源", "货车", "购置", "补助"} <= set(words_of("新能源货车购置补助"))
    assert question("新能源货车") == "'新能源' & '货车'"
    assert question("研发 费用", any_word=True) == "'研发' | '费用'"
    assert question("，。 ！") == ""


def test_marks_are_no_words_and_letters_are_lower_case() -> None:
    assert words_of("《A级》物流（LNG）、50%") == ["a", "级", "物流", "lng", "50%"]


@pytest.fixture(scope="module")
def reader(settings: Settings) -> Any:
    with psycopg.connect(settings.dsn(DatabaseRole.MATCHER), autocommit=True) as connection:
        yield connection


@pytest.mark.integration
@given(text=st.text(max_size=60), asked=st.text(max_size=20))
def test_whatever_people_type_is_words_and_no_syntax(reader: Any, text: str, asked: str) -> None:
    row = reader.execute(
        "SELECT %s::tsvector @@ %s::tsquery", (vector([(text, "A")]), question(asked.replace("\x00", "")))
    ).fetchone()
    assert row[0] in (True, False)


@pytest.mark.integration
@given(text=st.text(alphabet="新能源货车购置补助研发费用'\\ :&|", min_size=1, max_size=30))
def test_a_text_answers_to_every_word_of_itself(reader: Any, text: str) -> None:
    for word in words_of(text):
        found = reader.execute(
            "SELECT %s::tsvector @@ %s::tsquery",
            (vector([(text, "C")]), "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"),
        )
        assert found.fetchone()[0] is True


def read(settings: Settings, key: str) -> str:
    with spool_folder(settings) as folder:
        path: Path = folder / "text.md"
        download(settings, ZONE, key, path)
        return path.read_text(encoding="utf-8")


@pytest.mark.integration
def test_texts_are_kept_by_their_hash_and_found_by_their_words(bureau: Bureau) -> None:
    settings = bureau.settings
    asked = {"all": [ACTIVE, {"id": "trucks", "fact": "new_energy_trucks", "op": ">=", "value": 3}]}
    bureau.writes(
        item("TRUCKS", version(require=asked, clause="新购新能源货车不少于 3 辆"), title="新能源货车补助")
    )
    publish(settings)
    assert keep_texts(settings) == Kept(documents=1, items=1, written=1)
    assert keep_texts(settings).written == 0
    with psycopg.connect(settings.dsn(DatabaseRole.DESK)) as desk:
        ((key, sha256),) = desk.execute("SELECT object_key, sha256 FROM policy.document_text").fetchall()
        text = read(settings, key)
        assert key == f"TRIAL/{sha256}.md"
        for words in ("# 试行办法", "示例文件", "新能源货车补助", "上年度新购新能源货车数不低于 3 辆（含）"):
            assert words in text
        weights = desk.execute(
            "SELECT item_id, ts_rank(words, %s::tsquery) FROM policy.item_words WHERE words @@ %s::tsquery",
            (question("货车"), question("货车 补助")),
        ).fetchall()
        assert [row[0] for row in weights] == ["TRUCKS"]
        nothing = desk.execute(
            "SELECT count(*) FROM policy.item_words WHERE words @@ %s::tsquery", (question("养老"),)
        ).fetchone()
        assert nothing == (0,)

    bureau.writes(item("TRUCKS", version(require=asked, clause="改为不少于 3 辆"), title="新能源货车补助"))
    publish(settings)
    assert keep_texts(settings).written == 1
    assert "新购新能源货车不少于 3 辆" in read(settings, key)  # what stood before can still be read

    bureau.writes(item("OTHER", title="养老床位补助"), id="OTHER-DOC")
    publish(settings)
    assert keep_texts(settings) == Kept(documents=1, items=1, written=1)
    with psycopg.connect(settings.dsn(DatabaseRole.DESK)) as desk:
        assert desk.execute("SELECT item_id FROM policy.item_words").fetchall() == [("OTHER",)]
