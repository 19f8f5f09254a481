CREATE TABLE regions (id INTEGER PRIMARY KEY, code TEXT NOT NULL, name TEXT NOT NULL, Size INTEGER);
INSERT INTO regions VALUES (1, 'n', 'North', 5), (2, 's', 'South', 7);

CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, region TEXT, boss INTEGER REFERENCES customers (id));
INSERT INTO customers VALUES (1, 'Ada', 'n', NULL), (2, 'Bob', 's', 1), (3, 'Cy', 'x', 2), (4, 'Dee', NULL, NULL);

CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), total INTEGER NOT NULL);
INSERT INTO orders VALUES (1, 1, 10), (2, 1, 25), (3, 2, 99), (4, 3, 5);

-- No foreign key leads from or to these.
CREATE TABLE cards (number TEXT, holder INTEGER, place TEXT, region TEXT, colour TEXT);
INSERT INTO cards VALUES ('1', 1, 'a', 'n', 'red'), ('2', 2, 'a', 's', 'blue'), ('3', NULL, 'b', 's', 'green');
CREATE TABLE visits (customer TEXT, code TEXT);
INSERT INTO visits VALUES ('1', 'n'), ('1', 's'), ('3', 's'), ('4', 'gone');

CREATE VIEW buyers AS SELECT customer_id AS buyer, sum(total) AS spent FROM orders GROUP BY customer_id;
