//! Orders. The server puts null and missing below everything; where that is not what is wanted, a member that is made for the purpose comes
//! first. <https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/>

use connector_api::author::{Direction, Nulls, Order, Path, Result};
use mongodb::bson::{Bson, Document, doc};

use super::dotted;
use crate::error;

/// The members that say where nulls stand; no column is called so.
const NULLS: &str = "__tablegate_nulls_";

/// The order as stages of a pipeline.
///
/// # Errors
/// A column that the server's language can't name.
pub(crate) fn sort_stages(order: &[Order]) -> Result<Vec<Document>> {
    let (mut helpers, mut sort) = (Document::new(), Document::new());
    for (place, item) in order.iter().enumerate() {
        let name = name_of(&item.by)?;
        if needs_help(item) {
            let helper = format!("{NULLS}{place}");
            let is_null = doc! {"$eq": [{"$ifNull": [format!("${name}"), Bson::Null]}, Bson::Null]};
            let way = if item.nulls == Some(Nulls::First) { Direction::Desc } else { Direction::Asc };
            helpers.insert(&helper, doc! {"$cond": [is_null, 1, 0]});
            add(&mut sort, helper, way);
        }
        add(&mut sort, name, item.direction);
    }
    let names: Vec<String> = helpers.keys().cloned().collect();
    let mut stages = vec![doc! {"$sort": sort}];
    if !names.is_empty() {
        stages.insert(0, doc! {"$set": helpers});
        stages.push(doc! {"$unset": names});
    }
    Ok(stages)
}

/// A column that comes twice has the place where it came first.
fn add(sort: &mut Document, name: String, direction: Direction) {
    if !sort.contains_key(&name) {
        sort.insert(name, if direction == Direction::Asc { 1 } else { -1 });
    }
}

fn needs_help(item: &Order) -> bool {
    matches!(
        (item.direction, item.nulls),
        (Direction::Asc, Some(Nulls::Last)) | (Direction::Desc, Some(Nulls::First))
    )
}

fn name_of(path: &Path) -> Result<String> {
    dotted(path).ok_or_else(|| error::unnameable(&path.segments().join(".")))
}
