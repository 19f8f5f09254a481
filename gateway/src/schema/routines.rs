//! What is known of a service's procedures and functions: all of them, read when first asked for, kept, read again in the background when
//! it is old and at once when a name is not found in it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use connector_api::Error;
use connector_api::model::{Routine, RoutineKind};

use super::catalogue::{FRESH, Reading, Source};
use super::names::{lookup_key, public_name};

/// The routines of one service.
#[derive(Debug, Default)]
pub struct Routines {
    known: RwLock<Option<Arc<List>>>,
    /// What was read before this is not as the store has it.
    outdated: RwLock<Option<Instant>>,
    /// One reader at a time goes to the store; the others wait for what it brings.
    reading: tokio::sync::Mutex<()>,
}

/// All routines, as they were read at one time.
#[derive(Debug)]
pub struct List {
    all: Vec<Arc<Routine>>,
    by_key: HashMap<(RoutineKind, String), Vec<Arc<Routine>>>,
    read: Reading,
    is_refreshing: AtomicBool,
}

impl Routines {
    /// The store says that something of this is gone: nothing is believed that was read until now.
    pub fn outdate(&self) {
        *self.outdated.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// All of them.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(self: &Arc<Self>, source: &Source) -> Result<Arc<List>, Error> {
        let outdated = *self.outdated.read().unwrap_or_else(PoisonError::into_inner);
        let needed = source.not_before.max(outdated);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(list) = known.filter(|list| Some(list.read.at) >= needed) else {
            return self.read(source, needed, false).await;
        };
        if list.read.at.elapsed() > FRESH && !list.is_refreshing.swap(true, Ordering::Relaxed) {
            let (routines, source, old) = (Arc::clone(self), source.clone(), Arc::clone(&list));
            tokio::spawn(async move {
                if let Err(error) = routines.read(&source, Instant::now().checked_sub(FRESH), false).await {
                    tracing::warn!(service = source.service.name(), %error, "the list of routines can't be refreshed");
                    old.is_refreshing.store(false, Ordering::Relaxed);
                }
            });
        }
        Ok(list)
    }

    /// All overloads of the routine with this public name, whatever its case where that is unambiguous; empty: there is none. A name that
    /// is not known is looked for in the store once.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(
        self: &Arc<Self>,
        (kind, name): (RoutineKind, &str),
        source: &Source,
    ) -> Result<Vec<Arc<Routine>>, Error> {
        let list = self.list(source).await?;
        let found = list.find(kind, name);
        match list.read.next() {
            Some(needed) if found.is_empty() => {
                Ok(self.read(source, Some(needed), true).await?.find(kind, name))
            }
            _ => Ok(found),
        }
    }

    /// Reads all of them, unless somebody else has done so since.
    async fn read(
        &self,
        source: &Source,
        needed: Option<Instant>,
        is_for_missing: bool,
    ) -> Result<Arc<List>, Error> {
        let _one_at_a_time = self.reading.lock().await;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| Some(known.read.at) >= needed) {
            return Ok(known);
        }
        let read = Reading::now(is_for_missing);
        let list = Arc::new(List::new(source.service.list_routines(source.context()).await?, read));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&list));
        Ok(list)
    }
}

impl List {
    fn new(routines: Vec<Routine>, read: Reading) -> Self {
        let all: Vec<_> = routines.into_iter().map(Arc::new).collect();
        let mut by_key: HashMap<_, Vec<Arc<Routine>>> = HashMap::with_capacity(all.len());
        for routine in &all {
            let key = (routine.kind, lookup_key(&public_name(&routine.routine)));
            by_key.entry(key).or_default().push(Arc::clone(routine));
        }
        Self { all, by_key, read, is_refreshing: AtomicBool::new(false) }
    }

    /// All procedures, or all functions; overloads one by one.
    pub fn of(&self, kind: RoutineKind) -> impl Iterator<Item = &Arc<Routine>> {
        self.all.iter().filter(move |routine| routine.kind == kind)
    }

    /// The overloads with exactly this name; else those with the only one that is equal without regard to case.
    fn find(&self, kind: RoutineKind, name: &str) -> Vec<Arc<Routine>> {
        let Some(candidates) = self.by_key.get(&(kind, lookup_key(name))) else { return Vec::new() };
        let exact: Vec<_> =
            candidates.iter().filter(|candidate| public_name(&candidate.routine) == name).cloned().collect();
        let is_one_name = candidates
            .iter()
            .all(|candidate| candidates.first().is_some_and(|first| first.routine == candidate.routine));
        if exact.is_empty() && is_one_name { candidates.clone() } else { exact }
    }
}

#[cfg(test)]
mod tests {
    use connector_api::model::TableRef;

    use super::*;

    fn routine(name: &str, kind: RoutineKind, id: &str) -> Routine {
        Routine { routine: TableRef::new(name), kind, id: Some(id.to_owned()), ..Routine::default() }
    }

    #[test]
    fn overloads_are_found_by_their_name_and_kind_whatever_its_case() {
        let (procedure, function) = (RoutineKind::Procedure, RoutineKind::Function);
        let all = vec![
            routine("Pay", procedure, "1"),
            routine("Pay", procedure, "2"),
            routine("pay", function, "3"),
            routine("odd", function, "4"),
            routine("ODD", function, "5"),
        ];
        let list = List::new(all, Reading::now(false));
        let check = |kind, name: &str, expected: &[&str]| {
            let found: Vec<_> =
                list.find(kind, name).iter().filter_map(|routine| routine.id.clone()).collect();
            assert_eq!(found, expected, "{name}");
        };
        check(procedure, "Pay", &["1", "2"]);
        check(procedure, "pay", &["1", "2"]);
        check(function, "PAY", &["3"]);
        check(function, "odd", &["4"]);
        check(function, "Odd", &[]);
        check(procedure, "odd", &[]);
        assert_eq!(list.of(function).count(), 3);
    }
}
