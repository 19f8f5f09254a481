-- The tables of tests/injection on SQLite.

-- Half as many waits for the disk.
PRAGMA journal_mode = WAL;

CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name VARCHAR(200), note TEXT, amount DECIMAL(12, 2), born DATE, is_open BOOLEAN,
    referred_by INTEGER REFERENCES customers (id)
);
INSERT INTO customers VALUES (1, 'Ada', 'first', 10.5, '1815-12-10', 1, NULL), (2, 'Bob', NULL, 20, '1990-01-01', 0, 1), (3, 'Cy', 'x', NULL, NULL, NULL, 1);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), code VARCHAR(200) UNIQUE, total DECIMAL(12, 2));
INSERT INTO orders VALUES (1, 1, 'a-1', 5), (2, 1, 'a-2', 7.5), (3, 2, 'b-1', 1), (4, NULL, 'c-1', NULL);
CREATE TABLE tags (code VARCHAR(200) PRIMARY KEY, word TEXT);
INSERT INTO tags VALUES ('red', 'warm'), ('blue', 'cold'), ('7', 'lucky');
CREATE TABLE order_tags (
    order_id INTEGER NOT NULL REFERENCES orders (id), tag_code VARCHAR(200) NOT NULL REFERENCES tags (code), PRIMARY KEY (order_id, tag_code)
);
INSERT INTO order_tags VALUES (1, 'red'), (1, 'blue'), (2, 'red');
CREATE TABLE sink (id INTEGER PRIMARY KEY, name VARCHAR(400), note TEXT, amount DECIMAL(12, 2), day DATE);
CREATE TABLE keyed (code VARCHAR(400) PRIMARY KEY, note TEXT);
CREATE TABLE made (id INTEGER PRIMARY KEY, word VARCHAR(200));

CREATE TABLE canary (id INTEGER PRIMARY KEY, secret VARCHAR(200));
INSERT INTO canary VALUES (1, 'K7-unreachable-Q9');
CREATE TABLE canary_beside (id INTEGER PRIMARY KEY, secret VARCHAR(200));
INSERT INTO canary_beside VALUES (1, 'K7-unreachable-Q9');
