"""A year of real scenes of one place as quarterly composites, and what changed between them.

    .venv/bin/python benchmarks/satellite_series.py --series ~/sentinel2

The folder holds `NDVI.npy`, `CLP.npy` (cloud probability, 0 to 255) and `IS_VALID.npy`, each times x rows x
columns x 1, and `timestamps.json`: the example patch of eo-learn has that form. There is no truth to compare
with: the figures say how much of the place a composite shows, and how often fields are taken for buildings.
"""

import argparse
import json
from datetime import date, datetime
from pathlib import Path

import numpy as np

from citybrain.settings import SOURCE_TREE, Settings
from citybrain.vision.satellite import load_change_rule
from citybrain.vision.satellite.change import compare, patches
from citybrain.vision.satellite.composite import Composite, composite_of_index
from citybrain.vision.satellite.run import before, last_year, quarter_start

CLOUDY_FROM = 102  # four in ten


def composites(folder: Path) -> dict[date, tuple[Composite, dict[str, float]]]:
    """The composite of each quarter, and how it compares with its scenes."""
    times = [
        quarter_start(datetime.fromisoformat(text).date())
        for text in json.loads((folder / "timestamps.json").read_text(encoding="utf-8"))
    ]
    ndvi, cloud, valid = (np.load(folder / f"{name}.npy")[..., 0] for name in ("NDVI", "CLP", "IS_VALID"))
    clear = valid.astype(bool) & (cloud < CLOUDY_FROM) & np.isfinite(ndvi)
    found = {}
    for quarter in sorted(set(times)):
        mine = np.array([one == quarter for one in times])
        picture = composite_of_index(ndvi[mine], clear[mine])
        shares = clear[mine].mean(axis=(1, 2))
        found[quarter] = (
            picture,
            {
                "scenes": int(mine.sum()),
                "whole_scenes": int((shares > 0.99).sum()),
                "mean_clear_share": round(float(shares.mean()), 4),
                "composite_share": round(float(picture.seen.mean()), 4),
                "median_ndvi": round(float(np.nanmedian(picture.ndvi)), 4),
            },
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=Path, required=True)
    arguments = parser.parse_args()
    rule = load_change_rule(Settings(project=SOURCE_TREE))
    from rasterio.transform import from_origin

    known = composites(arguments.series)
    for quarter, (picture, told) in known.items():
        if before(quarter) in known:
            a_year_ago = known.get(last_year(quarter))
            compared = compare(
                rule, picture, known[before(quarter)][0], a_year_ago[0] if a_year_ago else None
            )
            inside = np.ones(picture.ndvi.shape, bool)
            found = list(patches(rule, compared, from_origin(0, 0, 10, 10), inside))
            told |= {
                "compared_share": round(float(compared.known.mean()), 4),
                "built": sum(patch.kind == "built" for patch in found),
                "cleared": sum(patch.kind == "cleared" for patch in found),
            }
        print(json.dumps({"quarter": str(quarter)} | told))


if __name__ == "__main__":
    main()
