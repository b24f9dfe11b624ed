"""Five ways in which items of a group exclude each other; `once_per_year` is called `once_a_year`."""

from alembic import op

revision = "0017"
down_revision = "0016"

RULES = """
ALTER TABLE policy.item_version DROP CONSTRAINT item_version_exclusion_rule_check;
UPDATE policy.item_version SET exclusion_rule = 'once_a_year',
    definition = jsonb_set(definition, '{version,exclusion,rule}', '"once_a_year"')
WHERE exclusion_rule = 'once_per_year';
ALTER TABLE policy.item_version ADD CONSTRAINT item_version_exclusion_rule_check
    CHECK (exclusion_rule IN ('highest_wins', 'top_up', 'once_a_year', 'once_ever', 'mutual'));
"""


def upgrade() -> None:
    op.execute(RULES)
