-- The routines of tests/http/routines.rs on PostgreSQL.

CREATE PROCEDURE pay(p_day date, p_amount numeric, OUT p_total numeric, INOUT p_note varchar) LANGUAGE plpgsql AS $$
BEGIN
    p_total := p_amount * 2;
    p_note := p_note || ' ' || p_day;
END $$;
COMMENT ON PROCEDURE pay IS 'Pays twice';

CREATE PROCEDURE log_it(p_mark varchar) LANGUAGE sql AS 'INSERT INTO deeds VALUES (p_mark)';

CREATE PROCEDURE slow_deed(p_mark varchar) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deeds VALUES (p_mark);
    PERFORM pg_sleep(601);
END $$;

CREATE FUNCTION vat(amount numeric, rate numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS
    'SELECT round(amount * rate / 100, 2)';
CREATE FUNCTION greet(who varchar, loud boolean) RETURNS varchar LANGUAGE sql AS
    $$SELECT CASE WHEN loud THEN upper('Hello ' || who) ELSE 'Hello ' || who END$$;
CREATE FUNCTION double_it(n bigint) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT n * 2';
CREATE FUNCTION next_day(d date) RETURNS date IMMUTABLE LANGUAGE sql AS 'SELECT d + 1';
CREATE FUNCTION later(t timestamp) RETURNS timestamp IMMUTABLE LANGUAGE sql AS $$SELECT t + interval '1 second'$$;
CREATE FUNCTION bytes_back(x bytea) RETURNS bytea IMMUTABLE LANGUAGE sql AS 'SELECT x';

CREATE FUNCTION list_open(min_total integer) RETURNS TABLE (id integer, total numeric, word varchar) STABLE LANGUAGE sql AS $$
    SELECT * FROM (VALUES (1, 10.00, 'a'), (2, 4.00, NULL), (4, 5.50, 'é')) AS t WHERE column2 >= min_total
$$;
CREATE FUNCTION count_to(n integer) RETURNS TABLE (number integer) STABLE LANGUAGE sql AS 'SELECT generate_series(1, n)';

CREATE PROCEDURE refuse(p_why varchar) LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', p_why USING ERRCODE = '45000';
END $$;
CREATE PROCEDURE stumble() LANGUAGE sql AS 'INSERT INTO many VALUES (1, ''secret'')';

-- What only this server has.

CREATE FUNCTION plain_raise() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not on a Sunday'; END $$;
CREATE FUNCTION area(a integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT a * a';
CREATE FUNCTION area(a integer, b integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT a * b';
CREATE FUNCTION area(a numeric) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT -1';
CREATE FUNCTION scaled(a integer, by integer DEFAULT 10, plus integer DEFAULT 0) RETURNS integer IMMUTABLE LANGUAGE sql AS
    'SELECT a * by + plus';
CREATE FUNCTION split(n integer, OUT half integer, OUT rest integer) IMMUTABLE LANGUAGE sql AS 'SELECT n / 2, n % 2';
CREATE FUNCTION numbers(n integer) RETURNS SETOF integer STABLE LANGUAGE sql AS 'SELECT generate_series(1, n)';
CREATE FUNCTION first_many() RETURNS many STABLE LANGUAGE sql AS 'SELECT * FROM many ORDER BY id LIMIT 1';
CREATE FUNCTION cursors(n integer) RETURNS SETOF refcursor LANGUAGE plpgsql AS $$
DECLARE a refcursor; b refcursor := 'odd "name"';
BEGIN
    OPEN a FOR SELECT i AS x FROM generate_series(1, n) AS i;
    RETURN NEXT a;
    OPEN b FOR SELECT 'y'::text AS y, 1.50 AS z;
    RETURN NEXT b;
END $$;
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION loose() RETURNS record LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION total(VARIADIC items integer[]) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT sum(i) FROM unnest(items) AS i';
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE FUNCTION cheer(m mood, at inet) RETURNS TABLE (mood mood, at inet, spent interval) STABLE LANGUAGE sql AS
    $$SELECT m, at, interval '1 hour'$$;
CREATE FUNCTION document(d jsonb) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$SELECT jsonb_build_object('d', d)$$;
CREATE SCHEMA other;
CREATE FUNCTION other.hidden() RETURNS integer LANGUAGE sql AS 'SELECT 7';
CREATE FUNCTION "odd ""name""; --"("p ""x""" integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
