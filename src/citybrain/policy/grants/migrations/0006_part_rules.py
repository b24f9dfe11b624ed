"""What the database refuses about parts: more than the line, a stage before its turn, money after a claim."""

import django.db.models.deletion
from django.db import migrations, models

from citybrain.warehouse.row_scope import row_security

ROW_SECURITY = row_security("grant_part", "NULL::text", ["organisation_id"])
PRIVILEGES = """
ALTER TABLE ops.payment_receipt ENABLE TRIGGER append_only;
REVOKE UPDATE, DELETE, TRUNCATE ON ops.grant_part FROM citybrain_desk;
REVOKE SELECT ON ops.grant_part FROM citybrain_transformer;
CREATE INDEX payment_receipt_account ON ops.payment_receipt (account_hash) WHERE account_hash <> '';
GRANT SELECT (id, line_id, payment_file_id, stage, stage_number, payer, amount)
    ON ops.grant_part TO citybrain_transformer;
"""
PARTS = """
CREATE FUNCTION ops.guard_grant_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent ops.grant_line;
    written numeric(18, 2);
BEGIN
    SELECT * INTO parent FROM ops.grant_line WHERE id = NEW.line_id FOR UPDATE;
    SELECT coalesce(sum(amount), 0) INTO written FROM ops.grant_part WHERE line_id = NEW.line_id;
    IF NEW.organisation_id IS DISTINCT FROM parent.organisation_id OR NOT EXISTS (
        SELECT FROM ops.payment_file f WHERE f.id = NEW.payment_file_id AND f.list_id = parent.list_id)
        OR written + NEW.amount > parent.amount
    THEN
        RAISE check_violation USING CONSTRAINT = 'grant_part_within_its_line',
            MESSAGE = 'the parts of a grant line are in files of its list and never more than the line';
    END IF;
    IF EXISTS (
        SELECT FROM ops.grant_part p WHERE p.line_id = NEW.line_id AND p.stage_number < NEW.stage_number
            AND NOT EXISTS (SELECT FROM ops.payment_receipt r WHERE r.part_id = p.id AND r.paid))
        OR (NEW.stage_number > 1 AND EXISTS (
            SELECT FROM ops.grant_recovery c WHERE c.line_id = NEW.line_id AND c.state <> 'dropped'))
    THEN
        RAISE check_violation USING CONSTRAINT = 'grant_part_in_its_turn',
            MESSAGE = 'a later part is paid when the earlier ones were booked and nothing is asked back';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ops.grant_part
    FOR EACH ROW EXECUTE FUNCTION ops.guard_grant_part();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.grant_part
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_history();
"""
FILES = """
CREATE OR REPLACE FUNCTION ops.guard_payment_file() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counted record;
BEGIN
    SELECT count(*) AS rows, coalesce(sum(amount), 0) AS total INTO counted
    FROM ops.grant_part WHERE payment_file_id = NEW.id;
    IF counted.rows <> NEW.rows OR counted.total <> NEW.total THEN
        RAISE check_violation USING CONSTRAINT = 'payment_file_total',
            MESSAGE = format('payment file %s says %s rows and %s yuan, its parts are %s rows and %s yuan',
                NEW.id, NEW.rows, NEW.total, counted.rows, counted.total);
    END IF;
    IF EXISTS (
        SELECT FROM ops.grant_line l WHERE l.payment_file_id = NEW.id AND NOT EXISTS (
            SELECT FROM ops.grant_part p WHERE p.payment_file_id = NEW.id AND p.line_id = l.id))
    THEN
        RAISE check_violation USING CONSTRAINT = 'payment_file_lines',
            MESSAGE = format('payment file %s has lines of which it pays nothing', NEW.id);
    END IF;
    RETURN NULL;
END $$;
"""
RECEIPTS = """
CREATE OR REPLACE FUNCTION ops.guard_payment_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM ops.grant_part p WHERE p.id = NEW.part_id AND p.line_id = NEW.line_id
            AND p.payment_file_id = NEW.payment_file_id AND p.amount = NEW.amount
            AND p.organisation_id IS NOT DISTINCT FROM NEW.organisation_id)
    THEN
        RAISE check_violation USING CONSTRAINT = 'payment_receipt_as_paid',
            MESSAGE = 'a receipt is of a part in its payment file, to the cent';
    END IF;
    IF EXISTS (SELECT FROM ops.payment_receipt r WHERE r.part_id = NEW.part_id AND r.paid) THEN
        RAISE check_violation USING CONSTRAINT = 'payment_receipt_paid_once',
            MESSAGE = 'the part was paid already';
    END IF;
    RETURN NEW;
END $$;
"""
RECOVERIES = """
CREATE OR REPLACE FUNCTION ops.guard_grant_recovery() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_of_it numeric(18, 2);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.state <> 'open' OR NEW.state = 'open' THEN
            RAISE check_violation USING MESSAGE = 'a recovery is settled once';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM FROM ops.grant_line WHERE id = NEW.line_id FOR UPDATE;
    SELECT (SELECT sum(p.amount) FROM ops.payment_receipt p WHERE p.line_id = NEW.line_id AND p.paid)
        - coalesce((SELECT sum(r.amount) FROM ops.grant_recovery r
            WHERE r.line_id = NEW.line_id AND r.state = 'recovered'), 0)
    INTO left_of_it;
    IF NEW.state <> 'open' OR left_of_it IS NULL OR NEW.amount > left_of_it THEN
        RAISE check_violation USING CONSTRAINT = 'grant_recovery_of_what_was_paid',
            MESSAGE = 'only what the bank paid, and was not given back, can be asked back';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("grants", "0005_parts")]

    operations = [
        migrations.AlterField(
            model_name="paymentreceipt",
            name="part",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="receipts", to="grants.grantpart"
            ),
        ),
        migrations.RemoveConstraint(model_name="paymentreceipt", name="payment_receipt_paid_once"),
        migrations.AddConstraint(
            model_name="paymentreceipt",
            constraint=models.UniqueConstraint(
                models.F("part"), condition=models.Q(("paid", True)), name="payment_receipt_paid_once"
            ),
        ),
        *(migrations.RunSQL(part) for part in (ROW_SECURITY, PRIVILEGES, PARTS, FILES, RECEIPTS, RECOVERIES)),
    ]
