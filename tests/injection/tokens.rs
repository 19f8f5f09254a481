//! A statement as its server reads it: words, names, texts, numbers, places of bound values, signs and comments. Knows three ways to quote.

/// How a server quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// `"name"`, `'text'` with doubled quotes, `E'text'` with backslashes, `$x$text$x$`.
    Dollars,
    /// `` `name` ``, `'text'` and `"text"` with doubled quotes and backslashes, `# comment`.
    Backslashes,
    /// `"name"`, `` `name` ``, `[name]`, `'text'` with doubled quotes.
    Doubled,
}

/// A piece of a statement. Names and texts are as the server understands them, without quotes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Token {
    Word(String),
    Name(String),
    Text(String),
    Number(String),
    /// Of a value that is bound.
    Place,
    Sign(char),
    /// Also what a quote opens that nothing closes.
    Comment(String),
}

/// The pieces of a statement.
pub(crate) fn tokens(sql: &str, quoting: Quoting) -> Vec<Token> {
    let mut reader = Reader { rest: sql, quoting };
    let mut found = Vec::new();
    loop {
        reader.rest = reader.rest.trim_start();
        match reader.rest.chars().next() {
            None => return found,
            Some(first) => found.push(reader.next(first)),
        }
    }
}

struct Reader<'s> {
    rest: &'s str,
    quoting: Quoting,
}

impl Reader<'_> {
    fn next(&mut self, first: char) -> Token {
        let quoting = self.quoting;
        let starts = |text: &str| self.rest.starts_with(text);
        if starts("--") || first == '#' && quoting == Quoting::Backslashes {
            return Token::Comment(self.take_while(|c| c != '\n'));
        }
        if starts("/*") {
            return self.up_to("*/");
        }
        match first {
            '\'' => self.quoted('\'', quoting == Quoting::Backslashes, Token::Text),
            '"' if quoting == Quoting::Backslashes => self.quoted('"', true, Token::Text),
            '"' => self.quoted('"', false, Token::Name),
            '`' if quoting != Quoting::Dollars => self.quoted('`', false, Token::Name),
            '[' if quoting == Quoting::Doubled => self.quoted(']', false, Token::Name),
            'E' | 'e' if quoting == Quoting::Dollars && self.rest[1..].starts_with('\'') => {
                self.rest = &self.rest[1..];
                self.quoted('\'', true, Token::Text)
            }
            '$' if quoting == Quoting::Dollars => self.dollar(),
            '?' => {
                self.rest = &self.rest[1..];
                self.take_while(|c| c.is_ascii_digit());
                Token::Place
            }
            c if c.is_ascii_digit() => {
                Token::Number(self.take_while(|c| c.is_ascii_alphanumeric() || c == '.'))
            }
            c if is_of_word(c) => Token::Word(self.take_while(is_of_word)),
            c => {
                self.rest = &self.rest[c.len_utf8()..];
                Token::Sign(c)
            }
        }
    }

    fn take_while(&mut self, goes_on: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !goes_on(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    /// A comment that ends so.
    fn up_to(&mut self, end: &str) -> Token {
        let end = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        Token::Comment(taken.to_owned())
    }

    /// What stands between the first character and this quote.
    fn quoted(&mut self, quote: char, has_backslashes: bool, token: fn(String) -> Token) -> Token {
        let mut inside = String::new();
        let mut characters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            let after = characters.peek().map(|(_, after)| *after);
            match (character, after) {
                ('\\', Some(after)) if has_backslashes => {
                    inside.push(unescaped(after));
                    characters.next();
                }
                (found, Some(after)) if found == quote && after == quote => {
                    inside.push(quote);
                    characters.next();
                }
                (found, _) if found == quote => {
                    self.rest = &self.rest[at + 1..];
                    return token(inside);
                }
                (other, _) => inside.push(other),
            }
        }
        self.up_to_end()
    }

    fn up_to_end(&mut self) -> Token {
        Token::Comment(format!("open {}", std::mem::take(&mut self.rest)))
    }

    /// `$1`, or a text between two tags.
    fn dollar(&mut self) -> Token {
        let digits = self.rest[1..].chars().take_while(char::is_ascii_digit).count();
        if digits > 0 {
            self.rest = &self.rest[1 + digits..];
            return Token::Place;
        }
        let Some(length) = self.rest[1..].find('$') else { return self.up_to_end() };
        let (tag, behind) = self.rest.split_at(length + 2);
        let Some(end) = behind.find(tag) else { return self.up_to_end() };
        let text = behind[..end].to_owned();
        self.rest = &behind[end + tag.len()..];
        Token::Text(text)
    }
}

fn unescaped(character: char) -> char {
    match character {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        'Z' => '\u{1a}',
        'b' => '\u{8}',
        other => other,
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, quoting: Quoting, expected: &[Token]) {
        assert_eq!(tokens(sql, quoting), expected, "{sql}");
    }

    fn word(word: &str) -> Token {
        Token::Word(word.to_owned())
    }

    fn name(name: &str) -> Token {
        Token::Name(name.to_owned())
    }

    fn text(text: &str) -> Token {
        Token::Text(text.to_owned())
    }

    #[test]
    fn each_server_quotes_in_its_way() {
        check(
            r#""a""b" 'c''d\' E'\\e\'' $1 $x$'$x$"#,
            Quoting::Dollars,
            &[name("a\"b"), text("c'd\\"), text("\\e'"), Token::Place, text("'")],
        );
        check(
            r#"`a``"` 'b\'c' "d" ?"#,
            Quoting::Backslashes,
            &[name("a`\""), text("b'c"), text("d"), Token::Place],
        );
        check(
            r#""a" `b` [c] 'd\' ?1"#,
            Quoting::Doubled,
            &[name("a"), name("b"), name("c"), text("d\\"), Token::Place],
        );
    }

    #[test]
    fn comments_and_open_quotes_are_told_from_the_rest() {
        let comment = |text: &str| Token::Comment(text.to_owned());
        check("a -- b\nc", Quoting::Dollars, &[word("a"), comment("-- b"), word("c")]);
        check("a /* b */ c", Quoting::Doubled, &[word("a"), comment("/* b */"), word("c")]);
        check("a # b", Quoting::Backslashes, &[word("a"), comment("# b")]);
        check("a 'b", Quoting::Doubled, &[word("a"), comment("open 'b")]);
    }

    #[test]
    fn numbers_and_signs_are_pieces_of_their_own() {
        let number = |digits: &str| Token::Number(digits.to_owned());
        check(
            "a>=1.5;",
            Quoting::Doubled,
            &[word("a"), Token::Sign('>'), Token::Sign('='), number("1.5"), Token::Sign(';')],
        );
    }
}
