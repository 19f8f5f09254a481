//! The relationships that foreign keys give: what a row refers to, what refers to it, and what both lead to through
//! a third table. Their names are a promise to clients and stand in [`RelationshipKind`]'s variants.
//!
//! [`References`] follows every foreign key once; the relationships of a table are made when they are asked for, as
//! all of them together may be many times larger than the catalogue. What extras say of them, and those that only extras
//! have, is added then by `kept_relationships`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use connector_api::model::{ForeignKey, Table, TableRef};
use serde::{Deserialize, Serialize};

use super::kept_relationships::{self, complete};
use super::names::{lookup_key, natural_order, public_name};
use crate::extras::{self, RelationshipExtras};

/// Ends the name of a `belongs_to` whose own name another relationship of the table has.
const PARENT_SUFFIX: &str = "_parent";
/// The rules for deletions that leave the referring rows as they are.
const KEEPING: [&str; 2] = ["NO ACTION", "RESTRICT"];

/// How rows relate, on the wire in words like `belongs_to`. `columns` are those of the foreign key, joined with `_`; tables go by their public names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationshipKind {
    /// This table has the foreign key: `{other table}_by_{columns}`.
    BelongsTo,
    /// The other table has the foreign key, which is also a key of it: `{other table}_by_{columns}`.
    HasOne,
    /// The other table has the foreign key: `{other table}_by_{columns}`.
    HasMany,
    /// A third table refers to both: `{other table}_by_{third table}`.
    ManyMany,
}

impl RelationshipKind {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BelongsTo => "belongs_to",
            Self::HasOne => "has_one",
            Self::HasMany => "has_many",
            Self::ManyMany => "many_many",
        }
    }

    /// Where it stands in a table's list: what the row refers to, what refers to it, what lies behind.
    fn rank(self) -> u8 {
        match self {
            Self::BelongsTo => 0,
            Self::HasOne | Self::HasMany => 1,
            Self::ManyMany => 2,
        }
    }
}

/// A relationship, seen from one of its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// Unique in its table, also when case is ignored. Requests and rows go by [`Self::public_name`].
    pub name: String,
    /// How rows relate.
    pub kind: RelationshipKind,
    /// For people; only where the name needs an explanation.
    pub description: Option<String>,
    /// What is said of it beside the database.
    pub extras: RelationshipExtras,
    /// It is kept beside the database, not made from its foreign keys.
    pub is_virtual: bool,
    /// Columns of this table; their values lead to the other table or to the third.
    pub columns: Vec<String>,
    /// The service of the other table; `None`: this table's own.
    pub service: Option<String>,
    /// The other table.
    pub target: TableRef,
    /// Columns of the other table. Pairs with `columns`; of a `many_many` with the third table's `target_columns`.
    pub target_columns: Vec<String>,
    /// The third table of a `many_many`; otherwise none.
    pub junction: Option<Junction>,
    /// The foreign key's rule for updates, in SQL's words; none of a `many_many`.
    pub on_update: Option<String>,
    /// The foreign key's rule for deletions, in SQL's words; none of a `many_many`.
    pub on_delete: Option<String>,
}

impl Relationship {
    /// Its name in requests and rows.
    #[must_use]
    pub fn public_name(&self) -> &str {
        self.extras.alias.as_deref().unwrap_or(&self.name)
    }

    /// What stands behind its name in a dotted one: nothing, or what comes after the dot. `None`: the name begins with another word.
    #[must_use]
    pub fn behind<'n>(&self, name: &'n str) -> Option<&'n str> {
        let own = self.public_name();
        let (head, rest) = name.split_at_checked(own.len())?;
        let rest = if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') };
        rest.filter(|_| head.eq_ignore_ascii_case(own))
    }

    /// The one with whose name a dotted name begins; the longest, for names of relationships may have dots themselves.
    #[must_use]
    pub fn leading<'r>(all: &'r [Self], name: &str) -> Option<&'r Self> {
        all.iter().filter(|known| known.behind(name).is_some()).max_by_key(|known| known.public_name().len())
    }
}

/// The table between the two of a `many_many`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Junction {
    /// The service of this table; `None`: that of the relationship's own table.
    pub service: Option<String>,
    /// Which.
    pub table: TableRef,
    /// Its columns that refer to this table; they pair with the relationship's `columns`.
    pub columns: Vec<String>,
    /// Its columns that refer to the other table; they pair with the relationship's `target_columns`.
    pub target_columns: Vec<String>,
}

/// A foreign key whose table and columns were found.
#[derive(Debug)]
struct Link {
    /// Positions of both tables.
    source: usize,
    target: usize,
    columns: Vec<String>,
    target_columns: Vec<String>,
    on_update: Option<String>,
    on_delete: Option<String>,
}

/// Every foreign key of a service, followed to the table that it refers to, in both directions.
#[derive(Debug, Default)]
pub struct References {
    /// In the order of their names, for look-ups.
    tables: Vec<Arc<Table>>,
    links: Vec<Link>,
    /// For each table the links that start there, in the store's order.
    outgoing: Vec<Vec<usize>>,
    /// For each table the links that end there, by table and then in the store's order.
    incoming: Vec<Vec<usize>>,
    by_key: HashMap<String, Option<usize>>,
    extras: Arc<extras::Tables>,
}

impl References {
    /// Follows the foreign keys of all tables of a service, in time proportional to their number.
    ///
    /// Names that the store spells in another case than the table does are found too, where that is unambiguous. A
    /// key without target columns means the other table's primary key. A key that leads nowhere (no such table or
    /// column, unequal numbers of columns) gives no relationship, as no row could be read through it. `extras` are
    /// those of the service.
    #[must_use]
    pub fn new(tables: &[Arc<Table>], extras: Arc<extras::Tables>) -> Self {
        let mut tables = tables.to_vec();
        tables.sort_by(|left, right| left.table.cmp(&right.table));
        let by_key = positions_by_key(&tables);
        let mut links = Vec::new();
        for (source, table) in tables.iter().enumerate() {
            let found = table.foreign_keys.iter().filter_map(|key| {
                let target = position(&tables, &key.references)
                    .or_else(|| by_key.get(&lookup_key(&public_name(&key.references))).copied().flatten())?;
                link((source, table), (target, tables.get(target)?), key)
            });
            links.extend(found);
        }
        let outgoing = grouped(tables.len(), links.iter().map(|link: &Link| link.source));
        let incoming = grouped(tables.len(), links.iter().map(|link| link.target));
        Self { tables, links, outgoing, incoming, by_key, extras }
    }

    /// The relationships of a table, virtual ones among them, each kind by name; none for a table that is not known.
    /// The table is named as the catalogue spells it.
    #[must_use]
    pub fn of(&self, table: &TableRef) -> Vec<Relationship> {
        let Some(at) = position(&self.tables, table) else { return Vec::new() };
        let mut relationships = self.of_foreign_keys(at);
        let extras = self.extras.get(&public_name(table)).filter(|extras| !extras.relationships.is_empty());
        if let (Some(extras), Some(table)) = (extras, self.tables.get(at)) {
            complete(&mut relationships, table, &extras.relationships, &|name| self.find(name));
        }
        relationships.sort_by(in_list_order);
        relationships
    }

    /// A table of which rows are changed or deleted by a foreign key when rows of this one are deleted, and the key's rule for deletions. The
    /// table is named as the catalogue spells it.
    #[must_use]
    pub fn changed_by_deletion(&self, table: &TableRef) -> Option<(&TableRef, &str)> {
        let at = position(&self.tables, table)?;
        self.links_of(&self.incoming, at).find_map(|link| {
            let keeps = |rule: &str| KEEPING.iter().any(|keeping| keeping.eq_ignore_ascii_case(rule));
            let rule = link.on_delete.as_deref().filter(|rule| !keeps(rule))?;
            Some((&self.tables.get(link.source)?.table, rule))
        })
    }

    /// The virtual relationships that lead nowhere, as no row can be read through them: tables and names.
    pub fn lost(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extras.iter().flat_map(move |(name, extras)| {
            let table = self.find(name);
            let made =
                extras.relationships.iter().filter_map(|(name, kept)| Some((name, kept.made.as_ref()?)));
            let leads = move |made| {
                table.is_some_and(|table| kept_relationships::leads(made, table, &|name| self.find(name)))
            };
            made.filter(move |(_, made)| !leads(made)).map(move |(kept, _)| (name.as_str(), kept.as_str()))
        })
    }

    /// The table with this public name, whatever its case where that is unambiguous.
    fn find(&self, name: &str) -> Option<&Table> {
        let at = position(&self.tables, &TableRef::new(name));
        let at = at.or_else(|| self.by_key.get(&lookup_key(name)).copied().flatten())?;
        self.tables.get(at).map(Arc::as_ref)
    }

    /// Where two have the same name, what another table refers with keeps it and a `belongs_to` gets `_parent` behind
    /// its own (a self reference has both). A `many_many` gives way to a `has_one` or `has_many`; otherwise the last
    /// foreign key in the store's order wins.
    fn of_foreign_keys(&self, at: usize) -> Vec<Relationship> {
        let incoming = || self.links_of(&self.incoming, at);
        let many = incoming().flat_map(|near| {
            let others = self.links_of(&self.outgoing, near.source).filter(move |far| far.target != at);
            others.filter_map(move |far| self.many_many(near, far))
        });
        let has = incoming().filter_map(|link| self.has(link));
        let mut named: HashMap<String, Relationship> = many.chain(has).map(keyed).collect();

        let belongs = self.links_of(&self.outgoing, at).filter_map(|link| self.belongs_to(link));
        let mut parents: Vec<Relationship> =
            belongs.map(keyed).collect::<HashMap<_, _>>().into_values().collect();
        parents.sort_by(in_list_order);
        // Those with a free name take it before others look for one.
        parents.sort_by_key(|parent| named.contains_key(&lookup_key(&parent.name)));
        for parent in parents {
            let (key, parent) = keyed(renamed(parent, &named));
            named.insert(key, parent);
        }
        named.into_values().collect()
    }

    fn links_of<'a>(
        &'a self,
        lists: &'a [Vec<usize>],
        at: usize,
    ) -> impl Iterator<Item = &'a Link> + use<'a> {
        lists.get(at).into_iter().flatten().filter_map(|link| self.links.get(*link))
    }

    fn belongs_to(&self, link: &Link) -> Option<Relationship> {
        let target = &self.tables.get(link.target)?.table;
        Some(Relationship {
            name: relationship_name(target, &link.columns.join("_")),
            kind: RelationshipKind::BelongsTo,
            description: None,
            extras: RelationshipExtras::default(),
            is_virtual: false,
            service: None,
            columns: link.columns.clone(),
            target: target.clone(),
            target_columns: link.target_columns.clone(),
            junction: None,
            on_update: link.on_update.clone(),
            on_delete: link.on_delete.clone(),
        })
    }

    /// The same foreign key, seen from the table that it refers to.
    fn has(&self, link: &Link) -> Option<Relationship> {
        let child = self.tables.get(link.source)?;
        let is_key = is_key(child, &link.columns);
        Some(Relationship {
            name: relationship_name(&child.table, &link.columns.join("_")),
            kind: if is_key { RelationshipKind::HasOne } else { RelationshipKind::HasMany },
            columns: link.target_columns.clone(),
            target: child.table.clone(),
            target_columns: link.columns.clone(),
            ..self.belongs_to(link)?
        })
    }

    /// From the table that `near` refers to, over the table that both start at, to the one that `far` refers to.
    fn many_many(&self, near: &Link, far: &Link) -> Option<Relationship> {
        let junction = &self.tables.get(near.source)?.table;
        let target = &self.tables.get(far.target)?.table;
        Some(Relationship {
            name: relationship_name(target, &public_name(junction)),
            kind: RelationshipKind::ManyMany,
            description: None,
            extras: RelationshipExtras::default(),
            is_virtual: false,
            service: None,
            columns: near.target_columns.clone(),
            target: target.clone(),
            target_columns: far.target_columns.clone(),
            junction: Some(Junction {
                service: None,
                table: junction.clone(),
                columns: near.columns.clone(),
                target_columns: far.columns.clone(),
            }),
            on_update: None,
            on_delete: None,
        })
    }
}

/// The references of a service, followed anew when one of its tables was described anew or its extras changed.
#[derive(Debug, Default)]
pub struct Followed(RwLock<Option<Arc<Known>>>);

#[derive(Debug)]
struct Known {
    tables: Vec<Arc<Table>>,
    references: Arc<References>,
}

impl Followed {
    /// The references of these tables with these extras; `tell` is told of new ones.
    #[must_use]
    pub fn of(
        &self,
        tables: Vec<Arc<Table>>,
        extras: Arc<extras::Tables>,
        tell: impl FnOnce(&References),
    ) -> Arc<References> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let are_same = |known: &Arc<Known>| {
            let before = &known.references.extras;
            (Arc::ptr_eq(before, &extras) || (before.is_empty() && extras.is_empty()))
                && known.tables.len() == tables.len()
                && known.tables.iter().zip(&tables).all(|(known, table)| Arc::ptr_eq(known, table))
        };
        if let Some(known) = known.filter(are_same) {
            return Arc::clone(&known.references);
        }
        let references = Arc::new(References::new(&tables, extras));
        tell(&references);
        let known = Known { tables, references: Arc::clone(&references) };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
        references
    }
}

fn relationship_name(table: &TableRef, way: &str) -> String {
    format!("{}_by_{way}", public_name(table))
}

fn keyed(relationship: Relationship) -> (String, Relationship) {
    (lookup_key(&relationship.name), relationship)
}

fn in_list_order(left: &Relationship, right: &Relationship) -> std::cmp::Ordering {
    let rank = left.kind.rank().cmp(&right.kind.rank());
    rank.then_with(|| natural_order(&left.name, &right.name))
}

/// The relationship under a name that is still free.
fn renamed(mut parent: Relationship, taken: &HashMap<String, Relationship>) -> Relationship {
    let own_name = parent.name.clone();
    while taken.contains_key(&lookup_key(&parent.name)) {
        parent.name.push_str(PARENT_SUFFIX);
    }
    if parent.name != own_name {
        let columns = parent.columns.join(", ");
        parent.description = Some(format!(
            "The {} row that {columns} refers to. {own_name} is another relationship of this table.",
            public_name(&parent.target),
        ));
    }
    parent
}

/// Where the table stands in a list that is ordered by name.
fn position(tables: &[Arc<Table>], name: &TableRef) -> Option<usize> {
    tables.binary_search_by(|table| table.table.cmp(name)).ok()
}

/// Positions by public name without regard to case; none where several tables differ in case only.
fn positions_by_key(tables: &[Arc<Table>]) -> HashMap<String, Option<usize>> {
    let mut positions = HashMap::with_capacity(tables.len());
    for (at, table) in tables.iter().enumerate() {
        let key = lookup_key(&public_name(&table.table));
        positions.entry(key).and_modify(|position| *position = None).or_insert(Some(at));
    }
    positions
}

/// For each table the positions of its links, given the table of each link.
fn grouped(table_count: usize, tables: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new(); table_count];
    for (link, table) in tables.enumerate() {
        if let Some(group) = groups.get_mut(table) {
            group.push(link);
        }
    }
    groups
}

/// The foreign key with both sides spelled as their tables do, if it leads somewhere.
fn link(source: (usize, &Table), target: (usize, &Table), key: &ForeignKey) -> Option<Link> {
    let is_implied = key.referenced_columns.is_empty();
    let referenced = if is_implied { &target.1.primary_key } else { &key.referenced_columns };
    if key.columns.is_empty() || key.columns.len() != referenced.len() {
        return None;
    }
    Some(Link {
        source: source.0,
        target: target.0,
        columns: spelled(source.1, &key.columns)?,
        target_columns: spelled(target.1, referenced)?,
        on_update: key.on_update.clone(),
        on_delete: key.on_delete.clone(),
    })
}

/// The columns as the table spells them; none if one is missing. An open table has every column.
pub(crate) fn spelled<'a>(table: &'a Table, columns: &'a [String]) -> Option<Vec<String>> {
    let all = || table.columns.iter().map(|column| &column.name);
    let find = |name: &'a String| {
        all().find(|known| *known == name).or_else(|| {
            if table.is_open {
                return Some(name);
            }
            let mut near = all().filter(|known| lookup_key(known) == lookup_key(name));
            near.next().filter(|_| near.next().is_none())
        })
    };
    columns.iter().map(|name| find(name).cloned()).collect()
}

/// Whether these columns are, in any order, the table's primary key or one of its unique keys.
fn is_key(table: &Table, columns: &[String]) -> bool {
    let is_same = |key: &[String]| {
        let holds = |name: &String| columns.iter().any(|column| lookup_key(column) == lookup_key(name));
        key.len() == columns.len() && key.iter().all(holds)
    };
    is_same(&table.primary_key) || table.unique_keys.iter().any(|key| is_same(&key.columns))
}

#[cfg(test)]
#[path = "relationships_tests.rs"]
mod tests;
