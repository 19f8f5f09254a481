//! Requests in the server's language. Everything here is a pure function: what comes out is run by the rooms that read and write.
//!
//! Values are always values: they stand where the server looks for values and nowhere else, whatever they look like.

mod filter;
mod group;
mod order;
mod pattern;
mod value;

pub(crate) use filter::{Filters, all};
pub(crate) use group::groups;
pub(crate) use order::sort_stages;

use connector_api::author::Path;

/// Whether the server's language can name the segment: it can't say a dot in a name, and takes `$` for a word of its own.
pub(crate) fn is_nameable(segment: &str) -> bool {
    !segment.is_empty() && !segment.starts_with('$') && !segment.contains(['.', '\0'])
}

/// The way to a column with dots; `None`: a name in it can't be said.
pub(crate) fn dotted(path: &Path) -> Option<String> {
    path.segments().iter().all(|segment| is_nameable(segment)).then(|| path.segments().join("."))
}

#[cfg(test)]
mod tests;
