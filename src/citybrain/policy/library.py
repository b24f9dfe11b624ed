"""The policies of the project: every file of `policies/` read, typed against the facts, and its cases run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from citybrain.catalogue import (
    ContentError,
    line_of,
    load_content,
    load_departments,
    read_yaml,
)
from citybrain.policy.anomaly_file import load_anomalies
from citybrain.policy.evaluation import Outcome, evaluate
from citybrain.policy.facts import Facts, FactValue, facts_path, load_facts
from citybrain.policy.item_file import Case, Document, Item, PolicyFile, Version
from citybrain.policy.lints import lint
from citybrain.policy.rule import Location, Rule, RuleError, resolve
from citybrain.settings import Settings


@dataclass(frozen=True)
class Policy:
    """One item with its document and one rule for each of its versions, in the order of the file."""

    path: Path
    document: Document
    item: Item
    rules: tuple[Rule, ...]

    def rule_on(self, day: date) -> Rule | None:
        return next((rule for rule in self.rules if rule.version.valid.holds_on(day)), None)


@dataclass(frozen=True)
class CaseResult:
    """`reason` says what came out instead; None when the case holds, and `line` is then 1."""

    path: Path
    line: int
    item_id: str
    name: str
    reason: str | None


def policy_files(settings: Settings) -> list[Path]:
    return sorted(settings.policies_dir.glob("*/*.yml"))


def load_policies(settings: Settings) -> list[Policy]:
    """Every item, in order of its id. Raises ContentError with the faults of the first wrong file."""
    facts = load_facts(settings)
    policies: list[Policy] = []
    for path in policy_files(settings):
        policies += load_policy_file(path, facts)
    _check_together(policies)
    return sorted(policies, key=lambda policy: policy.item.id)


def load_policy_file(path: Path, facts: Facts) -> list[Policy]:
    """The items of one file. Raises ContentError."""
    content = load_content(path, PolicyFile)
    faults: list[tuple[Location, str]] = []
    policies = []
    if content.document.department != path.parent.name:
        reason = f"the file lies in the folder of {path.parent.name}, not {content.document.department}"
        faults.append((("document", "department"), reason))
    for place, item in enumerate(content.items):
        rules = []
        for number, version in enumerate(item.versions):
            where = ("items", place, "versions", number)
            try:
                rules.append(rule := resolve(version, facts))
                found = lint(rule)
            except RuleError as error:
                found = error.faults
            faults += [((*where, *inner), reason) for inner, reason in found]
        faults += [(("items", place, *inner), reason) for inner, reason in _case_faults(item, facts)]
        policies.append(Policy(path, content.document, item, tuple(rules)))
    if faults:
        tree = read_yaml(path)
        raise ContentError(
            path, [(line_of(tree, where), f"{_dotted(where)}: {why}") for where, why in faults]
        )
    return policies


def _dotted(where: Location) -> str:
    return ".".join(str(step) for step in where)


def _case_faults(item: Item, facts: Facts) -> Iterator[tuple[Location, str]]:
    groups: list[tuple[Location, dict[str, object]]] = [(("given",), dict(item.given))]
    groups += [(("cases", place, "facts"), dict(case.facts)) for place, case in enumerate(item.cases)]
    for where, given in groups:
        for name, value in given.items():
            if name not in facts:
                yield (*where, name), f"no fact is called {name!r}: policies/facts.yml lists them"
                continue
            try:
                facts[name].typed(value)
            except ValueError as error:
                yield (*where, name), str(error)
    for place, case in enumerate(item.cases):
        if version_of(item, case) is None:
            yield ("cases", place, "on"), f"no version holds on {case.on}"


def version_of(item: Item, case: Case) -> Version | None:
    return item.versions[0] if case.on is None else item.version_on(case.on)


def _check_together(policies: list[Policy]) -> None:
    """Raises ContentError for ids used twice, groups with two rules and funds with two amounts."""
    items: dict[str, object] = {}
    groups: dict[str, object] = {}
    funds: dict[str, object] = {}
    for policy in policies:
        _agree(policy, items, policy.item.id, policy.path, "is an item of two files")
        for rule in policy.rules:
            exclusion, budget = rule.version.exclusion, rule.version.caps.budget
            if exclusion is not None:
                _agree(policy, groups, exclusion.group, exclusion.rule, "is a group with two rules")
            if budget is not None:
                _agree(policy, funds, budget.id, budget, "is a fund with two amounts or orders")


def _agree(policy: Policy, known: dict[str, object], name: str, value: object, fault: str) -> None:
    if known.setdefault(name, value) != value:
        lines = policy.path.read_text(encoding="utf-8").splitlines()
        line = next((number for number, text in enumerate(lines, 1) if name in text), 1)
        raise ContentError(policy.path, [(line, f"{name} {fault}")])


def case_facts(policy: Policy, case: Case, facts: Facts) -> dict[str, FactValue]:
    written = {**policy.item.given, **case.facts}
    return {name: facts[name].typed(value) for name, value in written.items()}


def run_cases(policy: Policy, facts: Facts) -> list[CaseResult]:
    """Every case of an item in Python."""
    results = []
    for place, case in enumerate(policy.item.cases):
        rule = rule_of(policy, case)
        outcome = evaluate(rule, case_facts(policy, case, facts), case.on or rule.version.valid.start)
        reason = difference(case, outcome)
        line = 1 if reason is None else _line_of_case(policy, place)
        results.append(CaseResult(policy.path, line, policy.item.id, case.name, reason))
    return results


def _line_of_case(policy: Policy, place: int) -> int:
    tree = read_yaml(policy.path)
    ids = [entry["id"] for entry in tree["items"]]
    return line_of(tree, ("items", ids.index(policy.item.id), "cases", place))


def rule_of(policy: Policy, case: Case) -> Rule:
    rule = policy.rules[0] if case.on is None else policy.rule_on(case.on)
    assert rule is not None  # noqa: S101 - a case without a version does not load
    return rule


def difference(case: Case, outcome: Outcome) -> str | None:
    """What came out otherwise than the case expects, in one line; None when nothing did."""
    expected = case.expect
    parts = []
    if outcome.status != expected.status:
        parts.append(f"status {outcome.status}, not {expected.status}")
    if expected.amount is not None and outcome.amount != expected.amount:
        parts.append(f"amount {outcome.amount}, not {expected.amount}")
    if expected.unmet is not None and set(outcome.unmet) != set(expected.unmet):
        parts.append(f"unmet {', '.join(outcome.unmet) or 'nothing'}")
    if expected.unknown is not None and set(outcome.unknown) != set(expected.unknown):
        parts.append(f"unknown {', '.join(outcome.unknown) or 'nothing'}")
    return "; ".join(parts) or None


@dataclass(frozen=True)
class Census:
    """What stands in `policies/`. `distinct_criteria`: fact, operator and value, whatever it is called."""

    documents: int
    real_documents: int
    items: int
    versions: int
    criteria: int
    distinct_criteria: int
    facts: int
    facts_used: int
    amount_kinds: dict[str, int]
    not_payable: int


def census(policies: list[Policy], facts: Facts) -> Census:
    """Counts over items that load."""
    rules = [rule for policy in policies for rule in policy.rules]
    criteria = [criterion for rule in rules for criterion in rule.criteria]
    kinds = Counter(rule.version.amount.kind for rule in rules)
    return Census(
        documents=len({policy.document.id for policy in policies}),
        real_documents=len({policy.document.id for policy in policies if policy.document.origin == "real"}),
        items=len(policies),
        versions=len(rules),
        criteria=len(criteria),
        distinct_criteria=len({(each.leaf.fact, each.leaf.op, each.values) for each in criteria}),
        facts=len(facts),
        facts_used=len({name for rule in rules for name in rule.used}),
        amount_kinds=dict(sorted(kinds.items())),
        not_payable=sum(not rule.payable for rule in rules),
    )


def policy_faults(settings: Settings) -> Iterator[tuple[Path, int, str]]:
    """Everything wrong with `policies/`, as `citybrain validate` reports it; a failing case is a fault."""
    faults, _ = examine(settings)
    yield from faults


def examine(settings: Settings) -> tuple[list[tuple[Path, int, str]], Census | None]:
    """Every fault of `policies/`, and the counts over what loads; None without a facts catalogue."""
    loaded: list[Policy] = []
    faults = list(_faults(settings, loaded))
    try:
        return faults, census(loaded, load_facts(settings))
    except ContentError:
        return faults, None


def _faults(settings: Settings, loaded: list[Policy]) -> Iterator[tuple[Path, int, str]]:
    """The faults; what loads is put into `loaded`."""
    try:
        facts = load_facts(settings)
    except ContentError as error:
        yield from ((error.path, line, reason) for line, reason in error.faults)
        return
    try:
        load_anomalies(settings)
    except ContentError as error:
        yield from ((error.path, line, reason) for line, reason in error.faults)
    departments = load_departments()
    tree = read_yaml(facts_path(settings))
    for name, fact in facts.items():
        if fact.source not in departments:
            line = line_of(tree, ("facts", name, "source"))
            yield facts_path(settings), line, f"{name}: no department is called {fact.source!r}"
    for path in policy_files(settings):
        try:
            found = load_policy_file(path, facts)
        except ContentError as error:
            yield from ((error.path, line, reason) for line, reason in error.faults)
            continue
        if found[0].document.department not in departments:
            line = line_of(read_yaml(path), ("document", "department"))
            yield path, line, f"no department is called {found[0].document.department!r}"
        loaded += found
        for policy in found:
            for result in run_cases(policy, facts):
                if result.reason is not None:
                    yield path, result.line, f"{policy.item.id}, case {result.name}: {result.reason}"
    try:
        _check_together(loaded)
    except ContentError as error:
        yield from ((error.path, line, reason) for line, reason in error.faults)
