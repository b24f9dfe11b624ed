"""What the database refuses about receipts and recoveries: other amounts, other files, changed history."""

from django.db import migrations

from citybrain.warehouse.row_scope import row_security

ROW_SECURITY = [
    row_security("payment_receipt", "NULL::text", ["organisation_id"]),
    row_security("grant_recovery", "NULL::text", ["organisation_id"]),
]
PRIVILEGES = """
REVOKE UPDATE, DELETE, TRUNCATE ON ops.payment_receipt, ops.grant_recovery FROM citybrain_desk;
GRANT UPDATE (state, answer, settled_by_id, settled_at) ON ops.grant_recovery TO citybrain_desk;
REVOKE SELECT ON ops.payment_receipt, ops.grant_recovery FROM citybrain_transformer;
GRANT SELECT (id, line_id, payment_file_id, paid, amount, booked_on, received_at)
    ON ops.payment_receipt TO citybrain_transformer;
GRANT SELECT (id, line_id, amount, state, opened_at, settled_at) ON ops.grant_recovery TO citybrain_transformer;
"""
RECEIPTS = """
CREATE FUNCTION ops.guard_payment_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM ops.grant_line l WHERE l.id = NEW.line_id AND l.state = 'paid'
            AND l.payment_file_id = NEW.payment_file_id AND l.amount = NEW.amount
            AND l.organisation_id IS NOT DISTINCT FROM NEW.organisation_id)
    THEN
        RAISE check_violation USING CONSTRAINT = 'payment_receipt_as_paid',
            MESSAGE = 'a receipt is of a line of its payment file, to the cent';
    END IF;
    IF EXISTS (SELECT FROM ops.payment_receipt r WHERE r.line_id = NEW.line_id AND r.paid) THEN
        RAISE check_violation USING CONSTRAINT = 'payment_receipt_paid_once',
            MESSAGE = 'the line was paid already';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ops.payment_receipt
    FOR EACH ROW EXECUTE FUNCTION ops.guard_payment_receipt();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.payment_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_history();
"""
RECOVERIES = """
CREATE FUNCTION ops.guard_grant_recovery() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_of_it numeric(18, 2);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.state <> 'open' OR NEW.state = 'open' THEN
            RAISE check_violation USING MESSAGE = 'a recovery is settled once';
        END IF;
        RETURN NEW;
    END IF;
    SELECT l.amount - coalesce((
        SELECT sum(r.amount) FROM ops.grant_recovery r WHERE r.line_id = l.id AND r.state = 'recovered'), 0)
    INTO left_of_it FROM ops.grant_line l
    WHERE l.id = NEW.line_id AND EXISTS (
        SELECT FROM ops.payment_receipt p WHERE p.line_id = l.id AND p.paid)
    FOR UPDATE;
    IF NEW.state <> 'open' OR left_of_it IS NULL OR NEW.amount > left_of_it THEN
        RAISE check_violation USING CONSTRAINT = 'grant_recovery_of_what_was_paid',
            MESSAGE = 'only what the bank paid, and was not given back, can be asked back';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ops.grant_recovery
    FOR EACH ROW EXECUTE FUNCTION ops.guard_grant_recovery();
"""


class Migration(migrations.Migration):
    dependencies = [("grants", "0003_receipts")]

    operations = [migrations.RunSQL(part) for part in (*ROW_SECURITY, PRIVILEGES, RECEIPTS, RECOVERIES)]
