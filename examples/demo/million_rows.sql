-- A working day of a small shop in one SQLite database in memory: a million orders, indexes, joins,
-- aggregates, sorts, text and deletes. Run it by
--     sqlite3 :memory: ".read examples/demo/million_rows.sql"
-- It prints the same few rows each time: the pseudo-random figures are made from row numbers.

CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL,
    day INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    note TEXT NOT NULL
);

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO customer
SELECT i, printf('customer-%05d', i), printf('city-%03d', (i * 7919) % 500) FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
INSERT INTO orders
SELECT i,
       1 + (i * 48271) % 20000,
       (i * 16807) % 365,
       100 + (i * 69621) % 99900,
       substr('express gift fragile refrigerated return', 1 + i % 30, 4 + i % 27)
FROM n;

CREATE INDEX orders_by_customer ON orders (customer, day);
CREATE INDEX orders_by_note ON orders (note);

.headers on
SELECT count(*) AS orders, sum(cents) AS cents, avg(cents) AS mean FROM orders;

SELECT city, count(*) AS orders, sum(cents) AS cents
FROM orders JOIN customer ON customer.id = orders.customer
GROUP BY city ORDER BY cents DESC LIMIT 3;

SELECT note, count(*) AS orders FROM orders GROUP BY note ORDER BY orders DESC, note LIMIT 3;

SELECT day, count(DISTINCT customer) AS customers
FROM orders GROUP BY day ORDER BY customers DESC, day LIMIT 3;

SELECT max(length(days)) AS longest_calendar
FROM (SELECT customer, group_concat(day) AS days FROM orders GROUP BY customer);

DELETE FROM orders WHERE id % 3 = 0;
SELECT count(*) AS orders_left FROM orders;
