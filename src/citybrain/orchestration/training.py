"""The task of the DAG `train_detector`: hours, or days, of one process in the vision environment."""

import subprocess
import sysconfig
from datetime import timedelta
from pathlib import Path

from airflow.sdk import Param, XComArg, get_current_context, task

from citybrain.settings import Settings

LONGEST = timedelta(days=7)


def training_form(settings: Settings) -> dict[str, Param]:
    """The trigger form of `train_detector`."""
    recipes = sorted(path.parent.name for path in (settings.detectors_dir / "models").glob("*/recipe.yml"))
    return {
        "model": Param(recipes[0] if recipes else None, type="string", enum=recipes, title="模型"),
        "photographs": Param(type="string", title="照片目录", description="服务器上存放各照片集的目录"),
        "begin": Param("", type="string", title="起始权重", description="留空为从随机权重开始"),
    }


def train() -> XComArg:
    """The folder of the run; started again with the same model, it goes on after its last epoch."""

    @task(task_id="train", task_display_name="训练", retries=3, execution_timeout=LONGEST)
    def learn() -> str:
        from citybrain.settings import get_settings

        params = get_current_context()["params"]
        folder = get_settings().data_dir / "vision" / "training" / params["model"]
        program = Path(sysconfig.get_path("scripts")) / "citybrain"
        asked = ["--photographs", params["photographs"], "--out", str(folder)]
        if params["begin"]:
            asked += ["--from", params["begin"]]
        subprocess.run(["nice", "-n", "19", program, "vision", "train", params["model"], *asked], check=True)
        return str(folder)

    return learn()
