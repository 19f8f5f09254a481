//! A new row as it is sent, in a type of its own.

use serde::Deserialize;

/// A new row.
#[derive(Deserialize)]
pub(super) struct Landing {
    pub(super) carrier: String,
    pub(super) flight: i32,
    pub(super) origin: String,
    pub(super) dest: String,
    pub(super) delay: Option<f64>,
    pub(super) note: String,
}

#[derive(Deserialize)]
struct List {
    resource: Vec<Landing>,
}

/// The rows of `{"resource": […]}`.
pub(super) fn list(body: &[u8]) -> serde_json::Result<Vec<Landing>> {
    serde_json::from_slice::<List>(body).map(|list| list.resource)
}

/// The one row of such a list.
pub(super) fn single(body: &[u8]) -> Result<Landing, crate::Failure> {
    let rows: [Landing; 1] = list(body)?.try_into().map_err(|_| "expected one row")?;
    let [row] = rows;
    Ok(row)
}
