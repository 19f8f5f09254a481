//! Calls that change the schema. What a change means is the shape's matter.

use connector_api::Result;
use connector_api::model::{ChangeSchema, Operation, Outcome};

use super::rows::Bounds;
use super::service::{CallContext, Service, to_json};

impl Service {
    /// Changes tables; gives the outcomes of the changes that did not do well, by their position.
    ///
    /// # Errors
    /// The connector's; nothing was changed then, unless the kind says that nobody knows.
    pub async fn change_schema(
        &self,
        shape: &ChangeSchema,
        context: CallContext<'_>,
    ) -> Result<Vec<Outcome>> {
        let bounds = Bounds { rows: 0, outcomes: shape.changes.len() };
        let answer = self.call(Operation::ChangeSchema, (&to_json(shape)?, &[]), context, bounds).await?;
        let (_, outcomes) = answer.finish().await?;
        Ok(outcomes)
    }
}
