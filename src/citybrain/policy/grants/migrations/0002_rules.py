"""What the database itself refuses, whoever asks: four eyes, order of steps, amounts, changed history."""

from django.db import migrations

from citybrain.warehouse.row_scope import row_security

# Who sees what. A notice, and the counted lines of a list under notice, are public.
ROW_SECURITY = [
    row_security("grant_list", "NULL::text", ["organisation_id"]),
    row_security("grant_line", "county_code", ["organisation_id"]),
    row_security("grant_decision", "NULL::text", ["organisation_id"]),
    row_security("grant_notice", "NULL::text", ["organisation_id"]),
    row_security("grant_objection", "NULL::text", ["organisation_id"]),
    row_security("payment_file", "NULL::text", ["organisation_id"]),
]
PUBLIC = """
CREATE POLICY public_notice ON ops.grant_notice FOR SELECT TO citybrain_desk USING (true);
CREATE POLICY public_notice ON ops.grant_list FOR SELECT TO citybrain_desk
    USING (state IN ('notice_open', 'notice_closed', 'payable', 'paid_file_made'));
CREATE POLICY public_notice ON ops.grant_line FOR SELECT TO citybrain_desk
    USING (state IN ('proposed', 'objected', 'held', 'paid')
        AND list_id IN (SELECT n.list_id FROM ops.grant_notice n));
"""

# What was proposed never changes, history never at all. dbt reads no text of a person and no name of one.
PRIVILEGES = """
REVOKE UPDATE, DELETE, TRUNCATE ON ops.grant_list, ops.grant_line, ops.grant_decision, ops.grant_notice,
    ops.grant_objection, ops.payment_file FROM citybrain_desk;
GRANT UPDATE (state, round, version, approved_by_id, countersigned_by_id) ON ops.grant_list TO citybrain_desk;
GRANT UPDATE (state, reason, confirmed_at, confirmed_how, payment_file_id) ON ops.grant_line TO citybrain_desk;
GRANT UPDATE (closed_at) ON ops.grant_notice TO citybrain_desk;
GRANT UPDATE (state, answer, settled_by_id, settled_at) ON ops.grant_objection TO citybrain_desk;
REVOKE SELECT ON ops.grant_decision, ops.grant_objection, ops.payment_file FROM citybrain_transformer;
GRANT SELECT (id, list_id, line_id, round, step, decision, line_count, total, at)
    ON ops.grant_decision TO citybrain_transformer;
GRANT SELECT (id, line_id, state, filed_at, settled_at) ON ops.grant_objection TO citybrain_transformer;
GRANT SELECT (id, list_id, number, sha256, object_key, rows, total, checked_run_id, created_at)
    ON ops.payment_file TO citybrain_transformer;
"""

# The totals are the sum of the lines because nothing else can write them; each change gives a new version.
LISTS = """
CREATE FUNCTION ops.guard_grant_list() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    countersigners bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.round <> 1 OR NEW.version <> 1 OR NEW.total <> 0 OR NEW.line_count <> 0
            OR NEW.approved_by_id IS NOT NULL OR NEW.countersigned_by_id IS NOT NULL
        THEN
            RAISE check_violation USING MESSAGE = 'a grant list begins as an empty draft';
        END IF;
        RETURN NEW;
    END IF;

    NEW.version := OLD.version + 1;
    SELECT count(*), coalesce(sum(amount), 0) INTO NEW.line_count, NEW.total
    FROM ops.grant_line WHERE list_id = NEW.id AND state IN ('proposed', 'objected', 'held', 'paid');

    IF NEW.state = OLD.state THEN
        IF (NEW.round, NEW.approved_by_id, NEW.countersigned_by_id)
            IS DISTINCT FROM (OLD.round, OLD.approved_by_id, OLD.countersigned_by_id)
        THEN
            RAISE check_violation USING MESSAGE = 'who reviewed a grant list is set by the step itself';
        END IF;
        RETURN NEW;
    END IF;

    IF (OLD.state || '>' || NEW.state) NOT IN (
        'draft>first_review', 'draft>withdrawn', 'returned>first_review', 'returned>withdrawn',
        'first_review>second_review', 'first_review>returned', 'second_review>notice_open',
        'notice_open>notice_closed', 'notice_closed>payable', 'payable>paid_file_made')
        AND NOT (OLD.state = 'second_review' AND NEW.state = 'payable' AND OLD.notice_days = 0)
    THEN
        RAISE check_violation USING MESSAGE = format('a grant list cannot go from %s to %s', OLD.state, NEW.state);
    END IF;

    IF NEW.state = 'first_review' THEN
        IF NEW.countersigned_by_id IS NOT NULL OR NEW.round <> OLD.round OR NOT EXISTS (
            SELECT FROM ops.grant_decision d WHERE d.list_id = NEW.id AND d.round = NEW.round
                AND d.step = 'first_review' AND d.decision = 'approve' AND d.person_id = NEW.approved_by_id)
        THEN
            RAISE check_violation USING MESSAGE = 'a grant list is approved by the decision of a person';
        END IF;
    ELSIF NEW.state = 'second_review' THEN
        SELECT array_agg(DISTINCT d.person_id) INTO countersigners
        FROM ops.grant_decision d WHERE d.list_id = NEW.id AND d.round = NEW.round
            AND d.step = 'countersign' AND d.decision = 'approve';
        IF NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id OR NEW.round <> OLD.round
            OR coalesce(cardinality(countersigners), 0) < NEW.reviewers_needed - 1
            OR NEW.approved_by_id = ANY (countersigners)
            OR NEW.countersigned_by_id IS NULL OR NOT NEW.countersigned_by_id = ANY (countersigners)
        THEN
            RAISE check_violation USING CONSTRAINT = 'grant_list_four_eyes',
                MESSAGE = 'a grant list is countersigned by other people than the one who approved it';
        END IF;
    ELSIF NEW.state = 'returned' THEN
        IF NEW.round <> OLD.round + 1 OR NEW.approved_by_id IS NOT NULL OR NEW.countersigned_by_id IS NOT NULL
        THEN
            RAISE check_violation USING MESSAGE = 'a returned grant list begins its next round';
        END IF;
    ELSIF (NEW.round, NEW.approved_by_id, NEW.countersigned_by_id)
        IS DISTINCT FROM (OLD.round, OLD.approved_by_id, OLD.countersigned_by_id)
    THEN
        RAISE check_violation USING MESSAGE = 'who reviewed a grant list is set by the step itself';
    END IF;

    IF NEW.state = 'notice_closed' AND NOT EXISTS (
        SELECT FROM ops.grant_notice n WHERE n.list_id = NEW.id AND n.closed_at >= n.closes_at
            AND n.closes_at <= clock_timestamp())
    THEN
        RAISE check_violation USING MESSAGE = 'the public notice of a grant list has not run its time';
    END IF;
    IF NEW.state = 'paid_file_made'
        AND NOT EXISTS (SELECT FROM ops.payment_file f WHERE f.list_id = NEW.id)
    THEN
        RAISE check_violation USING MESSAGE = 'a grant list is paid by a payment file';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ops.grant_list
    FOR EACH ROW EXECUTE FUNCTION ops.guard_grant_list();
"""

LINES = """
CREATE FUNCTION ops.guard_grant_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent ops.grant_list;
BEGIN
    SELECT * INTO parent FROM ops.grant_list WHERE id = NEW.list_id;
    IF TG_OP = 'INSERT' THEN
        IF parent.state IS DISTINCT FROM 'draft' OR NEW.state <> 'proposed' OR NEW.payment_file_id IS NOT NULL
            OR NEW.confirmed_at IS NOT NULL
            OR (NEW.item_id, NEW.period_year, NEW.organisation_id)
                IS DISTINCT FROM (parent.item_id, parent.period_year, parent.organisation_id)
            OR NOT EXISTS (
                SELECT FROM policy.proposal p
                WHERE p.run_id = parent.run_id AND p.item_version_id = parent.item_version_id
                    AND p.uscc = NEW.uscc AND p.outcome = 'pay' AND p.amount = NEW.amount)
        THEN
            RAISE check_violation USING CONSTRAINT = 'grant_line_as_proposed',
                MESSAGE = 'a grant line is what its match run proposed, to the cent';
        END IF;
        RETURN NEW;
    END IF;

    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    IF NOT (CASE OLD.state || '>' || NEW.state
        WHEN 'proposed>excluded' THEN parent.state IN ('draft', 'returned')
        WHEN 'excluded>proposed' THEN parent.state IN ('draft', 'returned')
        WHEN 'proposed>released' THEN parent.state = 'withdrawn'
        WHEN 'excluded>released' THEN parent.state = 'withdrawn'
        WHEN 'proposed>objected' THEN parent.state = 'notice_open'
        WHEN 'objected>proposed' THEN true
        WHEN 'objected>excluded' THEN true
        WHEN 'proposed>held' THEN parent.state IN ('payable', 'paid_file_made')
        WHEN 'held>proposed' THEN parent.state IN ('payable', 'paid_file_made')
        WHEN 'held>excluded' THEN parent.state IN ('payable', 'paid_file_made')
        WHEN 'proposed>paid' THEN parent.state IN ('payable', 'paid_file_made')
            AND (NEW.confirmed_at IS NOT NULL OR NOT parent.confirm_by_enterprise)
            AND EXISTS (
                SELECT FROM ops.payment_file f WHERE f.id = NEW.payment_file_id AND f.list_id = NEW.list_id)
            AND NOT EXISTS (
                SELECT FROM ops.grant_objection o WHERE o.line_id = NEW.id AND o.state = 'open')
        ELSE false
    END)
    THEN
        RAISE check_violation USING CONSTRAINT = 'grant_line_in_order',
            MESSAGE = format('a grant line cannot go from %s to %s in a list that is %s',
                OLD.state, NEW.state, parent.state);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ops.grant_line
    FOR EACH ROW EXECUTE FUNCTION ops.guard_grant_line();

CREATE FUNCTION ops.touch_grant_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ops.grant_list SET version = version WHERE id IN (SELECT list_id FROM changed);
    RETURN NULL;
END $$;
CREATE TRIGGER total_after_insert AFTER INSERT ON ops.grant_line
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ops.touch_grant_list();
CREATE TRIGGER total_after_update AFTER UPDATE ON ops.grant_line
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ops.touch_grant_list();
"""

# Reviewing, countersigning, settling objections and paying are duties of different people on one list; only
# an objection may be settled by who countersigned. The transaction says who asks (citybrain.user).
DECISIONS = """
CREATE FUNCTION ops.guard_grant_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent ops.grant_list;
BEGIN
    SELECT * INTO parent FROM ops.grant_list WHERE id = NEW.list_id FOR UPDATE;
    IF NEW.round IS DISTINCT FROM parent.round THEN
        RAISE check_violation USING MESSAGE = 'a decision belongs to the round its list is in';
    END IF;
    IF NEW.person_id IS DISTINCT FROM nullif(current_setting('citybrain.user', true), '')::bigint
        OR (NEW.person_id IS NULL AND NEW.step NOT IN ('matching', 'notice'))
        OR (NEW.person_id IS NULL AND current_setting('citybrain.scope', true) IS DISTINCT FROM 'system')
    THEN
        RAISE check_violation USING CONSTRAINT = 'grant_decision_own_name',
            MESSAGE = 'people decide in their own name';
    END IF;
    IF EXISTS (
        SELECT FROM ops.grant_decision d
        WHERE d.list_id = NEW.list_id AND d.person_id = NEW.person_id AND d.step <> NEW.step
            AND d.step IN ('first_review', 'countersign', 'objection', 'payment')
            AND NEW.step IN ('first_review', 'countersign', 'objection', 'payment')
            AND NOT (d.step IN ('countersign', 'objection') AND NEW.step IN ('countersign', 'objection')))
    THEN
        RAISE check_violation USING CONSTRAINT = 'grant_decision_four_eyes',
            MESSAGE = 'one person cannot hold two duties on one grant list';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ops.grant_decision
    FOR EACH ROW EXECUTE FUNCTION ops.guard_grant_decision();

CREATE FUNCTION ops.refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.grant_decision
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_history();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.payment_file
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_history();
"""

NOTICES = """
CREATE FUNCTION ops.guard_grant_notice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent ops.grant_list;
BEGIN
    SELECT * INTO parent FROM ops.grant_list WHERE id = NEW.list_id;
    IF parent.state IS DISTINCT FROM 'second_review' OR NEW.working_days <> parent.notice_days
        OR NEW.opened_at < clock_timestamp() - interval '5 minutes'
        OR NEW.closes_at < NEW.opened_at + make_interval(days => NEW.working_days)
    THEN
        RAISE check_violation USING
            MESSAGE = 'a public notice opens now, for the days of its item, after the countersignature';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ops.grant_notice
    FOR EACH ROW EXECUTE FUNCTION ops.guard_grant_notice();
"""

PAYMENTS = """
CREATE FUNCTION ops.guard_payment_file() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counted record;
BEGIN
    SELECT count(*) AS rows, coalesce(sum(amount), 0) AS total INTO counted
    FROM ops.grant_line WHERE payment_file_id = NEW.id;
    IF counted.rows <> NEW.rows OR counted.total <> NEW.total THEN
        RAISE check_violation USING CONSTRAINT = 'payment_file_total',
            MESSAGE = format('payment file %s says %s rows and %s yuan, its lines are %s rows and %s yuan',
                NEW.id, NEW.rows, NEW.total, counted.rows, counted.total);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payment_file_total AFTER INSERT ON ops.payment_file DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ops.guard_payment_file();
"""


class Migration(migrations.Migration):
    dependencies = [("grants", "0001_initial")]

    operations = [
        migrations.RunSQL(part)
        for part in (*ROW_SECURITY, PUBLIC, PRIVILEGES, LISTS, LINES, DECISIONS, NOTICES, PAYMENTS)
    ]
