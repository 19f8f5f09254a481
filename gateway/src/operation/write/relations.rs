//! Related records inside a record: not written yet, so refused by name. Any other member that is no column means nothing.

use crate::error::ApiError;
use crate::operation::records::Target;
use crate::operation::schema;

/// The names of the table's relationships, looked up when the first record has a member that could be one.
#[derive(Debug, Default)]
pub(super) struct Relations {
    names: Option<Vec<String>>,
}

impl Relations {
    /// Refuses members named like a relationship.
    pub(super) async fn refuse(&mut self, target: &Target<'_>, strangers: &[String]) -> Result<(), ApiError> {
        if strangers.is_empty() {
            return Ok(());
        }
        let names = match self.names.take() {
            Some(names) => names,
            None => {
                let relationships = schema::relationships(&target.owner, &target.table).await?;
                relationships.iter().map(|known| known.public_name().to_owned()).collect()
            }
        };
        let names = self.names.insert(names);
        let is_related = |stranger: &&String| names.iter().any(|name| name.eq_ignore_ascii_case(stranger));
        match strangers.iter().find(is_related) {
            Some(name) => Err(ApiError::unsupported(format!("Writing related records ('{name}')"))),
            None => Ok(()),
        }
    }
}
