//! Several tables in one request: an error of one does not stop the others.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::work::Work;
use crate::error::{ApiError, Entry, Parts};
use crate::pipeline::Answer;
use crate::request::schema::{self, TableWish};
use crate::roles::Verb;
use crate::schema::names::lookup_key;

/// What became of each table, at its place: its name, or why not.
type Ends = Vec<Option<Result<String, ApiError>>>;

/// The tables that the request still has before it, by their lookup keys.
pub(super) type Later = HashSet<String>;

/// Creates or changes the tables in the body. Those that others refer to come first; where they refer to each other, references are added
/// when all are there.
pub(super) async fn change(work: &Work<'_>, body: Option<Json>) -> Result<Answer, ApiError> {
    let mut wishes = Vec::new();
    let mut ends: Ends = Vec::new();
    for (place, wish) in schema::tables(body)?.into_iter().enumerate() {
        let permitted = wish.map_err(ApiError::from).and_then(|wish| work.permit(&wish.name).map(|()| wish));
        match permitted {
            Ok(wish) => {
                wishes.push((place, wish));
                ends.push(None);
            }
            Err(error) => ends.push(Some(Err(error))),
        }
    }
    let ordered = ordered(wishes);
    let mut later: Later = ordered.iter().map(|(_, wish)| lookup_key(&wish.name)).collect();
    let mut open = Vec::new();
    for (place, wish) in &ordered {
        later.remove(&lookup_key(&wish.name));
        let end = one(work, wish, &later).await;
        if end.is_ok() && refers_to_any(wish, &later) {
            open.push((*place, wish));
        }
        set(&mut ends, *place, end);
    }
    for (place, wish) in open {
        let end = one_more(work, wish).await;
        set(&mut ends, place, end);
    }
    answer(work, ends).await
}

/// A table that is there is changed, unless it shall be new; one that is missing is created, where the verb creates.
async fn one(work: &Work<'_>, wish: &TableWish, later: &Later) -> Result<String, ApiError> {
    match work.find(&wish.name).await? {
        Some(_) if work.verb() == Verb::Post && work.options.is_new => {
            Err(ApiError::table_exists(&wish.name))
        }
        Some(table) => work.change_known(wish, &table, work.removal(), later).await,
        None if work.verb() == Verb::Post => work.create(wish, later).await,
        None => Err(ApiError::unknown_table(&wish.name)),
    }
}

/// The references that waited for a table.
async fn one_more(work: &Work<'_>, wish: &TableWish) -> Result<String, ApiError> {
    work.change(&TableWish { constraints: None, ..wish.clone() }, work.removal()).await
}

/// Drops tables. One that another one refers to has to wait until that is gone.
pub(super) async fn drop(work: &Work<'_>, body: Option<Json>) -> Result<Answer, ApiError> {
    let names = work.named(body)?;
    schema::bound_tables(names.len())?;
    let mut ends: Ends = names.iter().map(|_| None).collect();
    let mut waiting: Vec<(usize, &String)> = names.iter().enumerate().collect();
    loop {
        let mut left = Vec::new();
        for (place, name) in &waiting {
            let end = drop_one(work, name).await;
            if end.as_ref().is_err_and(ApiError::is_conflict) {
                left.push((*place, *name));
            }
            set(&mut ends, *place, end);
        }
        if left.is_empty() || left.len() == waiting.len() {
            return answer(work, ends).await;
        }
        waiting = left;
    }
}

async fn drop_one(work: &Work<'_>, name: &str) -> Result<String, ApiError> {
    work.permit(name)?;
    work.drop_table(name).await
}

/// Each table after those that it refers to, as far as that is possible.
fn ordered(wishes: Vec<(usize, TableWish)>) -> Vec<(usize, TableWish)> {
    let names = wishes.iter().enumerate().map(|(at, (_, wish))| (lookup_key(&wish.name), at)).collect();
    let mut left: Vec<_> = wishes.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(left.len());
    for at in 0..left.len() {
        take(at, &names, &mut left, &mut ordered);
    }
    ordered
}

/// Takes a table after those of the ones left that it refers to. It calls itself at most once for each table of a request.
fn take(
    at: usize,
    names: &HashMap<String, usize>,
    left: &mut [Option<(usize, TableWish)>],
    ordered: &mut Vec<(usize, TableWish)>,
) {
    let Some((place, wish)) = left.get_mut(at).and_then(Option::take) else { return };
    for target in wish.targets() {
        if let Some(first) = names.get(&lookup_key(target)) {
            take(*first, names, left, ordered);
        }
    }
    ordered.push((place, wish));
}

fn refers_to_any(wish: &TableWish, later: &Later) -> bool {
    let is_later = |target: &str| later.contains(&lookup_key(target));
    wish.targets().any(is_later)
        || wish.related.iter().flatten().any(|related| related.way.tables().any(is_later))
}

fn set(ends: &mut Ends, place: usize, end: Result<String, ApiError>) {
    if let Some(known) = ends.get_mut(place) {
        *known = Some(end);
    }
}

/// The error of one table alone is the answer; of several it stands at its place.
async fn answer(work: &Work<'_>, mut ends: Ends) -> Result<Answer, ApiError> {
    if ends.len() == 1
        && let Some(Some(Err(error))) = ends.pop_if(|end| matches!(end, Some(Err(_))))
    {
        return Err(error);
    }
    let (mut entries, mut failed) = (Vec::with_capacity(ends.len()), Vec::new());
    for (place, end) in ends.into_iter().enumerate() {
        match end.unwrap_or_else(|| Err(ApiError::internal())) {
            Ok(name) => entries.push(Entry::Done(shown(work, name).await?)),
            Err(error) => {
                failed.push(place);
                entries.push(Entry::Operation(Box::new(error)));
            }
        }
    }
    if failed.is_empty() {
        let done = entries
            .into_iter()
            .filter_map(|entry| if let Entry::Done(json) = entry { Some(json) } else { None });
        return Ok(Answer::json(json!({ "resource": done.collect::<Vec<_>>() }).to_string()));
    }
    let done = match work.verb() {
        Verb::Delete => "dropped",
        Verb::Post => "created",
        _ => "changed",
    };
    let message = format!("Batch Error: Not all requested tables could be {done}.");
    Err(ApiError::batch(
        message,
        Parts { wrapper: work.wrapper().to_owned(), failed, entries, ..Parts::default() },
    ))
}

async fn shown(work: &Work<'_>, name: String) -> Result<Json, ApiError> {
    if work.options.is_shown && work.verb() != Verb::Delete {
        return work.shown(&name).await;
    }
    Ok(json!({ "name": name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tables: &[(&str, &[&str])], expected: &[&str]) {
        let wish = |(name, targets): &(&str, &[&str])| {
            let field = |target: &&str| json!({ "name": target, "type": "reference", "ref_table": target });
            let fields: Vec<Json> = targets.iter().map(field).collect();
            schema::table(name, Some(json!({ "field": fields }))).unwrap()
        };
        let ordered = ordered(tables.iter().map(wish).enumerate().collect());
        let found: Vec<&str> = ordered.iter().map(|(_, wish)| wish.name.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_table_comes_after_those_that_it_refers_to() {
        check(&[("a", &["B"]), ("b", &["c", "x"]), ("c", &["c"])], &["c", "b", "a"]);
        check(&[("a", &[]), ("b", &[])], &["a", "b"]);
    }

    #[test]
    fn tables_that_refer_to_each_other_come_all() {
        check(&[("a", &["b"]), ("b", &["a"]), ("c", &["a"])], &["b", "a", "c"]);
    }
}
