//! How an answer shall look.

use std::sync::Arc;

use crate::request::body::WRAPPER;
use crate::request::media::{Media, Numbers};

/// The form of an answer and its variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The form.
    pub media: Media,
    /// The name under which lists stand. Operations write [`WRAPPER`]; another name is put in its place.
    pub wrapper: Arc<str>,
    /// Whether a list in JSON stands under its name. Without it is bare, unless something stands beside it.
    pub is_wrapped: bool,
    /// Whether CSV cells that a spreadsheet would take for formulas are made harmless.
    pub csv_safe: bool,
    /// How JSON has large numbers; `None`: as the service has it.
    pub numbers: Option<Numbers>,
    /// Somebody inside looks at the answer before it is sent: rows are JSON under [`WRAPPER`] like all else that operations write.
    pub is_held: bool,
}

impl Default for Layout {
    fn default() -> Self {
        let (media, wrapper) = (Media::Json, WRAPPER.into());
        Self { media, wrapper, is_wrapped: true, csv_safe: false, numbers: None, is_held: false }
    }
}

impl Layout {
    /// Whether the JSON of operations is right as it is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.media == Media::Json && self.is_wrapped && *self.wrapper == *WRAPPER
    }

    /// How rows are written at once.
    #[must_use]
    pub fn of_rows(&self) -> Self {
        if self.is_held { Self { numbers: self.numbers, ..Self::default() } } else { self.clone() }
    }

    /// How JSON has large numbers. Other forms have texts only.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        let is_json = matches!(self.media, Media::Json | Media::Ndjson);
        self.numbers.filter(|_| is_json).unwrap_or_default()
    }

    /// Whether anything can stand beside the rows.
    #[must_use]
    pub fn has_meta(&self) -> bool {
        matches!(self.media, Media::Json | Media::Xml)
    }
}
