//! Records that go in one call or not at all: where a store has no transaction that could hold several calls.

use connector_api::model::batch::CellWriter as _;

use super::Write;
use super::call::Gathered;
use super::record::Planned;
use crate::plan::{Error, Scope};

/// The records so far.
#[derive(Debug, Default)]
pub struct Whole {
    records: Vec<Planned>,
    bytes: usize,
}

impl Whole {
    /// Adds a record. `max_bytes`: how much of all records may be held.
    ///
    /// # Errors
    /// More than one call takes, which ends the request before anything is written.
    pub fn add(
        &mut self,
        record: Planned,
        write: &Write,
        max_bytes: usize,
        scope: &Scope<'_>,
    ) -> Result<(), Error> {
        let by_key = (write.is_by_key() && !write.is_key_unique).then_some(1);
        let most = scope.capabilities.max_records.into_iter().chain(by_key).min();
        let count = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        if let Some(most) = most.filter(|most| count >= *most) {
            return Err(too_much(&format!("at most {most} records")));
        }
        self.bytes += size(&record);
        if self.bytes > max_bytes {
            return Err(too_much(&format!("records of at most {max_bytes} bytes together")));
        }
        if self.records.first().is_some_and(|first| first.form != record.form) {
            return Err(too_much("records with the same expressions only"));
        }
        self.records.push(record);
        Ok(())
    }

    /// The records as those of one call, which has the columns of all of them.
    #[must_use]
    pub fn into_gathered(self) -> Gathered {
        let places = self.records.iter().flat_map(|record| &record.cells).map(|(place, _)| *place);
        let form = self.records.first().map(|first| first.form.clone()).unwrap_or_default();
        let mut gathered = Gathered::of(places.collect(), form);
        self.records.into_iter().for_each(|record| gathered.add(record));
        gathered
    }
}

fn size(record: &Planned) -> usize {
    let mut bytes = Vec::new();
    let cells = record.key.iter().chain(record.cells.iter().map(|(_, value)| value));
    cells.for_each(|value| bytes.value(value));
    bytes.len()
}

fn too_much(bound: &str) -> Error {
    let message = format!(
        "'rollback' takes {bound} on this service, because it undoes one call and no more; send less at a time, or leave 'rollback' out"
    );
    Error::invalid("rollback", message)
}
