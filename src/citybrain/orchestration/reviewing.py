"""Tasks by which a data engineer decides on a batch the gate held. The decision is a row, carried by them."""

from datetime import timedelta
from typing import Any, Literal

from airflow.providers.standard.operators.hitl import HITLEntryOperator
from airflow.sdk import Param, XComArg, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

RELEASE = "放行"
REFUSE = "退回"
DECISIONS: dict[str, Literal["release", "refuse"]] = {RELEASE: "release", REFUSE: "refuse"}
ANSWER_WITHIN = timedelta(days=30)
"""Then the review fails and the batch stays held: nothing is ever released or refused by default."""


def describe_batch() -> XComArg:
    """What the data engineer reads; the run is skipped when the batch is no longer held."""

    @task(task_id="describe", task_display_name="汇总批次情况")
    def describe() -> dict[str, str]:
        from citybrain.ingest import held_batches

        batch_id = get_current_context()["params"]["batch_id"]
        batch = next((held for held in held_batches() if held.batch_id == batch_id), None)
        if batch is None:
            raise AirflowSkipException(
                f"batch {batch_id} is not held: somebody decided, or it was never held"
            )
        return review_text(batch)

    return describe()


def review_text(batch: Any) -> dict[str, str]:
    """Subject and Markdown body of a review, from an `ingest.HeldBatch`."""
    from citybrain.catalogue import load_dataset
    from citybrain.settings import get_settings

    dataset = load_dataset(get_settings().sources_dir / f"{batch.dataset}.yml")
    reasons = "\n".join(f"- {reason}" for reason in batch.top_reasons) or "- （门禁未给出原因）"
    return {
        "subject": f"红牌批次 {batch.batch_id}：{dataset.title.zh}",
        "body": f"""质量门禁给出**红牌**，批次已暂停入库，看板仍显示此前的数据。

| 项目 | 内容 |
|---|---|
| 数据集 | {dataset.title.zh}（`{batch.dataset}`） |
| 文件 | `{batch.source_name}` |
| 行数 | {batch.rows_in} |

**主要问题**

{reasons}

[查看数据质量报告]({batch.data_docs_url})

- **{RELEASE}**：合格的行入库，不合格的行进入隔离区。
- **{REFUSE}**：整批不入库，等待来源部门重新报送。
""",
    }


def ask_data_engineer() -> HITLEntryOperator:
    """Waits in Airflow's own UI for somebody whose role may edit `HITL Detail`: a data engineer."""
    return HITLEntryOperator(
        task_id="decide",
        task_display_name="人工决定",
        subject="{{ ti.xcom_pull(task_ids='describe')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='describe')['body'] }}",
        options=list(DECISIONS),
        params={"note": Param("", type="string", title="备注", description="写明决定的理由", maxLength=1000)},
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        retries=0,
    )


def apply_decision(answer: Any) -> XComArg:
    """Write the decision and act on it. Safe to run again: the decided batch keeps its first decision."""

    @task(task_id="apply", task_display_name="执行决定")
    def apply(answer: dict[str, Any]) -> dict[str, Any]:
        from dataclasses import asdict

        from citybrain.ingest import DecisionError, decide_held_batch

        person = answer.get("responded_by_user")
        if person is None:
            raise AirflowFailException("no person answered: nothing is released or refused without one")
        (choice,) = answer["chosen_options"]
        batch_id: int = get_current_context()["params"]["batch_id"]
        note: str = answer["params_input"].get("note", "")
        try:
            outcome = decide_held_batch(batch_id, DECISIONS[choice], decided_by=person["name"], note=note)
        except DecisionError as error:  # somebody else decided first: a retry would find the same
            raise AirflowFailException(str(error)) from error
        return asdict(outcome)

    return apply(answer)
