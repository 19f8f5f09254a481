//! Rows as CSV, by the rules of PHP's `fputcsv`: commas, quotes where needed, `\n` at the end of each line. UTF-8 without a mark.

use std::sync::Arc;

use connector_api::model::batch::{Cell, Malformed};

use super::cell::write_text;
use super::rows::{RowFormat, Shown};
use crate::plan::ShownColumns;

/// Writes rows; the header comes with the first one, so no rows are no bytes.
#[derive(Debug)]
pub(super) struct CsvEncoder {
    shown: Shown,
    /// The one column of identifiers.
    list: Option<String>,
    line: Line,
    text: Vec<u8>,
    has_header: bool,
}

impl CsvEncoder {
    /// `list` is the header of a list of identifiers.
    pub(super) fn new(shown: &Arc<ShownColumns>, format: RowFormat, list: &str, is_safe: bool) -> Self {
        Self {
            shown: Shown::new(shown),
            list: (format == RowFormat::Identifiers).then(|| list.to_owned()),
            line: Line::new(is_safe),
            text: Vec::new(),
            has_header: false,
        }
    }

    pub(super) fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        self.shown.columns(names)
    }

    pub(super) fn write(&mut self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        if !std::mem::replace(&mut self.has_header, true) {
            match &self.list {
                Some(name) => self.line.text(out, name.as_bytes()),
                None => self.shown.names().for_each(|name| self.line.text(out, name.as_bytes())),
            }
            self.line.end(out);
        }
        let tuple = if self.list.is_some() { self.shown.tuple(row)? } else { None };
        match tuple {
            Some(tuple) => self.line.text(out, tuple.as_bytes()),
            None => {
                for cell in self.shown.cells(row) {
                    let cell = cell?;
                    self.text.clear();
                    write_text(&mut self.text, cell)?;
                    if is_text(cell) {
                        self.line.text(out, &self.text);
                    } else {
                        self.line.value(out, &self.text);
                    }
                }
            }
        }
        self.line.end(out);
        Ok(())
    }
}

/// Whether the content of a cell is somebody's text, which may be made to look like a formula. A negative number is none.
fn is_text(cell: Cell<'_>) -> bool {
    matches!(cell, Cell::Text(_) | Cell::Json(_) | Cell::Extension(..) | Cell::List(_) | Cell::Object(_))
}

/// Readers take a byte order mark off the beginning of a file, unless a quote stands before it.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes the cells of one line after the other.
#[derive(Debug)]
pub(super) struct Line {
    is_safe: bool,
    /// Where this line began, and how many cells it has.
    cells: usize,
    is_blank: bool,
}

impl Line {
    pub(super) fn new(is_safe: bool) -> Self {
        Self { is_safe, cells: 0, is_blank: true }
    }

    /// A cell with somebody's text.
    pub(super) fn text(&mut self, out: &mut Vec<u8>, text: &[u8]) {
        let looks_like_formula = matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
        if self.is_safe && looks_like_formula {
            self.value(out, &[b"'", text].concat());
        } else {
            self.value(out, text);
        }
    }

    /// A cell with a value that can't be a formula.
    pub(super) fn value(&mut self, out: &mut Vec<u8>, text: &[u8]) {
        if self.cells > 0 {
            out.push(b',');
        }
        self.cells += 1;
        self.is_blank = text.is_empty() && self.cells == 1;
        let needs_quotes = |byte: &u8| matches!(byte, b',' | b'"' | b'\\' | b' ' | b'\n' | b'\r' | b'\t');
        if !text.starts_with(MARK) && !text.iter().any(needs_quotes) {
            out.extend_from_slice(text);
            return;
        }
        out.push(b'"');
        for part in text.split_inclusive(|byte| *byte == b'"') {
            out.extend_from_slice(part);
            if part.ends_with(b"\"") {
                out.push(b'"');
            }
        }
        out.push(b'"');
    }

    /// Ends the line. One with a single empty cell would be read as no record at all.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if self.is_blank {
            out.extend_from_slice(b"\"\"");
        }
        out.push(b'\n');
        (self.cells, self.is_blank) = (0, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(is_safe: bool, cells: &[&str]) -> String {
        let (mut out, mut line) = (Vec::new(), Line::new(is_safe));
        cells.iter().for_each(|cell| line.text(&mut out, cell.as_bytes()));
        line.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cells_are_quoted_where_needed() {
        let check = |cells: &[&str], expected: &str| assert_eq!(line(false, cells), expected);
        check(&["a", "", "ü"], "a,,ü\n");
        check(
            &["a b", "a,b", "\"a\" \"", "a\nb", "a\\b"],
            "\"a b\",\"a,b\",\"\"\"a\"\" \"\"\",\"a\nb\",\"a\\b\"\n",
        );
        check(&["=1", "-1"], "=1,-1\n");
        check(&[""], "\"\"\n");
        check(&["", ""], ",\n");
        // At the beginning of a file it would be taken for a byte order mark.
        check(&["\u{feff}a", "b\u{feff}"], "\"\u{feff}a\",b\u{feff}\n");
    }

    #[test]
    fn safe_cells_are_no_formulas() {
        let cells = ["=1+1", "+1", "-1", "@a", "\ta", "\r", "a=1", ""];
        assert_eq!(line(true, &cells), "'=1+1,'+1,'-1,'@a,\"'\ta\",\"'\r\",a=1,\n");
    }
}
