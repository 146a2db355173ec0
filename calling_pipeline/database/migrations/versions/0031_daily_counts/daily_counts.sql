-- Which days are counted, and each day's calls by agent, hour, province and dialling task.
CREATE TABLE counted_days (
    date date NOT NULL,
    fetch_number bigint NOT NULL,
    counted_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_counted_days PRIMARY KEY (date)
);
COMMENT ON TABLE counted_days IS 'Which days are counted in the tables daily_*, and of which read';
CREATE TABLE daily_agents (
    date date NOT NULL,
    agent_id text NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    talk_s bigint NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    orders bigint NOT NULL,
    CONSTRAINT pk_daily_agents PRIMARY KEY (date, agent_id)
);
COMMENT ON TABLE daily_agents IS 'Calls of each agent on each day; an empty agent_id for calls of no agent';
CREATE TABLE daily_hours (
    date date NOT NULL,
    hour smallint NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    talk_s bigint NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    orders bigint NOT NULL,
    CONSTRAINT pk_daily_hours PRIMARY KEY (date, hour),
    CONSTRAINT ck_daily_hours_hour_of_the_day CHECK (hour BETWEEN 0 AND 23)
);
COMMENT ON TABLE daily_hours IS 'Calls of each hour of each day (Asia/Shanghai)';
CREATE TABLE daily_provinces (
    date date NOT NULL,
    province text NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    talk_s bigint NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    orders bigint NOT NULL,
    CONSTRAINT pk_daily_provinces PRIMARY KEY (date, province)
);
COMMENT ON TABLE daily_provinces IS 'Calls to each province on each day; empty where the vendor knew none';
CREATE TABLE daily_province_hours (
    date date NOT NULL,
    province text NOT NULL,
    hour smallint NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    talk_s bigint NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    orders bigint NOT NULL,
    CONSTRAINT pk_daily_province_hours PRIMARY KEY (date, province, hour),
    CONSTRAINT ck_daily_province_hours_hour_of_the_day CHECK (hour BETWEEN 0 AND 23)
);
COMMENT ON TABLE daily_province_hours IS 'Calls to each province in each hour of each day';
CREATE TABLE daily_tasks (
    date date NOT NULL,
    task_id text NOT NULL,
    task_name text NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    talk_s bigint NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    orders bigint NOT NULL,
    CONSTRAINT pk_daily_tasks PRIMARY KEY (date, task_id, task_name)
);
COMMENT ON TABLE daily_tasks IS 'Calls of each dialling task on each day; empty where the vendor named none';
