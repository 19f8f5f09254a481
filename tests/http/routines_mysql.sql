-- The routines of tests/http/routines.rs on MariaDB.

CREATE PROCEDURE pay(p_day date, p_amount decimal(10,2), OUT p_total decimal(10,2), INOUT p_note varchar(40))
    COMMENT 'Pays twice'
BEGIN
    SET p_total = p_amount * 2;
    SET p_note = CONCAT(p_note, ' ', p_day);
END;

CREATE PROCEDURE log_it(p_mark varchar(80)) INSERT INTO deeds VALUES (p_mark);

CREATE PROCEDURE slow_deed(p_mark varchar(80))
BEGIN
    INSERT INTO deeds VALUES (p_mark);
    DO SLEEP(601);
END;

CREATE FUNCTION vat(amount decimal(10,2), rate decimal(5,2)) RETURNS decimal(12,2) NO SQL RETURN ROUND(amount * rate / 100, 2);
CREATE FUNCTION greet(who varchar(40), loud boolean) RETURNS varchar(60)
    RETURN IF(loud, UPPER(CONCAT('Hello ', who)), CONCAT('Hello ', who));
CREATE FUNCTION double_it(n bigint) RETURNS bigint NO SQL RETURN n * 2;
CREATE FUNCTION next_day(d date) RETURNS date NO SQL RETURN d + INTERVAL 1 DAY;
CREATE FUNCTION later(t datetime(6)) RETURNS datetime(6) NO SQL RETURN t + INTERVAL 1 SECOND;
CREATE FUNCTION bytes_back(x varbinary(40)) RETURNS varbinary(40) NO SQL RETURN x;

CREATE PROCEDURE list_open(min_total int) READS SQL DATA
    SELECT * FROM (SELECT 1 AS id, 10.00 AS total, 'a' AS word UNION ALL SELECT 2, 4.00, NULL UNION ALL SELECT 4, 5.50, 'é') AS t
    WHERE total >= min_total;
CREATE PROCEDURE count_to(n int) READS SQL DATA SELECT seq AS number FROM seq_1_to_1000 WHERE seq <= n;

CREATE PROCEDURE refuse(p_why varchar(80)) SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = p_why;
CREATE PROCEDURE stumble() INSERT INTO many VALUES (1, 'secret');

-- What only this server has.

CREATE PROCEDURE two_sets(OUT total int)
BEGIN
    SELECT 1 AS a UNION ALL SELECT 2;
    SELECT 'x' AS b, NULL AS c, TRUE AS d;
    SET total = 2;
END;
CREATE PROCEDURE two_plain_sets()
BEGIN
    SELECT 1 AS a;
    SELECT 2 AS a, 3 AS a;
END;
CREATE PROCEDURE with_count(min_total int, OUT cnt int)
BEGIN
    SELECT '1' AS id, '10.5' AS total, '{"a":1}' AS doc WHERE min_total < 20;
    SET cnt = 2;
END;
CREATE PROCEDURE moments(INOUT d date, INOUT t time(6), INOUT m datetime(6), OUT big bigint unsigned, OUT flag boolean, OUT f double)
BEGIN
    SET big = 18446744073709551615;
    SET flag = TRUE;
    SET f = 0.1;
END;
CREATE PROCEDURE vat(amount decimal(10,2)) SELECT amount AS amount;
CREATE PROCEDURE `odd ``name``; --`(`p "x"` int) SELECT `p "x"` AS x;
