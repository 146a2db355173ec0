-- Views under the names and columns of the tables of the systems before, for reports that were written for them: give their role
-- `search_path = old_names, public`. They are read only and hold no secret.
CREATE SCHEMA old_names;
