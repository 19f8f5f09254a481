//! Rows with what stands around them, in every form.

use std::sync::Arc;

use connector_api::model::batch::{Cell, Malformed};
use serde_json::{Map, Value as Json};

use super::Layout;
use super::cell::string;
use super::csv::CsvEncoder;
use super::rows::{RowEncoder, RowFormat};
use super::xml::{self, XmlEncoder};
use crate::plan::ShownColumns;
use crate::request::media::Media;

/// A list of rows on its way: [`begin`](Self::begin), rows, [`end`](Self::end).
#[derive(Debug)]
pub struct Document {
    layout: Layout,
    encoder: Encoder,
    rows: u64,
}

#[derive(Debug)]
enum Encoder {
    Json(RowEncoder),
    Lines(RowEncoder),
    Csv(CsvEncoder),
    Xml(XmlEncoder),
}

impl Document {
    /// A document that shows these columns.
    #[must_use]
    pub fn new(shown: &Arc<ShownColumns>, format: RowFormat, layout: Layout) -> Self {
        let list = &*layout.wrapper;
        let encoder = match layout.media {
            Media::Json => Encoder::Json(RowEncoder::new(shown, format).with_numbers(layout.numbers())),
            Media::Ndjson => Encoder::Lines(RowEncoder::new(shown, format).with_numbers(layout.numbers())),
            Media::Csv => Encoder::Csv(CsvEncoder::new(shown, format, list, layout.csv_safe)),
            Media::Xml => Encoder::Xml(XmlEncoder::new(shown, format, list)),
        };
        Self { layout, encoder, rows: 0 }
    }

    /// Shows all other columns of each row as well, if that is wanted. Forms with a fixed set of columns show those alone.
    #[must_use]
    pub fn with_others(mut self, is_wanted: bool) -> Self {
        self.encoder = match self.encoder {
            Encoder::Json(rows) => Encoder::Json(rows.with_others(is_wanted)),
            Encoder::Lines(rows) => Encoder::Lines(rows.with_others(is_wanted)),
            fixed => fixed,
        };
        self
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether anything can stand beside the rows.
    #[must_use]
    pub fn has_meta(&self) -> bool {
        self.layout.has_meta()
    }

    /// Whether the rows are a list with nothing around it.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.layout.media == Media::Json && !self.layout.is_wrapped
    }

    /// Appends what stands before the rows. `has_meta`: something may stand beside them, so that a bare list will not do.
    pub fn begin(&mut self, out: &mut Vec<u8>, has_meta: bool) {
        self.layout.is_wrapped |= has_meta;
        match self.encoder {
            Encoder::Json(_) if self.layout.is_wrapped => {
                out.push(b'{');
                string(out, &self.layout.wrapper);
                out.extend_from_slice(b":[");
            }
            Encoder::Json(_) => out.push(b'['),
            Encoder::Lines(_) | Encoder::Csv(_) => {}
            Encoder::Xml(_) => out.extend_from_slice(xml::HEAD),
        }
    }

    /// Takes the columns of the rows to come.
    ///
    /// # Errors
    /// When a shown column is not among them.
    pub fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        match &mut self.encoder {
            Encoder::Json(encoder) | Encoder::Lines(encoder) => encoder.columns(names),
            Encoder::Csv(encoder) => encoder.columns(names),
            Encoder::Xml(encoder) => encoder.columns(names),
        }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When nested cells are malformed.
    pub fn row(&mut self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        self.rows += 1;
        match &mut self.encoder {
            Encoder::Json(encoder) => encoder.write(out, row),
            Encoder::Lines(encoder) => {
                encoder.write_alone(out, row)?;
                out.push(b'\n');
                Ok(())
            }
            Encoder::Csv(encoder) => encoder.write(out, row),
            Encoder::Xml(encoder) => encoder.write(out, row),
        }
    }

    /// Counts a row that is written elsewhere.
    pub fn skip_row(&mut self) {
        self.rows += 1;
    }

    /// Whether [`row_of_cells`](Self::row_of_cells) may write the rows of these columns.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        match &self.encoder {
            Encoder::Json(encoder) | Encoder::Lines(encoder) => encoder.is_direct(),
            Encoder::Csv(_) | Encoder::Xml(_) => false,
        }
    }

    /// [`row`](Self::row) for a row that is not held anywhere: takes its cells, one for each column, as they are written.
    ///
    /// # Errors
    /// Of `next`, or when nested cells are malformed.
    pub fn row_of_cells<'c>(
        &mut self,
        out: &mut Vec<u8>,
        next: impl FnMut() -> Result<Cell<'c>, Malformed>,
    ) -> Result<(), Malformed> {
        self.rows += 1;
        match &mut self.encoder {
            Encoder::Json(encoder) => {
                encoder.separate(out);
                encoder.write_cells(out, next)
            }
            Encoder::Lines(encoder) => {
                encoder.write_cells(out, next)?;
                out.push(b'\n');
                Ok(())
            }
            Encoder::Csv(_) | Encoder::Xml(_) => Err(Malformed("a row of this form has to be held")),
        }
    }

    /// Appends what stands behind the rows. Forms that have no place for it leave `meta` out.
    pub fn end(&self, out: &mut Vec<u8>, meta: Map<String, Json>) {
        match self.encoder {
            Encoder::Json(_) if !self.layout.is_wrapped => out.push(b']'),
            Encoder::Json(_) => {
                out.push(b']');
                if !meta.is_empty() {
                    out.extend_from_slice(b",\"meta\":");
                    out.extend_from_slice(Json::Object(meta).to_string().as_bytes());
                }
                out.push(b'}');
            }
            Encoder::Lines(_) | Encoder::Csv(_) => {}
            Encoder::Xml(_) => {
                if !meta.is_empty() {
                    xml::value_element(out, 1, "meta", &Json::Object(meta));
                }
                out.extend_from_slice(xml::FOOT);
            }
        }
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
