-- Append one pool's snapshot to the utilisation history; the same instant is kept once.
INSERT INTO extension_utilisation (
    config_id, taken_at, tenant_id, total, in_use, available, cooling_down, offline, quarantined, utilisation_pct
)
VALUES (
    :config_id, :now, :tenant_id, :total, :in_use, :available, :cooling_down, :offline, :quarantined,
    least(:utilisation_pct, 999)
)
ON CONFLICT (config_id, taken_at) DO NOTHING
