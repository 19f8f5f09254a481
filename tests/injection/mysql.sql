-- The tables of tests/injection on MariaDB. The gateway's account may reach the canary beside its own database.

DROP VIEW slow;

CREATE TABLE customers (
    id int AUTO_INCREMENT PRIMARY KEY, name varchar(200), note text, amount decimal(12, 2), born date, is_open boolean,
    referred_by int, FOREIGN KEY (referred_by) REFERENCES customers (id)
);
INSERT INTO customers VALUES (1, 'Ada', 'first', 10.5, '1815-12-10', 1, NULL), (2, 'Bob', NULL, 20, '1990-01-01', 0, 1), (3, 'Cy', 'x', NULL, NULL, NULL, 1);
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, customer_id int, code varchar(200) UNIQUE, total decimal(12, 2), FOREIGN KEY (customer_id) REFERENCES customers (id));
INSERT INTO orders VALUES (1, 1, 'a-1', 5), (2, 1, 'a-2', 7.5), (3, 2, 'b-1', 1), (4, NULL, 'c-1', NULL);
CREATE TABLE tags (code varchar(200) PRIMARY KEY, word text);
INSERT INTO tags VALUES ('red', 'warm'), ('blue', 'cold'), ('7', 'lucky');
CREATE TABLE order_tags (
    order_id int NOT NULL, tag_code varchar(200) NOT NULL, PRIMARY KEY (order_id, tag_code),
    FOREIGN KEY (order_id) REFERENCES orders (id), FOREIGN KEY (tag_code) REFERENCES tags (code)
);
INSERT INTO order_tags VALUES (1, 'red'), (1, 'blue'), (2, 'red');
CREATE TABLE sink (id int AUTO_INCREMENT PRIMARY KEY, name varchar(400), note text, amount decimal(12, 2), day date);
CREATE TABLE keyed (code varchar(400) PRIMARY KEY, note text);
CREATE TABLE made (id int AUTO_INCREMENT PRIMARY KEY, word varchar(200));

CREATE TABLE canary (id int PRIMARY KEY, secret varchar(200));
INSERT INTO canary VALUES (1, 'K7-unreachable-Q9');
CREATE DATABASE vault;
CREATE TABLE vault.canary (id int PRIMARY KEY, secret varchar(200));
INSERT INTO vault.canary VALUES (1, 'K7-unreachable-Q9');
GRANT ALL ON *.* TO gateway@'%';

CREATE FUNCTION say(v varchar(400)) RETURNS varchar(400) NO SQL RETURN v;
CREATE FUNCTION add_up(a int, b decimal(12, 2), c varchar(400)) RETURNS decimal(12, 2) NO SQL RETURN a + b;
CREATE PROCEDURE keep(p_note text, p_amount decimal(12, 2)) INSERT INTO sink (note, amount) VALUES (p_note, p_amount);
