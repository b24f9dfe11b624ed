"""Which sources get a DAG, when some of their files may be wrong."""

from dataclasses import dataclass, field
from pathlib import Path

from citybrain.catalogue import ContentError, Dataset, dataset_files, line_of, load_dataset, read_yaml
from citybrain.catalogue.department import load_departments
from citybrain.orchestration.defaults import Tag, dag_defaults
from citybrain.settings import Settings


@dataclass(frozen=True)
class Sources:
    """Active datasets in order of id, and the faults of the files that could not be read."""

    active: list[Dataset] = field(default_factory=list)
    faults: list[ContentError] = field(default_factory=list)


def read_sources(settings: Settings) -> Sources:
    """Every file on its own: a broken one costs its own DAG and no other's."""
    sources = Sources()
    for path in dataset_files(settings):
        try:
            dataset = load_dataset(path)
            _check_owner(path, dataset)
        except ContentError as fault:
            sources.faults.append(fault)
            continue
        if dataset.enabled or dataset.id in settings.enable_sources:
            sources.active.append(dataset)
    return sources


def _check_owner(path: Path, dataset: Dataset) -> None:
    """Raises ContentError for an owner the catalogue does not know: its DAG could name nobody."""
    if dataset.owner not in load_departments():
        line = line_of(read_yaml(path), ["owner"])
        raise ContentError(path, [(line, f"owner: no department is called {dataset.owner!r}")])


def raise_faults(sources: Sources) -> None:
    """Raises ValueError with one line a fault (`file:line: reason`) when any source file is wrong."""
    if sources.faults:
        lines = "\n".join(str(fault) for fault in sources.faults)
        raise ValueError(
            f"{len(sources.faults)} source file(s) have no DAG until they are corrected:\n{lines}"
        )


def _arrival(dataset: Dataset) -> str:
    connector = dataset.connector
    if connector.kind == "http":
        return f"HTTP GET `{connector.url}`"
    if connector.kind == "s3_prefix":
        return f"S3 `{connector.bucket}/{connector.prefix}` `{connector.pattern}`"
    if connector.kind == "mqtt":
        return f"MQTT `{connector.topic}`，由桥接服务随到随存；本任务只报告待过门禁的批次"
    if connector.kind == "postgres":
        return f"PostgreSQL `{connector.connection}` `{connector.table}`，按 `{connector.watermark}` 增量"
    return f"投递目录 `{connector.path}/` `{connector.pattern}`"


def source_help(dataset: Dataset) -> str:
    """The help text of one source's DAG, written from its YAML."""
    columns = "\n".join(
        f"| `{column.name}` | {column.label.zh} | {column.type} | {column.unit or ''} |"
        for column in dataset.columns
    )
    origin = "真实数据" if dataset.origin == "real" else "合成数据"
    return f"""## {dataset.title.zh} · {dataset.title.en}

{dataset.description.strip()}

| 项目 | 内容 |
|---|---|
| 责任部门 | {load_departments()[dataset.owner].zh} |
| 数据性质 | {origin} |
| 来源说明 | {dataset.source_note} |
| 到达方式 | {_arrival(dataset)} |
| 格式 | {dataset.format.kind} |
| 投递语义 | {"全量快照" if dataset.delivers == "snapshot" else "增量"} |
| 主键 | {", ".join(f"`{name}`" for name in dataset.key)} |

| 列 | 中文名 | 类型 | 单位 |
|---|---|---|---|
{columns}

没有新数据时任务显示为“已跳过”。出错时的处理办法见 `docs/reference/dags/ingest_sources.md`。
"""


def source_dag(dataset: Dataset) -> dict[str, object]:
    """Keyword arguments of the DAG that lands this dataset."""
    origin = Tag.REAL if dataset.origin == "real" else Tag.SYNTHETIC
    return dag_defaults(
        f"ingest_{dataset.id}",
        title=dataset.title.zh,
        owner=dataset.owner,
        tags=[Tag.INGEST, Tag[dataset.family.name], origin],
        doc_md=source_help(dataset),
    )
