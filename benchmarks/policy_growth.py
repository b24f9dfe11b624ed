"""From kept reports of `policy.py` to the table and the plot of docs/reference/policy-speed.md.

    .venv/bin/python benchmarks/policy_growth.py benchmarks/policy_reports.json

The table stands between two marks of the page; the plot is docs/images/policy_growth.svg.
"""

import argparse
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "policy-speed.md"
PLOT = ROOT / "docs" / "images" / "policy_growth.svg"
BEGIN, END = "<!-- figures: benchmarks/policy_growth.py -->", "<!-- /figures -->"

Report = dict[str, Any]

EXPLAINED = "explained and written (facts, matching)"
INCREMENTAL = "incremental run, 1 % of the enterprises, all of it"
FROM_DATABASE = "eligible only, no reasons, nothing written"
SECONDS = (
    (EXPLAINED, "explained and written"),
    ("first full run, all of it", "first full run: settled, kept and tidied as well"),
    (INCREMENTAL, "incremental run, 1 % of the enterprises changed"),
    ("the same again, nothing changed", "a run when nothing changed"),
    (FROM_DATABASE, "eligible only, from the database"),
    ("impact of one item", "impact of one item"),
    ("publishing again, nothing changed", "publishing when nothing changed"),
)
ITEM_BY_ITEM = "zen-engine evaluate_batch, a decision an item"
ONE_TABLE = "zen-engine evaluate_batch, one table for all items"
RATIOS = (
    (f"explained and written, beside {ITEM_BY_ITEM}",
     "explained and written : zen-engine, a decision an item"),
    (f"explained and written, beside {ONE_TABLE}",
     "explained and written : zen-engine, one table for all items"),
    (f"eligible only, from the database, beside {ITEM_BY_ITEM}",
     "eligible only, from the database : zen-engine, a decision an item"),
    (f"eligible only, from the database, beside {ONE_TABLE}",
     "eligible only, from the database : zen-engine, one table for all items"),
    ("eligible only, both from the database, beside openfisca-core",
     "**eligible only : openfisca-core, both from the database**"),
    ("eligible only, facts once read, beside openfisca-core",
     "eligible only : openfisca-core, each with what it has read"),
    ("eligible only, from the database, beside openfisca-core",
     "eligible only, from the database : openfisca-core (facts in memory)"),
)  # fmt: skip
DRAWN = ((EXPLAINED, "#0b6e99"), (INCREMENTAL, "#b3541e"), (FROM_DATABASE, "#3f7d20"))
LEFT, TOP, WIDTH, HEIGHT = 70, 30, 520, 300


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reports", type=Path, nargs="?", default=ROOT / "benchmarks" / "policy_reports.json")
    reports: list[Report] = json.loads(parser.parse_args().reports.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(reports)}\n{END}{after}", encoding="utf-8")
    PLOT.write_text(plot(reports), encoding="utf-8")


def table(reports: list[Report]) -> str:
    rows = [["", *(f"{report['enterprises']:,} enterprises" for report in reports)]]
    rows.append(["---", *("---:" for _ in reports)])
    rows.append(["pairs of enterprise and item", *(f"{report['pairs']:,}" for report in reports)])
    rows.append(["rows written (eligible)", *(f"{one['rows']:,} ({one['eligible']:,})" for one in reports)])
    for name, words in SECONDS:
        rows.append([f"{words}, s", *(f"{report['seconds'][name]:.2f}" for report in reports)])
    rows.append(["compiling and publishing an item, ms", *(f"{one['publish_ms']:.1f}" for one in reports)])
    for name, words in RATIOS:
        if all(name in report["ratios"] for report in reports):
            rows.append([words, *(f"{report['ratios'][name]:.1f} x" for report in reports)])
    if all(report["money"] for report in reports):
        differ = (f"{one['money']['differ']:,} of {one['money']['lines']:,}" for one in reports)
        rows.append(["lines whose money differs from openfisca-core's by half a fen and more", *differ])
        rows.append(["the largest difference, yuan", *(f"{one['money']['largest']:.3f}" for one in reports)])
        one_side = (f"{one['money']['only_here']:,} / {one['money']['only_there']:,}" for one in reports)
        rows.append(["lines only here / only there", *one_side])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def plot(reports: list[Report]) -> str:
    """Seconds over enterprises; the thin lines are growth in proportion from the smallest size."""
    most_firms = max(report["enterprises"] for report in reports)
    most_seconds = max(report["seconds"][name] for report in reports for name, _ in DRAWN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 30} {TOP + HEIGHT + 130}"'
        ' font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]

    def at(firms: float, seconds: float) -> tuple[float, float]:
        x = LEFT + WIDTH * firms / most_firms
        return round(x, 1), round(TOP + HEIGHT * (1 - seconds / most_seconds), 1)

    for part in range(5):
        seconds = most_seconds * part / 4
        _, y = at(0, seconds)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + WIDTH}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{seconds:.0f} s</text>')
    for report in reports:
        x, y = at(report["enterprises"], 0)
        parts.append(f'<text x="{x}" y="{y + 20}" text-anchor="middle">{report["enterprises"]:,}</text>')
    parts.append(
        f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 42}" text-anchor="middle">enterprises</text>'
    )
    for place, (name, colour) in enumerate(DRAWN):
        points = [at(report["enterprises"], report["seconds"][name]) for report in reports]
        first = reports[0]
        ends = at(0, 0), at(most_firms, first["seconds"][name] * most_firms / first["enterprises"])
        (x1, y1), (x2, y2) = ends
        parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-dasharray="3 4"/>'
        )
        line = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in points]
        y = TOP + HEIGHT + 68 + 18 * place
        parts.append(f'<rect x="{LEFT}" y="{y - 9}" width="22" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 30}" y="{y}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
