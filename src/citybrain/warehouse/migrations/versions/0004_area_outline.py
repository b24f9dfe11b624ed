"""Outlines of counties in WGS84, worked out from the newest delivery of their boundaries."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE meta.area_outline (
            area_code text PRIMARY KEY,
            name text NOT NULL,
            geojson_wgs84 jsonb NOT NULL,
            centroid_lon double precision NOT NULL,
            centroid_lat double precision NOT NULL,
            area_km2 double precision NOT NULL CHECK (area_km2 > 0),
            src_crs text NOT NULL,
            batch_id bigint NOT NULL REFERENCES meta.batch,
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE meta.area_outline IS
            'One row per county whose outline was delivered, in WGS84, simplified; not a survey document';
        COMMENT ON COLUMN meta.area_outline.area_km2 IS 'Of the unsimplified outline on the ellipsoid';
        COMMENT ON COLUMN meta.area_outline.src_crs IS 'Reference system of the outline as delivered';
        REVOKE ALL ON meta.area_outline FROM citybrain_loader;
        GRANT SELECT, INSERT, UPDATE, DELETE ON meta.area_outline TO citybrain_loader;
        GRANT SELECT ON meta.area_outline TO citybrain_transformer;
    """)
