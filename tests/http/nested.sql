-- `{number}` is a key that the database numbers, `{text}` a text.
CREATE TABLE customers (
    id {number}, name {text} NOT NULL, code {text} UNIQUE, referred_by INTEGER REFERENCES customers (id)
);
INSERT INTO customers VALUES (1, 'Ada', 'a', NULL), (2, 'Bob', 'b', 1);

-- One each: the first can't be without its customer, the second can.
CREATE TABLE profiles (customer_id INTEGER PRIMARY KEY REFERENCES customers (id), bio {text});
INSERT INTO profiles VALUES (2, 'builds');
CREATE TABLE cards (id {number}, customer_id INTEGER UNIQUE REFERENCES customers (id), number {text});
INSERT INTO cards VALUES (1, 1, '111'), (2, NULL, '222');

CREATE TABLE orders (
    id {number}, customer_id INTEGER REFERENCES customers (id), status {text} NOT NULL DEFAULT 'open', total INTEGER
);
INSERT INTO orders VALUES (1, 1, 'open', 10), (2, 1, 'paid', 20), (3, 2, 'open', 30), (4, NULL, 'open', 40);

CREATE TABLE letters (id {number}, customer_id INTEGER NOT NULL REFERENCES customers (id), text {text} NOT NULL);
INSERT INTO letters VALUES (1, 1, 'hello'), (2, 2, 'bye');

-- Refers to what is no primary key.
CREATE TABLE visits (id {number}, code {text} REFERENCES customers (code), day {text});

-- A key of two columns, one of which says whose the row is; and rows that refer to it.
CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL, qty INTEGER, PRIMARY KEY (order_id, line)
);
INSERT INTO order_lines VALUES (1, 1, 5), (1, 2, 6);
CREATE TABLE notes (
    id {number}, order_id INTEGER, line INTEGER, text {text}, FOREIGN KEY (order_id, line) REFERENCES order_lines (order_id, line)
);

-- Texts as keys, and a table between.
CREATE TABLE tags (code {text} PRIMARY KEY, label {text});
INSERT INTO tags VALUES ('a,b', 'old'), ('it''s', NULL), ('new', NULL);
CREATE TABLE order_tags (
    order_id INTEGER NOT NULL REFERENCES orders (id), code {text} NOT NULL REFERENCES tags (code), PRIMARY KEY (order_id, code)
);
INSERT INTO order_tags VALUES (1, 'a,b');

-- A field goes before a relationship of its name.
CREATE TABLE crates (id {number}, boxes_by_crate_id {text});
CREATE TABLE boxes (id {number}, crate_id INTEGER REFERENCES crates (id));
