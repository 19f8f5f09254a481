//! One record as a conditional write.
//!
//! Where the store can test existence and row rule by itself, that is the condition, and the row is not read. Where it can't, or where new
//! cells depend on old ones, the row is read, the decision made here, and the condition is that everything it depends on is unchanged; if it
//! is not, all begins again.

use connector_api::author::{Error, Path, Result, UpdateMode, Value};
use connector_common::evaluate::{key, member};

use super::job::{Job, Kind};
use super::unique;
use crate::client::{Body, Failure, ItemAnswer, Write};
use crate::error::{
    Misfit, check_failed, condition_too_large, contention, exists, guard_failed, invalid, key_too_large,
    mismatch, not_null, row_not_found,
};
use crate::schema::KeyColumn;
use crate::translate::{Placeholders, Test};
use crate::types::{Attribute, Item, document};

/// A write that is ready to be sent.
pub(super) struct Prepared {
    pub(super) write: Write,
    /// The row as it becomes, or as it was when it is deleted, as far as that is known.
    pub(super) row: Item,
}

impl Job<'_> {
    /// Writes one record and gives the row.
    ///
    /// # Errors
    /// What is wrong with the record, or what the store says.
    pub(super) async fn write(&self, record: &[Value]) -> Result<Item> {
        let key = self.key(record)?;
        self.insist(record, &key, None).await
    }

    /// Writes a row that was found a moment ago.
    ///
    /// # Errors
    /// As [`Job::write`]; *not found* when it does not match any more.
    pub(super) async fn write_found(&self, cells: &[Value], item: Item) -> Result<Item> {
        self.insist(cells, &self.layout.key_of(&item), Some(item)).await
    }

    /// Whether the row may become what the cells make of it.
    ///
    /// # Errors
    /// What is wrong with the cells, or the rule that does not hold.
    pub(super) fn check(&self, cells: &[Value], item: &Item) -> Result<()> {
        self.becomes(cells, &self.layout.key_of(item), Some(item)).map(drop)
    }

    /// Tries until nobody comes between.
    async fn insist(&self, record: &[Value], key: &Item, mut found: Option<Item>) -> Result<Item> {
        let looks_back = self.looks_back(record);
        let mut attempt = 0;
        loop {
            let old = match (looks_back, found.take()) {
                (false, _) => None,
                (true, None) => self.read(key).await?,
                (true, found) => found,
            };
            let prepared = self.prepare(record, key, old.as_ref())?;
            match self.send(prepared).await {
                Err(Failure::Refused(exception))
                    if exception.is_conflict() || (exception.is_condition() && looks_back) =>
                {
                    if !self.deadline.pause(attempt).await {
                        return Err(contention());
                    }
                }
                Err(Failure::Refused(exception)) if exception.is_condition() => return Err(self.refusal()),
                sent => return Ok(sent?),
            }
            attempt += 1;
        }
    }

    async fn send(&self, prepared: Prepared) -> std::result::Result<Item, Failure> {
        let Prepared { mut write, row } = prepared;
        let returned = match write {
            Write::Update(_) if self.is_returning => Some("ALL_NEW"),
            Write::Delete(_) if self.is_returning => Some("ALL_OLD"),
            _ => None,
        };
        write.body_mut().return_values = returned;
        let answer: ItemAnswer =
            self.store.client.write(write.operation(), write.body(), self.deadline).await?;
        Ok(answer.attributes.unwrap_or(row))
    }

    /// The row as it is.
    pub(super) async fn read(&self, key: &Item) -> Result<Option<Item>> {
        let body = Body {
            table_name: self.layout.table.clone(),
            key: Some(key.clone()),
            consistent_read: Some(true),
            ..Body::default()
        };
        let answer: ItemAnswer = self.store.client.read("GetItem", &body, self.deadline).await?;
        Ok(answer.item)
    }

    /// What a condition that does not hold means.
    pub(super) fn refusal(&self) -> Error {
        match self.kind {
            Kind::Insert => exists(&self.layout.keys.names()),
            Kind::Update(_) | Kind::Delete => row_not_found(),
            Kind::Upsert(_) => guard_failed(),
        }
    }

    /// The key that a record names.
    ///
    /// # Errors
    /// Cells that no key can have: then there is no such row, or there can be none.
    pub(super) fn key(&self, record: &[Value]) -> Result<Item> {
        let cells = if self.named_by.is_empty() { &self.set } else { &self.named_by };
        let part = |column: &KeyColumn| {
            let cell = cells.iter().find(|cell| cell.column == column.name);
            let value = cell.and_then(|cell| record.get(cell.place)).unwrap_or(&Value::Absent);
            match (column.accept(value), self.kind, value) {
                (Some(attribute), Kind::Insert | Kind::Upsert(_), _)
                    if !self.layout.keys.has_room(column, &attribute) =>
                {
                    Err(key_too_large())
                }
                (Some(attribute), ..) => Ok((column.name.clone(), attribute)),
                (None, Kind::Update(_) | Kind::Delete, _) => Err(row_not_found()),
                (None, _, Value::Null | Value::Absent) => Err(not_null(&column.name)),
                (None, ..) => Err(mismatch(&column.name, column.expected())),
            }
        };
        self.layout.keys.columns().map(part).collect()
    }

    /// The conditional write of a record, given the row as it is where that matters.
    ///
    /// # Errors
    /// What is wrong with the record, or the rule that does not hold.
    pub(super) fn prepare(&self, record: &[Value], key: &Item, old: Option<&Item>) -> Result<Prepared> {
        let changes = self.becomes(record, key, old)?;
        let condition = match (self.looks_back(record), old) {
            (true, Some(old)) => self.unchanged(old),
            (true, None) => self.is_there(false),
            (false, _) => self.condition(record)?,
        };
        if !condition.fits() {
            return Err(condition_too_large());
        }
        let mut placeholders = Placeholders::default();
        let mut body = Body { table_name: self.layout.table.clone(), ..Body::default() };
        body.condition_expression = Some(placeholders.expression(&condition)).filter(|text| !text.is_empty());
        let row = changes.row;
        let write = match self.kind {
            Kind::Delete => {
                body.key = Some(key.clone());
                Write::Delete(body)
            }
            Kind::Update(UpdateMode::Merge) | Kind::Upsert(UpdateMode::Merge) => {
                body.key = Some(key.clone());
                body.update_expression = set_expression(changes.set, &mut placeholders);
                Write::Update(body)
            }
            Kind::Insert | Kind::Update(UpdateMode::Replace) | Kind::Upsert(UpdateMode::Replace) => {
                body.item = Some(row.clone());
                Write::Put(body)
            }
        };
        let mut prepared = Prepared { write, row };
        placeholders.fill(prepared.write.body_mut());
        Ok(prepared)
    }

    /// Existence and row rule, as the store tests them.
    fn condition(&self, record: &[Value]) -> Result<Test> {
        let guard = self.guard.test.clone().unwrap_or(Test::All);
        Ok(match self.kind {
            Kind::Insert => self.is_there(false),
            Kind::Upsert(_) => Test::any([self.is_there(false), guard]),
            Kind::Update(_) | Kind::Delete => {
                let mut tests = vec![self.is_there(true)];
                for cell in self.named_by.iter().filter(|cell| !self.layout.keys.has(cell.column)) {
                    let value =
                        record.get(cell.place).and_then(Attribute::from_scalar).ok_or_else(row_not_found)?;
                    tests.push(Test::compare(Path::column(cell.column), " = ", value));
                }
                tests.push(guard);
                Test::all(tests)
            }
        })
    }

    fn is_there(&self, is_there: bool) -> Test {
        Test::exists(Path::column(&self.layout.keys.hash.name), is_there)
    }

    /// Everything that the decision depends on is as it was.
    fn unchanged(&self, old: &Item) -> Test {
        let same = |name: &&str| match old.get(*name) {
            Some(value) => Test::compare(Path::column(*name), " = ", value.clone()),
            None => Test::exists(Path::column(*name), false),
        };
        Test::all(std::iter::once(self.is_there(true)).chain(self.watched.iter().map(same)))
    }

    /// What the record makes of the row. Row rules are tested as far as the row is known.
    fn becomes(&self, record: &[Value], key: &Item, old: Option<&Item>) -> Result<Changes> {
        let before = old.map(|old| document(old.clone()));
        if self.looks_back(record) {
            self.test_old(record, before.as_ref())?;
        }
        if self.kind == Kind::Delete {
            return Ok(Changes { set: Item::new(), row: old.cloned().unwrap_or_default() });
        }
        let set = self.set(record, key, old, before.as_ref())?;
        let mut row = match (self.kind, old) {
            (Kind::Update(UpdateMode::Merge) | Kind::Upsert(UpdateMode::Merge), Some(old)) => old.clone(),
            (Kind::Update(UpdateMode::Replace), _) => self.naming(record)?,
            _ => Item::new(),
        };
        row.extend(key.clone());
        row.extend(set.clone());
        if let Some(check) = &self.check {
            let after = document(row.clone());
            if !check.matches(&|path: &Path| Ok(member(&after, path.segments())))? {
                return Err(check_failed());
            }
        }
        Ok(Changes { set, row })
    }

    fn test_old(&self, record: &[Value], old: Option<&Value>) -> Result<()> {
        let is_new = matches!(self.kind, Kind::Upsert(_) | Kind::Insert);
        let Some(old) = old else { return if is_new { Ok(()) } else { Err(row_not_found()) } };
        if self.kind == Kind::Insert {
            return Err(self.refusal());
        }
        let is_named = |column: &str, value: &Value| {
            let stored = member(old, &[column.to_owned()]).clone();
            !matches!(value, Value::Null | Value::Absent) && key([&stored]) == key([value])
        };
        let is_meant = self
            .named_by
            .iter()
            .all(|cell| record.get(cell.place).is_some_and(|value| is_named(cell.column, value)));
        if is_meant && self.guard.holds(old)? { Ok(()) } else { Err(self.refusal()) }
    }

    /// The attributes that are set: cells that are not absent, then what is computed from the row as it was.
    fn set(&self, record: &[Value], key: &Item, old: Option<&Item>, row: Option<&Value>) -> Result<Item> {
        let mut set = Item::new();
        for cell in &self.set {
            let value = record.get(cell.place).unwrap_or(&Value::Absent);
            let stored = old.filter(|_| self.keeps_types()).and_then(|old| old.get(cell.column));
            self.add(&mut set, (cell.column, value), key, stored)?;
        }
        let computed = self.compute.values(&|path: &Path| {
            let old = row.ok_or_else(|| Error::internal("a new row has no columns yet"))?;
            Ok(member(old, path.segments()))
        })?;
        for (column, value) in self.computed.iter().zip(&computed) {
            self.add(&mut set, (column, value), key, None)?;
        }
        if let Some(name) = &self.store.version_attribute {
            set.insert(name.clone(), Attribute::Text(unique()?));
        }
        Ok(set)
    }

    /// Adds a cell, which takes the types of what is `stored` there.
    fn add(
        &self,
        set: &mut Item,
        (column, value): (&str, &Value),
        key: &Item,
        stored: Option<&Attribute>,
    ) -> Result<()> {
        if *value == Value::Absent {
            return Ok(());
        }
        if let Some(part) = key.get(column) {
            let is_same = self.layout.keys.columns().any(|known| known.accept(value).as_ref() == Some(part));
            let message =
                format!("column '{column}': the key of a row can't be changed; delete it and create another");
            return if is_same { Ok(()) } else { Err(invalid(message).with_columns([column])) };
        }
        let attribute = match self.layout.index_column(column) {
            Some(indexed) => indexed.accept(value).ok_or_else(|| mismatch(column, indexed.expected()))?,
            None => {
                let given = Attribute::from_value(value).map_err(|misfit: Misfit| misfit.of(column))?;
                match stored {
                    Some(stored) => given.over(stored),
                    None => given,
                }
            }
        };
        set.insert(column.to_owned(), attribute);
        Ok(())
    }

    /// The cells that name the row: they stay when it is replaced.
    fn naming(&self, record: &[Value]) -> Result<Item> {
        let named = |cell: &super::job::Cell<'_>| {
            let value = record.get(cell.place).unwrap_or(&Value::Absent);
            Ok((
                cell.column.to_owned(),
                Attribute::from_value(value).map_err(|misfit| misfit.of(cell.column))?,
            ))
        };
        self.named_by.iter().map(named).collect()
    }
}

struct Changes {
    set: Item,
    row: Item,
}

/// `None`: nothing is set, and the row stays as it is.
fn set_expression(set: Item, placeholders: &mut Placeholders) -> Option<String> {
    let parts: Vec<_> = set
        .into_iter()
        .map(|(name, value)| format!("{} = {}", placeholders.name(&name), placeholders.value(value)))
        .collect();
    (!parts.is_empty()).then(|| format!("SET {}", parts.join(", ")))
}
