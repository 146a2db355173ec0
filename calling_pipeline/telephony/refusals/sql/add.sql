-- Adds refused clicks to the counts of their tenant, hour and rule.
INSERT INTO call_refusals AS counted (tenant_id, hour, rule, number)
VALUES (:tenant_id, :hour, :rule, :number)
ON CONFLICT (tenant_id, hour, rule) DO UPDATE
    SET number = counted.number + excluded.number;
