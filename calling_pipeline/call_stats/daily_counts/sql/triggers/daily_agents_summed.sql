-- The months of agents change in the transaction that changes their days, whoever does it and by whatever statement.
CREATE TRIGGER daily_agents_summed_added
AFTER INSERT ON daily_agents REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION sum_agent_months();
CREATE TRIGGER daily_agents_summed_changed
AFTER UPDATE ON daily_agents REFERENCING OLD TABLE AS gone NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION sum_agent_months();
CREATE TRIGGER daily_agents_summed_gone
AFTER DELETE ON daily_agents REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION sum_agent_months();
CREATE TRIGGER daily_agents_summed_emptied
AFTER TRUNCATE ON daily_agents
FOR EACH STATEMENT EXECUTE FUNCTION sum_agent_months();
