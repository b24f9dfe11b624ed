"""The pages after the payment file: the bank's return, what is open, claims; and an enterprise's own page."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from match_runs import Found, firms, publish, run, uscc

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from conftest import People

HEAD = "统一社会信用代码,金额（元）,结果,流水号,日期,原因,收款账号\n"
Client = Any


@pytest.fixture
def paid(desk: Settings, people: People) -> Any:
    """A payment file of two enterprises."""
    from acting import approve, countersign, list_of, pay

    from citybrain.policy.grants.making import make_lists

    item = publish(desk, notice_days=0)
    run(desk, {item: firms("1000.10", "2000.20")})
    make_lists()
    grant_list = list_of(item.item_id)
    approve(grant_list, people.officer)
    countersign(grant_list, people.checker)
    return pay(desk, grant_list, people.treasury).file


def upload(client: Client, file: Any, text: str) -> str:
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = client.post(
        f"/grants/payment/{file.pk}/receipts/",
        {"returned": SimpleUploadedFile("return.csv", text.encode("gb18030"))},
        follow=True,
    )
    return str(answer.content.decode())


def test_a_return_is_uploaded_and_the_page_says_what_is_open(
    people: People, paid: Any, browse: Callable[[Any], Client]
) -> None:
    treasury = browse(people.treasury)
    page = treasury.get(f"/grants/payment/{paid.pk}/").content.decode()
    assert "0 笔失败，2 笔未回" in page and 'id="form-receipts"' in page
    wrong = upload(treasury, paid, HEAD + f"{uscc(1)},1.00,成功,P{paid.pk}-1,2026-12-01,,\n")
    assert "金额应为 1000.10 元" in wrong and "0 笔失败，2 笔未回" in wrong
    rows = (
        f"{uscc(1)},1000.10,成功,P{paid.pk}-1,2026-12-01,,6222 0000 1111\n"
        f"{uscc(2)},2000.20,失败,P{paid.pk}-2,2026-12-01,账号有误,\n"
    )
    done = upload(treasury, paid, HEAD + rows)
    assert "回单已导入：成功 1 笔，失败 1 笔。" in done
    assert "1 笔失败，0 笔未回" in done and "失败：账号有误" in done and "6222" not in done
    assert "以前导入过" in upload(treasury, paid, HEAD + rows)
    assert (
        "请选择银行回单文件"
        in treasury.post(f"/grants/payment/{paid.pk}/receipts/", follow=True).content.decode()
    )
    officer = browse(people.officer)
    assert 'id="form-receipts"' not in officer.get(f"/grants/payment/{paid.pk}/").content.decode()
    assert officer.post(f"/grants/payment/{paid.pk}/receipts/").status_code == 403


def test_a_claim_is_made_by_one_and_settled_by_another(
    desk: Settings, people: People, paid: Any, browse: Callable[[Any], Client]
) -> None:
    from citybrain.policy.grants.acts import scope
    from citybrain.policy.grants.models import GrantLine, Recovery

    treasury, checker = browse(people.treasury), browse(people.checker)
    upload(treasury, paid, HEAD + f"{uscc(1)},1000.10,成功,Q{paid.pk},2026-12-01,,\n")
    with scope():
        line = GrantLine.objects.get(payment_file=paid, uscc=uscc(1))
    page = treasury.get(f"/grants/line/{line.pk}/").content.decode()
    assert 'id="form-claim"' in page and "1,000.10 元" in page and "一次拨付" in page
    assert 'id="form-claim"' not in checker.get(f"/grants/line/{line.pk}/").content.decode()

    def claim(amount: str) -> str:
        sent = {"amount": amount, "reason": "申报不实"}
        return str(treasury.post(f"/grants/line/{line.pk}/claim/", sent, follow=True).content.decode())

    for amount, refusal in (
        ("一千", "金额须写作数字"),
        ("1.001", "以分为止"),
        ("NaN", "以分为止"),
        ("2000", "不超过"),
    ):
        assert refusal in claim(amount)
    assert "已提出追回" in claim("1,000.10")
    assert "已在追回中" in claim("5")
    mine = treasury.get("/grants/recoveries/").content.decode()
    assert "追回中" in mine and 'name="recovered"' not in mine, "who asked settles nothing"
    theirs = checker.get("/grants/recoveries/").content.decode()
    with scope():
        number = Recovery.objects.get(line=line).pk
    assert f'data-recovery="{number}"' in theirs
    assert treasury.post(f"/grants/recovery/{number}/settle/").status_code == 403
    sent = {"recovered": "yes", "reason": "已缴回，凭证 12"}
    settled = checker.post(f"/grants/recovery/{number}/settle/", sent, follow=True).content.decode()
    assert "追回已办结" in settled and "已缴回，凭证 12" in settled
    with connect(desk, DatabaseRole.DESK) as connection:
        states = connection.execute(
            "SELECT payload ->> 'state' FROM ledger.entry WHERE kind = 'grant_recovery' AND subject = %s"
            " ORDER BY entry_id",
            (f"grant_list:{paid.list_id}",),
        ).fetchall()
    assert states == [("open",), ("recovered",)]


def test_a_sample_is_drawn_by_nobody(desk: Settings, people: People, browse: Callable[[Any], Client]) -> None:
    from acting import list_of

    from citybrain.policy.grants.making import make_lists
    from citybrain.policy.grants.sample import sample_size

    assert [sample_size(lines) for lines in (0, 1, 3, 9, 10, 100, 1000)] == [0, 1, 3, 3, 4, 10, 32]
    item = publish(desk)
    run(desk, {item: firms(*["1.00"] * 30)})
    make_lists()
    address = f"/grants/{list_of(item.item_id).pk}/"
    drawn = [
        [
            part.split('"')[0]
            for part in browse(person).get(address).content.decode().split('data-sample="')[1:]
        ]
        for person in (people.officer, people.checker)
    ]
    assert drawn[0] == drawn[1] and len(set(drawn[0])) == 6
    assert drawn[0] != [uscc(number) for number in range(1, 7)], "not the first ones"


def test_an_enterprise_reads_what_it_got_and_what_is_missing(
    desk: Settings,
    people: People,
    browse: Callable[[Any], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.core import signing

    from citybrain.desk.grants.firms import DAYS, SALT

    code, name = uscc(700), "专页企业"
    got, nearly, blind, far = (publish(desk, title=f"专页事项{name}") for name in "甲乙丙丁")
    run(
        desk,
        {
            got: [Found(code, Decimal("12.34"), name=name)],
            nearly: [Found(code, Decimal("5.00"), "near", unmet=2, name=name)],
            blind: [Found(code, None, "needs_data", unknown=2, name=name)],
            far: [Found(uscc(701), Decimal("1.00"))],
        },
    )
    officer = browse(people.officer).get(f"/grants/firm/{code}/").content.decode()
    assert officer.index("专页事项甲") < officer.index("专页事项乙") < officer.index("专页事项丙")
    assert "其余 1 项" in officer and "专页事项丁" in officer
    link = officer.split('id="own-link" readonly value="')[1].split('"')[0]
    assert 'id="own-link"' not in browse(people.treasury).get(f"/grants/firm/{code}/").content.decode()

    own = browse(None).get(link.removeprefix("http://127.0.0.1"))
    page = own.content.decode()
    assert own.status_code == 200 and name in page
    assert "还差：上年度裁员率不高于 5.5%（含）" in page
    assert "缺：上年度裁员率，请人力资源和社会保障局补充" in page
    assert "/grants/" not in page, "nothing leads to the officers' pages"
    assert browse(None).get(f"/notice/own/{signing.dumps(code, salt='other')}/").status_code == 404
    with monkeypatch.context() as past:
        now = time.time()
        past.setattr("django.core.signing.time.time", lambda: now - (DAYS * 24 * 3600 + 1))
        old = signing.dumps(code, salt=SALT)
    assert browse(None).get(f"/notice/own/{old}/").status_code == 404
