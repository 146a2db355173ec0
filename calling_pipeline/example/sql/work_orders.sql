-- The customer's table of the example, as a system of theirs might have it: nothing in it is sure.
CREATE TABLE example.work_orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mobile text,
    staff_name text,
    sys_name text,
    order_type text,
    order_nums integer,
    city text,
    created_at timestamptz NOT NULL DEFAULT now()
);
