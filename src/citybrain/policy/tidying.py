"""After a full run: what it wrote is marked as written for good, for whoever reads it next.

Until then each reader asks, row by row, whether the run was completed, and writes the answer into the pages:
the first incremental run, which has seconds, would pay for millions of rows.
"""

from citybrain.policy.sessions import matcher_beside
from citybrain.settings import Settings

TIDY = "VACUUM (SKIP_LOCKED, TRUNCATE false) policy.match_row, policy.proposal_row"


def tidy(settings: Settings) -> None:
    """Vacuum the rows of runs. It waits for nobody: a table that another run analyses is left for another
    day. Raises psycopg.Error; the run stands all the same."""
    with matcher_beside(settings) as connection:
        connection.autocommit = True
        connection.execute(TIDY)
