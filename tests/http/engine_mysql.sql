-- The tables of tests/http/engine.rs on MariaDB.

CREATE TABLE marks (id int AUTO_INCREMENT PRIMARY KEY, mark varchar(80), note varchar(80));
CREATE TABLE deeds (mark varchar(80));
CREATE TRIGGER made AFTER INSERT ON marks FOR EACH ROW INSERT INTO deeds VALUES (NEW.mark);
CREATE TRIGGER changed AFTER UPDATE ON marks FOR EACH ROW INSERT INTO deeds VALUES (NEW.note);
CREATE TRIGGER removed AFTER DELETE ON marks FOR EACH ROW INSERT INTO deeds VALUES (CONCAT(OLD.mark, ' gone'));

CREATE TABLE many (id int PRIMARY KEY, word varchar(300));
INSERT INTO many SELECT seq, RPAD(CONCAT('row-', seq, '-'), 300, 'x') FROM seq_1_to_1000;

CREATE VIEW slow AS SELECT id, SLEEP(600) AS slept FROM many;
