-- Appends work orders in the order in which they are given.
INSERT INTO example.work_orders (mobile, staff_name, sys_name, order_type, order_nums, city)
SELECT
    given.mobile, given.staff_name, given.sys_name, given.order_type, given.order_nums, given.city
FROM
    unnest(
        cast(:mobile AS text[]), cast(:staff_name AS text[]), cast(:sys_name AS text[]),
        cast(:order_type AS text[]), cast(:order_nums AS integer[]), cast(:city AS text[])
    ) WITH ORDINALITY AS given (mobile, staff_name, sys_name, order_type, order_nums, city, place)
ORDER BY given.place;
