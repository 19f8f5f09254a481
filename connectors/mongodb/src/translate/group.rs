//! Groups, as one stage that makes them and one that finishes their aggregates.
//! <https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/>

use connector_api::author::{Aggregate, AggregateFunction, Group, Path};
use mongodb::bson::{Bson, Document, doc};

use super::dotted;

/// The stages that make the groups, at most `most` of them. Each comes as `{_id: {b0: …}, a0: …}`, by and aggregates by their places.
/// `None`: the server would give other numbers than the contract has.
pub(crate) fn groups(group: &Group, most: i64) -> Option<Vec<Document>> {
    let mut made = doc! {"_id": Bson::Null};
    if !group.by.is_empty() {
        let by: Option<Document> = group
            .by
            .iter()
            .enumerate()
            .map(|(place, path)| Some((format!("b{place}"), Bson::from(value(path)?))))
            .collect();
        made.insert("_id", by?);
    }
    let mut finished = Document::new();
    for (place, aggregate) in group.aggregates.iter().enumerate() {
        let name = format!("a{place}");
        finished.insert(&name, accumulate(aggregate, &name, &mut made)?);
    }
    let mut stages = vec![doc! {"$group": made}, doc! {"$limit": most}];
    if !finished.is_empty() {
        stages.push(doc! {"$project": finished});
    }
    Some(stages)
}

/// Adds what has to be gathered, and gives the expression that finishes it.
fn accumulate(aggregate: &Aggregate, name: &str, made: &mut Document) -> Option<Bson> {
    use AggregateFunction::{Avg, Count, Max, Min, Sum};
    let plain = |made: &mut Document, gathered: Document| {
        made.insert(name, gathered);
        Some(Bson::String(format!("${name}")))
    };
    let Some(of) = &aggregate.of else { return plain(made, doc! {"$sum": 1}) };
    let value = value(of)?;
    match (aggregate.function, aggregate.distinct) {
        (Count, false) => {
            let counted = doc! {"$cond": [{"$eq": [value, Bson::Null]}, 0, 1]};
            plain(made, doc! {"$sum": counted})
        }
        (Count, true) => {
            made.insert(name, doc! {"$addToSet": value});
            let known =
                doc! {"$filter": {"input": format!("${name}"), "cond": {"$ne": ["$$this", Bson::Null]}}};
            Some(doc! {"$size": known}.into())
        }
        (Min, _) => plain(made, doc! {"$min": value}),
        (Max, _) => plain(made, doc! {"$max": value}),
        (Avg, false) => plain(made, doc! {"$avg": value}),
        (Sum, false) => Some(sum(value, name, made)),
        // The server makes one of equal numbers of two types, but which one is its own matter.
        (Sum | Avg, true) => None,
    }
}

/// The server gives 0 for no numbers, and a double for integers that do not fit: the first is null, the second an error.
fn sum(value: Document, name: &str, made: &mut Document) -> Bson {
    let (numbers, doubles) = (format!("{name}n"), format!("{name}d"));
    let is = |condition: Document| doc! {"$sum": {"$cond": [condition, 1, 0]}};
    made.insert(&numbers, is(doc! {"$isNumber": value.clone()}));
    made.insert(&doubles, is(doc! {"$eq": [{"$type": value.clone()}, "double"]}));
    made.insert(name, doc! {"$sum": value});
    let sum = format!("${name}");
    let is_double = doc! {"$eq": [{"$type": &sum}, "double"]};
    let has_doubles = doc! {"$gt": [format!("${doubles}"), 0]};
    let whole = doc! {"$cond": [is_double, {"$toLong": &sum}, &sum]};
    let checked = doc! {"$cond": [has_doubles, {"$toDouble": &sum}, whole]};
    doc! {"$cond": [{"$eq": [format!("${numbers}"), 0]}, Bson::Null, checked]}.into()
}

/// A column's value; null where it is missing, and where a list is on the way to it.
fn value(path: &Path) -> Option<Document> {
    let name = format!("${}", dotted(path)?);
    let here = doc! {"$ifNull": [&name, Bson::Null]};
    let Some((outer, _)) = name.rsplit_once('.') else { return Some(here) };
    Some(doc! {"$cond": [{"$isArray": outer}, Bson::Null, here]})
}
