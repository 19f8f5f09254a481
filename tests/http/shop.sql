-- The tables of the service `shop`. Table `people` is filled from people.json, which the service `mem` serves too.

CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name VARCHAR(40) NOT NULL,
    country CHAR(2) NOT NULL DEFAULT 'GB',
    referred_by INTEGER REFERENCES customers (id)
);
INSERT INTO customers (id, name, country, referred_by) VALUES
    (1, 'Ada', 'GB', NULL), (2, 'Bob', 'US', 1), (3, 'Cy', 'US', 1), (4, 'Dee', 'FR', NULL);

CREATE TABLE profiles (
    customer_id INTEGER PRIMARY KEY REFERENCES customers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    bio TEXT
);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER REFERENCES customers ON DELETE SET NULL,
    status VARCHAR(10) NOT NULL DEFAULT 'new',
    total DECIMAL(10, 2)
);
CREATE INDEX orders_by_customer ON orders (customer_id);
INSERT INTO orders VALUES
    (1, 1, 'new', 10), (2, 1, 'paid', 25.5), (3, 2, 'paid', 99.99), (4, 3, 'new', 5), (5, 4, 'new', NULL);

CREATE TABLE products (id INTEGER PRIMARY KEY, sku CHAR(8) NOT NULL UNIQUE);
INSERT INTO products VALUES (1, 'A-000001'), (2, 'B-000002');

CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    product_id INTEGER REFERENCES products (id),
    qty INTEGER NOT NULL,
    PRIMARY KEY (order_id, line)
);
INSERT INTO order_items VALUES (1, 1, 1, 2), (1, 2, 2, 1), (3, 1, 2, 7);

CREATE VIEW paid_orders AS SELECT id, total FROM orders WHERE status = 'paid';

-- Longer than an answer of the service may be.
CREATE TABLE numbers (n INTEGER PRIMARY KEY, parity TEXT NOT NULL);
WITH RECURSIVE numbered (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbered WHERE n < 25)
INSERT INTO numbers SELECT n, iif(n % 2, 'odd', 'even') FROM numbered;

-- Nothing identifies its rows.
CREATE TABLE logs (line TEXT, level INT);
INSERT INTO logs VALUES ('started', 1), ('stopped', 2);

CREATE TABLE Article10 (id INTEGER PRIMARY KEY);
CREATE TABLE article9 (id INTEGER PRIMARY KEY);

CREATE TABLE "odd ""name"" (1)/50%; DROP TABLE orders --" (
    "select" INTEGER PRIMARY KEY,
    "order date, 'utc'" TEXT,
    "naïve.größe" TEXT,
    "a""b] `c`" TEXT
);
INSERT INTO "odd ""name"" (1)/50%; DROP TABLE orders --" VALUES
    (1, '2013-01-01', 'XL', 'x'), (2, NULL, 'M', 'y; --');

CREATE TABLE stored (
    id INTEGER PRIMARY KEY,
    big BIGINT,
    exact DECIMAL(20, 4),
    price MONEY,
    ratio REAL,
    flag TINYINT(1),
    text TEXT,
    data JSON,
    bytes BLOB,
    day DATE,
    hour TIME,
    moment DATETIME,
    stamp TIMESTAMP,
    anything
);
INSERT INTO stored VALUES
    (1, 9223372036854775807, 0.1, 19.99, 1e300, 1, '"quoted" \ / <b> & ünï ' || char(10, 9, 1) || '🐘', '{"b":[1,2.50],"a":null}',
        x'00ff10', '2024-02-29', '23:59:59', '2024-02-29 23:59:59', '2024-02-29T23:59:59Z', 5),
    (2, -9223372036854775808, 12345678901234, -0.5, 0.5, 0, '', 'not json', x'', '1066-10-14', '00:00:00', '0001-01-01 00:00:00', '2024-02-29', 'five'),
    (3, 9007199254740993, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
