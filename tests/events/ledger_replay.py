"""A case as the ledger alone tells it, and as its row stands: both by the same names."""

from typing import Any

from citybrain.events.rules import Rules

_KEPT = (
    *("state", "version", "handler_id", "rework_count", "reopened_count", "extended_count", "petition"),
    *("forced", "exempt", "satisfaction"),
)


def replayed(entries: list[dict[str, Any]], rules: Rules) -> dict[str, Any]:
    """Take the entries' steps by the rules, from nothing; knows nothing of the table."""
    case: dict[str, Any] = dict.fromkeys(("rework_count", "reopened_count", "extended_count"), 0)
    case |= {"state": "", "petition": "", "forced": False, "exempt": False, "satisfaction": ""}
    for entry in entries:
        step = rules.step(entry["action"], case["state"])
        assert step is not None and entry["from"] == case["state"]
        before, case["state"] = case["state"], step.leads_to(case["state"])
        assert entry["to"] == case["state"]
        case["version"], case["handler_id"] = entry["version"], entry["handler_id"]
        if step.asks or step.answers:
            case["petition"] = step.asks or ""
        elif before != case["state"] and case["petition"] in ("extension", "suspension"):
            case["petition"] = ""
        case["rework_count"] += case["state"] == "rework" != before
        case["reopened_count"] += "count_reopening" in step.effects
        case["extended_count"] += "count_extension" in step.effects
        case["forced"] = entry["data"].get("forced", case["forced"] and "count_reopening" not in step.effects)
        case["exempt"] = entry["data"].get("exempt", case["exempt"])
        case["satisfaction"] = entry["data"].get("satisfaction", case["satisfaction"])
    return {name: case[name] for name in _KEPT}


def case_now(case: Any) -> dict[str, Any]:
    return {name: getattr(case, name) for name in _KEPT}
