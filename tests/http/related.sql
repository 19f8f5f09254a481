CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, referred_by INTEGER REFERENCES customers (id));
INSERT INTO customers VALUES (1, 'Ada', NULL), (2, 'Bob', 1), (3, 'Cy', 1), (4, 'Dee', NULL);

CREATE TABLE profiles (customer_id INTEGER PRIMARY KEY REFERENCES customers (id), bio TEXT);
INSERT INTO profiles VALUES (2, 'builds');

CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), status TEXT NOT NULL, total DECIMAL(10, 2));
INSERT INTO orders VALUES (1, 1, 'new', 10), (2, 1, 'paid', 25.5), (3, 2, 'paid', 99.99), (4, 3, 'new', 5), (5, NULL, 'new', 1);

CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO products VALUES (1, 'pen'), (2, 'ink'), (3, 'pad');

CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL, product_id INTEGER REFERENCES products (id),
    PRIMARY KEY (order_id, line)
);
INSERT INTO order_items VALUES (1, 1, 3), (1, 2, 1), (1, 3, 3), (2, 1, 2), (3, 1, 2);

-- Refers by two columns.
CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER, line INTEGER, text TEXT, FOREIGN KEY (order_id, line) REFERENCES order_items);
INSERT INTO notes VALUES (1, 1, 2, 'gift'), (2, 1, 2, 'wrap'), (3, 1, NULL, 'nowhere'), (4, 2, 1, 'refill');

-- Texts as keys.
CREATE TABLE tags (code TEXT PRIMARY KEY);
INSERT INTO tags VALUES ('a,b'), ('it''s'), (''), ('0');
CREATE TABLE tagged (id INTEGER PRIMARY KEY, code TEXT REFERENCES tags (code));
INSERT INTO tagged VALUES (1, 'a,b'), (2, 'it''s'), (3, ''), (4, '0'), (5, NULL);

-- More than an answer may have.
CREATE TABLE letters (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id));
WITH RECURSIVE numbered (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbered WHERE n < 8)
INSERT INTO letters SELECT n, iif(n < 7, 1, 2) FROM numbered;
