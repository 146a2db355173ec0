-- Adds refused clicks to the counts of their tenant, hour and rule.
INSERT INTO call_refusals AS counted (tenant_id, hour, rule, number, again)
VALUES (:tenant_id, :hour, :rule, :number, :again)
ON CONFLICT (tenant_id, hour, rule) DO UPDATE
    SET number = counted.number + excluded.number, again = counted.again + excluded.again;
