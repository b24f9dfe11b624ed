"""The systems that use the shared platform, and what each would have cost on its own."""

from datetime import date
from functools import cache

import numpy as np

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.delivery import Content
from citybrain.simulate.dirt import Row
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.months import first_day, month_number
from citybrain.simulate.noise import uniform
from citybrain.simulate.services.content import load_services

SYSTEM_HEADERS = {
    "system_code": "系统编码",
    "system_name": "系统名称",
    "department": "建设部门",
    "connected_on": "接入日期",
    "capabilities": "复用能力",
    "replaced_cost_yuan": "自建替代造价(元)",
}
SAVING_HEADERS = {
    "system_code": "系统编码",
    "separate_yuan": "分散建设预算(元)",
    "shared_yuan": "集约建设预算(元)",
    "budget_year": "预算年度",
}


def system_code(place: int) -> str:
    """`place` counts from 0."""
    return f"SYS{place + 1:02d}"


@cache
def connected_on(start: date) -> tuple[date, ...]:
    """When each system was connected; `start` is the demo city's first day."""
    return tuple(
        first_day(month_number(start) - system.months).replace(day=1 + 7 * (place % 4))
        for place, system in enumerate(load_services().systems)
    )


def _shared_out(total: int, weights: list[float]) -> list[int]:
    """Whole yuan in the ratio of the weights that add up to the total exactly."""
    bounds = np.rint(total * np.cumsum(weights) / sum(weights)).astype(np.int64)
    return [int(part) for part in np.diff(bounds, prepend=0)]


def _money(seed: int) -> tuple[list[int], list[int]]:
    """Yuan of each system's own budget, and of what sharing saves of it, adding up to services.yml."""
    services = load_services()
    weights = [system.weight for system in services.systems]
    luck = uniform(seed, "system/saved", np.arange(len(weights))).tolist()
    saving = [
        weight * (0.4 + 0.2 * len(system.uses) + 0.6 * share)
        for weight, system, share in zip(weights, services.systems, luck, strict=True)
    ]
    return _shared_out(services.money.separate_yuan, weights), _shared_out(services.money.saved_yuan, saving)


def system_delivery(ledger: Ledger) -> Content:
    """The list of the systems: no defects, a person keeps it."""
    services = load_services()
    names = {capability.id: capability.zh for capability in services.capabilities}
    _, saved = _money(ledger.seed)
    rows: list[Row] = [
        {
            "system_code": system_code(place),
            "system_name": system.zh,
            "department": system.department,
            "connected_on": connected.isoformat(),
            "capabilities": "、".join(names[use] for use in system.uses),
            "replaced_cost_yuan": saved[place],
        }
        for place, (system, connected) in enumerate(
            zip(services.systems, connected_on(ledger.local_start.date()), strict=True)
        )
    ]
    return csv_bytes(SYSTEM_HEADERS, rows), len(rows), []


def saving_delivery(ledger: Ledger) -> Content:
    """The finance ledger of both budgets, GB18030: no defects, it is audited."""
    separate, saved = _money(ledger.seed)
    rows: list[Row] = [
        {
            "system_code": system_code(place),
            "separate_yuan": money,
            "shared_yuan": money - less,
            "budget_year": connected.year,
        }
        for place, (money, less, connected) in enumerate(
            zip(separate, saved, connected_on(ledger.local_start.date()), strict=True)
        )
    ]
    return csv_bytes(SAVING_HEADERS, rows).decode().encode("gb18030"), len(rows), []
