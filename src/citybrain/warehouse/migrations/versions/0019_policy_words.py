"""Policy documents as texts: where each is kept in the lake, and the words its items are found by."""

from alembic import op

revision = "0019"
down_revision = "0018"

TEXTS = """
CREATE TABLE policy.document_text (
    document_id text PRIMARY KEY REFERENCES policy.document,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    object_key text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE policy.document_text IS
    'One row per policy document whose text stands in the lake, zone policy-docs; the newest text of each';

CREATE TABLE policy.item_words (
    item_id text PRIMARY KEY REFERENCES policy.item,
    document_id text NOT NULL REFERENCES policy.document,
    words tsvector NOT NULL
);
CREATE INDEX item_words_found ON policy.item_words USING gin (words);
COMMENT ON TABLE policy.item_words IS
    'One row per item: the Chinese words of its title (A), document (B), clause (C) and conditions (D)';

GRANT SELECT ON policy.document_text, policy.item_words
    TO citybrain_matcher, citybrain_desk, citybrain_transformer;
"""


def upgrade() -> None:
    op.execute(TEXTS)
