"""Generated names of firms: two or three auspicious syllables, a trade, a legal form; no person's name."""

import numpy as np
from numpy.typing import NDArray

Texts = NDArray[np.str_]

FIRST = "恒瑞丰盛鸿益聚同广裕泰昌隆兴永顺嘉祥汇鼎诚信德仁济普惠民康宁和谐中天华润金玉"
SECOND = "源达发盛通茂景诺泽远晟腾宇航博凯越正扬旺利吉庆春元亨升辰优创联合众盈科力强"
THIRD = "福堂园坊居阁轩业行号"

OWNER_FORMS = {
    "company": "有限公司",
    "stock": "股份有限公司",
    "sole": "（个人独资）",
    "farm": "专业合作社",
    "collective": "股份经济合作社",
}
SHOP_WORDS = "店行部坊"


def _pick(rng: np.random.Generator, syllables: str, count: int) -> Texts:
    return np.array(list(syllables))[rng.integers(0, len(syllables), count)]


def firm_names(rng: np.random.Generator, county_names: Texts, trades: Texts, forms: Texts) -> Texts:
    """One name for each firm; `forms` as in `OWNER_FORMS`, or `shop`."""
    count = len(forms)
    firsts, seconds = _pick(rng, FIRST, count), _pick(rng, SECOND, count)
    thirds, shops = _pick(rng, THIRD, count), _pick(rng, SHOP_WORDS, count)
    has_third = rng.random(count) < 0.35
    at_city_level = rng.random(count) < 0.5
    names = []
    for place, form in enumerate(forms):
        style = firsts[place] + seconds[place] + (thirds[place] if has_third[place] else "")
        county, trade = county_names[place], trades[place]
        if form == "shop":
            names.append(f"{county}{style}{trade}{shops[place]}")
        elif form == "collective":
            names.append(f"{county}{style}{OWNER_FORMS[form]}")
        elif form in ("farm", "sole"):
            names.append(f"{county}{style}{trade}{OWNER_FORMS[form]}")
        else:
            seat = "亳州市" if at_city_level[place] else county
            names.append(f"{seat}{style}{trade}{OWNER_FORMS[form]}")
    return np.array(names)
