"""Rules in plain Chinese: what stands in the quarantine beside a row, and what `citybrain expectations
show` prints.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import singledispatch
from typing import Any

from citybrain.catalogue import Column
from citybrain.quality.expectations_file import Expectations
from citybrain.quality.rules import (
    BatchRule,
    Between,
    ColumnMean,
    ColumnOrder,
    DistinctCount,
    Freshness,
    Guard,
    Length,
    Matches,
    NotInFuture,
    NotNull,
    OneOf,
    Range,
    References,
    RowCount,
    RowCountAgainstHistory,
    RowCountAgainstSameDays,
    RowRule,
    Unique,
    ValidUscc,
    WellTyped,
)
from citybrain.quality.verdict import Card, RuleResult

_LONGEST = 80
_MOST = 3


def reason_zh(rule: RowRule, columns: Sequence[Column]) -> str:
    """What is wrong with a row that breaks the rule, e.g. `注册资本：超出范围（不小于 0）`."""
    subject = "、".join(column.label.zh for column in columns)
    return f"{subject}：{_breach_zh(rule, columns)}"


@singledispatch
def _breach_zh(rule: Any, columns: Sequence[Column]) -> str:
    raise TypeError(f"no wording for rule kind {rule.kind}")


@_breach_zh.register
def _(rule: NotNull, columns: Sequence[Column]) -> str:
    return "缺失"


@_breach_zh.register
def _(rule: OneOf, columns: Sequence[Column]) -> str:
    return f"不在允许的取值内（{_shortened('、'.join(str(value) for value in rule.values))}）"


@_breach_zh.register
def _(rule: Between, columns: Sequence[Column]) -> str:
    return f"超出范围（{_interval(rule.min, rule.max, rule.strict_min, rule.strict_max)}）"


@_breach_zh.register
def _(rule: Matches, columns: Sequence[Column]) -> str:
    return f"格式不符（{_shortened(rule.why.zh)}）"


@_breach_zh.register
def _(rule: Length, columns: Sequence[Column]) -> str:
    return f"字数超出范围（{_interval(rule.min, rule.max)}）"


@_breach_zh.register
def _(rule: ValidUscc, columns: Sequence[Column]) -> str:
    return "不是有效的统一社会信用代码（GB 32100 校验不通过）"


@_breach_zh.register
def _(rule: NotInFuture, columns: Sequence[Column]) -> str:
    return "晚于接收时间" + (f"{_duration(rule.tolerance)}以上" if rule.tolerance else "")


@_breach_zh.register
def _(rule: WellTyped, columns: Sequence[Column]) -> str:
    kinds = {"boolean": "是否值", "date": "日期", "timestamp": "时间", "timestamptz": "时间"}
    return f"无法识别为{kinds.get(columns[0].type, '数值')}"


@_breach_zh.register
def _(rule: References, columns: Sequence[Column]) -> str:
    return f"在数据集 {rule.dataset} 的 {rule.target} 中查不到"


@_breach_zh.register
def _(rule: Unique, columns: Sequence[Column]) -> str:
    return "与本批中更早的一行重复"


@_breach_zh.register
def _(rule: ColumnOrder, columns: Sequence[Column]) -> str:
    return (
        f"先后（大小）颠倒，{columns[0].label.zh}应{'小于' if rule.strict else '不大于'}{columns[1].label.zh}"
    )


def rule_zh(rule: RowRule | BatchRule, columns: Sequence[Column]) -> str:
    """One sentence that says what the rule asks and which card a breach gives."""
    if isinstance(rule, RowRule):
        guard = f"当 {_guard_zh(rule.when)} 时，" if rule.when else ""
        cards = [f"坏行超过 {rule.yellow_above:.4g} 比例黄牌" if rule.yellow_above else "有坏行即黄牌"]
        if rule.red_above is not None:
            cards.append(f"超过 {rule.red_above:.2%} 红牌")
        return f"{guard}若{reason_zh(rule, columns)}，该行隔离；{'，'.join(cards)}"
    subject = "、".join(column.label.zh for column in columns)
    return f"{subject}{_figure_zh(rule)}：{_cards_zh(rule)}"


def _cards_zh(rule: BatchRule) -> str:
    if isinstance(rule, Freshness):
        ages = (("黄牌", rule.yellow_older_than), ("红牌", rule.red_older_than))
        return "，".join(f"早于接收时间{_duration(age)}以上{card}" for card, age in ages if age is not None)
    ranges = (("黄牌", rule.yellow_outside), ("红牌", rule.red_outside))
    return "，".join(f"{_range_zh(fine)}之外{card}" for card, fine in ranges if fine is not None)


@singledispatch
def _figure_zh(rule: Any) -> str:
    raise TypeError(f"no wording for rule kind {rule.kind}")


@_figure_zh.register
def _(rule: RowCount) -> str:
    return "行数"


@_figure_zh.register
def _(rule: RowCountAgainstHistory) -> str:
    return f"行数与最近 {rule.last} 个已入库批次中位数之比"


@_figure_zh.register
def _(rule: RowCountAgainstSameDays) -> str:
    return f"行数与此前 {rule.weeks} 周同类日（工作日、周末或法定节假日）中位数之比"


@_figure_zh.register
def _(rule: ColumnMean) -> str:
    return "平均值"


@_figure_zh.register
def _(rule: DistinctCount) -> str:
    return "不同取值个数"


@_figure_zh.register
def _(rule: Freshness) -> str:
    return "最新一条"


def _guard_zh(guard: Guard) -> str:
    return f"{guard.column} 为 {_shortened('、'.join(str(value) for value in guard.values))}"


def _range_zh(fine: Range) -> str:
    return _interval(fine.min, fine.max)


def _interval(low: Any, high: Any, strict_low: bool = False, strict_high: bool = False) -> str:
    parts = []
    if low is not None:
        parts.append(f"{'大于' if strict_low else '不小于'} {_plain(low)}")
    if high is not None:
        parts.append(f"{'小于' if strict_high else '不大于'} {_plain(high)}")
    return "、".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _duration(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f" {hours / 24:g} 天" if hours >= 24 else f" {hours:g} 小时"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def verdict_zh(results: Sequence[RuleResult], expectations: Expectations) -> str | None:
    """Why a batch has no green card: the failed rules, the gravest and most frequent first. None when all
    passed.
    """
    failed = [result for result in results if result.card is not None]
    failed.sort(key=lambda result: (result.card != Card.RED, -(result.unexpected_rows or 0), result.rule_id))
    if not failed:
        return None
    words = rule_words(expectations)
    parts = [_failed_zh(result, words.get(result.rule_id, result.rule_id)) for result in failed[:_MOST]]
    more = f"；另有 {len(failed) - _MOST} 条规则未通过" if len(failed) > _MOST else ""
    return "；".join(parts) + more


def rule_words(expectations: Expectations) -> dict[str, str]:
    """What each rule id says, for people."""
    words = {}
    for rule_id, rule, columns in expectations.row_rules_by_column():
        words[rule_id] = reason_zh(rule, columns)
        if isinstance(rule, References):
            words[f"{rule_id}.reference_loaded"] = f"参照数据集 {rule.dataset} 尚无已入库批次，未能核对"
    for batch_rule in expectations.batch_rules:
        columns = tuple(expectations.dataset.column(name) for name in batch_rule.column_names)
        words[batch_rule.id] = rule_zh(batch_rule, columns)
    return words


def _failed_zh(result: RuleResult, words: str) -> str:
    if "error" in result.detail:
        return f"质量检查本身出错，按未通过处理（{result.rule_id}：{result.detail['error']}）"
    if result.unexpected_rows is None:
        return f"{words}，实际 {result.detail.get('observed', '—')}"
    return f"{words}：{result.evaluated_rows} 行中 {result.unexpected_rows} 行"
