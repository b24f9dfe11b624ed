"""The register of technical-upgrade projects: equipment bought, and whether the province picked it."""

from datetime import date

import numpy as np

from citybrain.simulate.csv_file import csv_bytes
from citybrain.simulate.dirt import Defect, Planted, Row, changing, one_of, plant, wrong_check_character
from citybrain.simulate.firms import UPGRADED, Firms
from citybrain.simulate.industries import load_industries
from citybrain.simulate.noise import normal, uniform

HEADERS = {
    "project_code": "项目代码",
    "uscc": "统一社会信用代码",
    "year": "年度",
    "equipment_wan": "设备投资额(万元)",
    "fits_guide": "是否符合投资指引",
    "selected": "是否列入优质项目",
}
UPGRADING = 0.12  # of the manufacturers that still stand
LARGEST_WAN = 6_800.0  # of the firm in the story
DEFECTS = [
    Defect("uscc_check_character", 0.006, "uscc", changing("uscc", wrong_check_character)),
    Defect("equipment_not_a_number", 0.006, "equipment_wan", one_of("equipment_wan", ["待核", "约800"])),
    Defect("sent_twice", 0.004, "project_code", None),
]


def upgrade_rows(seed: int, firms: Firms, day: date) -> tuple[list[Row], list[int]]:
    codes = load_industries().codes[firms.industries]
    standing = np.isnat(firms.closed) | (firms.closed > np.datetime64(day))
    makers = np.strings.startswith(codes, "C") & np.isin(firms.forms, ("company", "stock")) & standing
    upgrades = uniform(seed, "upgrade", firms.numbers) < UPGRADING
    chosen = np.flatnonzero(makers & (upgrades | (firms.numbers == UPGRADED)))
    numbers = firms.numbers[chosen]
    size = np.exp(0.9 * normal(seed, "upgrade/size", numbers))
    guide, choice = (uniform(seed, f"upgrade/{name}", numbers) for name in ("guide", "choice"))
    rows: list[Row] = []
    for place, factor, fits, picked in zip(chosen, size, guide, choice, strict=True):
        rows.append(
            {
                "project_code": f"JG{day.year - 1}{int(firms.numbers[place]):09d}",
                "uscc": str(firms.codes[place]),
                "year": day.year - 1,
                "equipment_wan": round(18.0 * float(factor) * float(firms.staff[place]) ** 0.7, 2),
                "fits_guide": "是" if fits < 0.8 else "否",
                "selected": "是" if picked < 0.25 else "否" if picked < 0.9 else "",  # not judged yet
            }
        )
        if firms.numbers[place] == UPGRADED:
            rows[-1] |= {"equipment_wan": LARGEST_WAN, "fits_guide": "是", "selected": "是"}
    return rows, numbers.tolist()


def upgrade_delivery(seed: int, firms: Firms, day: date) -> tuple[bytes, int, list[Planted]]:
    """The register as it stands on `day`, its rows and the truth about them."""
    rows, keys = upgrade_rows(seed, firms, day)
    truth = plant(
        seed, "tech_upgrade_project", rows, np.array(keys), lambda row: row["project_code"], DEFECTS
    )
    return csv_bytes(HEADERS, rows), len(rows), truth
