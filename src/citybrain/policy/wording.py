"""Conditions and amounts as officers read them: bounds say whether they are included (含 / 不含)."""

from datetime import date
from decimal import Decimal

from citybrain.policy.facts import Fact, Facts, FactValue
from citybrain.policy.item_file import (
    All,
    AnyOf,
    Exclusion,
    Flat,
    FlatBy,
    Formula,
    Leaf,
    Match,
    Node,
    PerUnit,
    RateBy,
    RateOf,
    Tiers,
    Version,
    children,
)
from citybrain.policy.rule import AGO, Criterion, Rule
from citybrain.policy.span import Span

STATUS_ZH = {"eligible": "符合", "needs_data": "缺数据", "near": "接近符合", "ineligible": "不符合"}
CHANNEL_ZH = {"auto": "免申即享", "confirm": "企业确认后享受", "apply": "申报享受"}
PAYER_ZH = {"nation": "中央", "province": "省级", "city": "市级", "county": "县级"}
EXCLUSION_ZH = {
    "highest_wins": "同组事项一年内就高不重复",
    "top_up": "同组事项一年内就高补差",
    "once_a_year": "同组事项一年只享受一项",
    "once_ever": "同组事项只享受一次",
    "mutual": "享受过同组其他事项的不再享受",
}
COMPARED_ZH = {
    ">": "高于", ">=": "不低于", "<": "低于", "<=": "不高于", "==": "为", "!=": "不为", "in": "为",
    "not_in": "不为", "at_least_ago": "距今满", "at_most_ago": "距今不超过",
}  # fmt: skip
COMPARED_DAY_ZH = {">": "晚于", ">=": "不早于", "<": "早于", "<=": "不晚于"}
MOST_LISTED = 8


def sentence(criterion: Criterion) -> str:
    """e.g. `上年度裁员率不高于 5.5%（含）`."""
    fact, leaf = criterion.fact, criterion.leaf
    if not criterion.known:
        return f"{fact.label}（标准待核定）"
    words = f"{fact.label}{compared(leaf.op, fact)}"
    if leaf.op in AGO:
        return f"{words} {Span.read(criterion.values[0]).zh}（含）"
    values = [shown(value, fact) for value in criterion.values]
    match leaf.op:
        case "is":
            return fact.label if criterion.values[0] is True else f"不是：{fact.label}"
        case "==" | "!=":
            return f"{words} {values[0]}"
        case ">" | "<":
            return f"{words} {values[0]}（不含）"
        case ">=" | "<=":
            return f"{words} {values[0]}（含）"
        case "in":
            return f"{words} {_listed(values)} 之一"
        case "not_in":
            return f"{words} {_listed(values)}"
        case "between":
            return f"{fact.label}在 {values[0]}（含）至 {values[1]}（含）之间"
        case "under":
            return f"{fact.label}属于 {_listed(values)}"
    raise AssertionError(f"{leaf.op} has no words")


def condition_lines(rule: Rule) -> list[str]:
    """The whole condition, one line a criterion, indented below `须同时满足`, `满足任一项` …"""
    return [f"{'　' * depth}{words}" for depth, words in _lines(rule.version.require, rule.by_leaf, 0)]


def _lines(node: Node, criteria: dict[str, Criterion], depth: int) -> list[tuple[int, str]]:
    if isinstance(node, Leaf):
        words = sentence(criteria[node.id])
        return [(depth, words if node.label in (None, words) else f"{node.label}（{words}）")]
    if isinstance(node, All):
        head = "须同时满足："
    elif isinstance(node, AnyOf):
        head = "满足任一项："
    else:
        head = f"至少满足 {node.at_least} 项（含）："
    inner = [line for child in children(node) for line in _lines(child, criteria, depth + 1)]
    return [(depth, head), *inner]


def exclusion_words(exclusion: Exclusion | None) -> str:
    """Which other items an enterprise cannot have beside this one."""
    if exclusion is None:
        return "每户每年享受一次"
    return f"{EXCLUSION_ZH[exclusion.rule]}（组 {exclusion.group}）"


def compared(op: str, fact: Fact) -> str:
    """An operator in words. Days come before and after, they are not high and low."""
    return (COMPARED_DAY_ZH if fact.type == "date" else {}).get(op) or COMPARED_ZH.get(op, "")


def _listed(values: list[str]) -> str:
    more = f"等 {len(values)} 项" if len(values) > MOST_LISTED else ""
    return "、".join(values[:MOST_LISTED]) + more


def shown(value: FactValue, fact: Fact) -> str:
    """A value with its unit, as people read it."""
    if value is None:
        return "缺失"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, str):
        return fact.values.get(value, value)
    if fact.unit == "比例":
        return f"{plain(Decimal(value) * 100)}%"
    number = yuan(Decimal(value)) if fact.type == "money" else plain(Decimal(value))
    if fact.type == "money" or fact.unit == "年":
        return number
    return f"{number} {fact.unit}" if fact.unit else number


def plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def yuan(number: Decimal) -> str:
    """`30 万元`, `1,234.56 元`."""
    if number and number % 10_000 == 0:
        return f"{plain(number / 10_000)} 万元"
    return f"{number:,.2f} 元".replace(".00 元", " 元")


def amount_words(rule: Rule) -> str:
    """How much, in one line, with the cap and the fund."""
    version = rule.version
    words = _amount_words(version, rule.facts)
    if version.caps.per_enterprise is not None:
        words += f"，每户最高 {yuan(version.caps.per_enterprise)}"
    if version.caps.budget is not None:
        words += f"，资金总额 {yuan(version.caps.budget.amount)}"
    if version.pay:
        words += "；分期支付：" + "，".join(_stage_words(rule, place) for place in range(len(version.pay)))
    if version.share:
        borne = (f"{PAYER_ZH[payer]} {plain(part * 100)}%" for payer, part in version.share.items())
        words += "；资金分担：" + "、".join(borne)
    return words


def _stage_words(rule: Rule, place: int) -> str:
    stage = rule.version.pay[place]
    words = f"{stage.label} {plain(stage.share * 100)}%"
    waits = [] if stage.after is None else [f"首期满 {Span.read(stage.after).zh}"]
    if stage.when is not None:
        criteria = {criterion.leaf.id: criterion for criterion in rule.later[stage.id]}
        waits += [text for _, text in _lines(stage.when, criteria, 0)]
    return f"{words}（{'；'.join(waits)}）" if waits else words


def _amount_words(version: Version, facts: Facts) -> str:
    amount = version.amount

    def money(value: Decimal | None) -> str:
        return "待核定" if value is None else yuan(value)

    def share(value: Decimal | None) -> str:
        return "待核定比例" if value is None else f"{plain(value * 100)}%"

    match amount:
        case Flat():
            return f"一次性 {money(amount.value)}"
        case FlatBy():
            fact = facts[amount.by]
            parts = (f"{fact.values[key]} {money(value)}" for key, value in amount.values.items())
            return f"按{fact.label}：" + "，".join(parts)
        case RateOf():
            return f"{facts[amount.of].label}的 {share(amount.rate)}"
        case RateBy():
            fact = facts[amount.by]
            parts = (f"{fact.values[key]} {share(rate)}" for key, rate in amount.rates.items())
            return f"{facts[amount.of].label}的一定比例，按{fact.label}：" + "，".join(parts)
        case PerUnit():
            fact = facts[amount.of]
            return f"{fact.label}每{fact.unit or '个'} {money(amount.value)}"
        case Match():
            how = "待核定比例" if amount.ratio is None else f"1:{plain(amount.ratio)}"
            return f"{facts[amount.of].label}按 {how} 配套"
        case Tiers():
            parts = (
                f"{yuan(tier.start)}（含）起 {money(tier.value) if tier.rate is None else share(tier.rate)}"
                for tier in amount.tiers
            )
            how = "分段累计" if amount.mode == "marginal" else "按达到的最高一档"
            return f"{facts[amount.of].label}{how}：" + "，".join(parts)
        case Formula():
            return f"按公式计算：{amount.expr}"
