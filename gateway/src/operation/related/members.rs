//! Which relationships are embedded, from the names of a request and from what the tables say themselves: each with the service in which
//! its rows are, if the caller may read them. No row is read here.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::TableRef;

use crate::error::ApiError;
use crate::operation::records::Target;
use crate::operation::{Job, schema};
use crate::pipeline;
use crate::request::{Related, RelatedOptions, TableRead};
use crate::roles::Verb;
use crate::schema::names::{lookup_key, public_name};
use crate::schema::relationships::{Junction, References, Relationship, spelled};

/// How deep related rows go.
pub(in crate::operation) const MAX_DEPTH: usize = 5;
/// How many relationships one request reads, at all levels together.
const MAX_MEMBERS: usize = 100;

/// A relationship whose rows are embedded.
pub(in crate::operation) struct Member<'a> {
    pub(super) relationship: Relationship,
    /// The service of its rows.
    pub(super) job: Job<'a>,
    /// The service of the table between, if there is one.
    pub(super) between: Job<'a>,
    pub(super) read: TableRead,
    /// What is embedded in these rows again.
    pub(super) members: Vec<Self>,
}

/// The relationships that a request names and those that are always fetched, with all that is asked of their rows. Names that are none
/// mean nothing, as clients of old expect.
///
/// # Errors
/// Options that can't be read; a table that the caller may not read; more levels than are followed; a service that can't be used.
pub(in crate::operation) async fn members<'a>(
    job: Job<'a>,
    target: &Target<'_>,
    related: &Related,
) -> Result<Vec<Member<'a>>, ApiError> {
    let start = Stop::new(job, target.table.table.clone(), &[]);
    let mut resolving = Resolving { references: HashMap::new(), left: MAX_MEMBERS };
    resolving.members(&start, related).await
}

impl<'a> Job<'a> {
    /// The same for a table of another service; `None`: of this one.
    ///
    /// # Errors
    /// A service that is not configured, or switched off.
    pub(in crate::operation) fn of_service(self, name: Option<&str>) -> Result<Self, ApiError> {
        let Some(name) = name else { return Ok(self) };
        let found = self.snapshot.services.get(&name.to_lowercase());
        let service = found.ok_or_else(|| ApiError::unknown_service(name))?;
        if !service.is_active() {
            return Err(ApiError::inactive_service(service.name()));
        }
        Ok(Self { service, ..self })
    }
}

/// The caller may read the table, of this service unless another is named.
pub(in crate::operation) fn check_access(
    job: Job<'_>,
    service: Option<&str>,
    table: &TableRef,
) -> Result<(), ApiError> {
    let job = match service.map(|name| (name, job.snapshot.services.get(&name.to_lowercase()))) {
        None => job,
        Some((_, Some(service))) => Job { service, ..job },
        Some((name, None)) => {
            let resource = ["_table".to_owned(), public_name(table)];
            return Ok(pipeline::permit(job.caller, name, &resource, Verb::Get)?);
        }
    };
    job.permit_rows(&job.called(&job.name_of(table), table), Verb::Get)
}

/// Names the service in what failed there, if it is another one.
pub(in crate::operation) fn naming(service: Option<&str>) -> impl Fn(ApiError) -> ApiError {
    move |error| match service {
        Some(name) => error.of_other_service(name),
        None => error,
    }
}

/// The caller may read both tables behind a relationship.
fn check_way(job: Job<'_>, relationship: &Relationship) -> Result<(), ApiError> {
    if let Some(Junction { service, table, .. }) = &relationship.junction {
        check_access(job, service.as_deref(), table)?;
    }
    check_access(job, relationship.service.as_deref(), &relationship.target)
}

/// A table on the way from the rows of the request to those that are related.
struct Stop<'a> {
    job: Job<'a>,
    table: TableRef,
    /// The tables up to this one, with their services.
    path: Vec<(String, TableRef)>,
}

impl<'a> Stop<'a> {
    fn new(job: Job<'a>, table: TableRef, before: &[(String, TableRef)]) -> Self {
        let own = (job.service.name().to_owned(), table.clone());
        Self { job, path: before.iter().cloned().chain([own]).collect(), table }
    }

    /// Whether a relationship that nobody asked for leads on: not to a table that lies on the path, which would lead round for ever. One
    /// that leads from a table to itself leads on once.
    fn leads_on(&self, relationship: &Relationship) -> bool {
        let service = relationship.service.as_deref().unwrap_or(self.job.service.name());
        let is_target = |(known, table): &&(String, TableRef)| {
            let key = |table| lookup_key(&public_name(table));
            known.eq_ignore_ascii_case(service) && key(table) == key(&relationship.target)
        };
        let is_own = self.path.last().is_some_and(|last| is_target(&last));
        let times = self.path.iter().filter(is_target).count();
        times < if is_own { 2 } else { 1 } && self.path.len() <= MAX_DEPTH
    }
}

/// The way from names to relationships.
struct Resolving {
    /// By the names of services.
    references: HashMap<String, Arc<References>>,
    /// How many more relationships there may be.
    left: usize,
}

/// A relationship that is wanted, and the names that go on behind it.
type Wanted = (Relationship, Vec<String>);

impl Resolving {
    async fn members<'a>(&mut self, stop: &Stop<'a>, related: &Related) -> Result<Vec<Member<'a>>, ApiError> {
        if !related.is_said() && !stop.job.service.extras().always_fetches(&stop.table) {
            return Ok(Vec::new());
        }
        let all = self.references(stop.job).await?.of(&stop.table);
        let wanted = wanted(stop, all, related)?;
        if stop.path.len() > MAX_DEPTH && !wanted.is_empty() {
            return Err(ApiError::related_too_deep(MAX_DEPTH));
        }
        let left = self.left.checked_sub(wanted.len());
        self.left = left.ok_or_else(|| ApiError::related_too_many(MAX_MEMBERS))?;
        let mut members = Vec::with_capacity(wanted.len());
        for (relationship, nested) in wanted {
            members.push(self.member(stop, relationship, (related.options(), nested)).await?);
        }
        Ok(members)
    }

    async fn member<'a>(
        &mut self,
        stop: &Stop<'a>,
        mut relationship: Relationship,
        (options, nested): (&RelatedOptions, Vec<String>),
    ) -> Result<Member<'a>, ApiError> {
        let read = options.read_of(relationship.public_name(), nested)?;
        let job = stop.job.of_service(relationship.service.as_deref())?;
        let junction = relationship.junction.as_ref();
        let between = stop.job.of_service(junction.and_then(|junction| junction.service.as_deref()))?;
        settle(&mut relationship, job, between).await?;
        let next = Stop::new(job, relationship.target.clone(), &stop.path);
        let members = Box::pin(self.members(&next, &read.related)).await?;
        let read = TableRead { related: Related::default(), ..read };
        Ok(Member { relationship, job, between, read, members })
    }

    async fn references(&mut self, job: Job<'_>) -> Result<Arc<References>, ApiError> {
        let service = job.service.name();
        if let Some(known) = self.references.get(service) {
            return Ok(Arc::clone(known));
        }
        let references = schema::references(&job.owner(false).await?).await?;
        self.references.insert(service.to_owned(), Arc::clone(&references));
        Ok(references)
    }
}

/// What is asked for by name, else all that the caller may read; then what is always fetched, as far as the caller may.
fn wanted(stop: &Stop<'_>, all: Vec<Relationship>, related: &Related) -> Result<Vec<Wanted>, ApiError> {
    let is_readable = |relationship: &Relationship| check_way(stop.job, relationship).is_ok();
    let mut wanted = match related {
        Related::All(_) => {
            let readable = all.into_iter().filter(is_readable);
            return Ok(readable.map(|relationship| (relationship, Vec::new())).collect());
        }
        Related::Named(names, _) => named(&all, names),
        Related::Unsaid(_) => Vec::new(),
    };
    for (relationship, _) in &wanted {
        check_way(stop.job, relationship)?;
    }
    for relationship in all.into_iter().filter(|relationship| relationship.extras.always_fetch) {
        let is_named = wanted.iter().any(|(known, _)| known.name == relationship.name);
        if !is_named && stop.leads_on(&relationship) && is_readable(&relationship) {
            wanted.push((relationship, Vec::new()));
        }
    }
    Ok(wanted)
}

/// Those that are named, each with the names that go on behind it.
fn named(all: &[Relationship], names: &[String]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for name in names {
        let Some(known) = Relationship::leading(all, name) else { continue };
        let rest = known.behind(name).filter(|rest| !rest.is_empty()).map(str::to_owned);
        match wanted.iter_mut().find(|(other, _)| other.name == known.name) {
            Some((_, nested)) => nested.extend(rest),
            None => wanted.push((known.clone(), rest.into_iter().collect())),
        }
    }
    wanted
}

/// Tables of other services get the names that these have for them.
pub(in crate::operation) async fn settle(
    relationship: &mut Relationship,
    job: Job<'_>,
    between: Job<'_>,
) -> Result<(), ApiError> {
    let name = relationship.name.clone();
    if relationship.service.is_some() {
        let columns = [&mut relationship.target_columns];
        relationship.target =
            end(job, &relationship.target, &name, columns).await.map_err(naming(Some(job.service.name())))?;
    }
    if let Some(junction) = relationship.junction.as_mut().filter(|junction| junction.service.is_some()) {
        let columns = [&mut junction.columns, &mut junction.target_columns];
        junction.table = end(between, &junction.table, &name, columns)
            .await
            .map_err(naming(Some(between.service.name())))?;
    }
    Ok(())
}

async fn end<const N: usize>(
    job: Job<'_>,
    table: &TableRef,
    name: &str,
    columns: [&mut Vec<String>; N],
) -> Result<TableRef, ApiError> {
    let owner = job.owner(false).await?;
    let wanted = public_name(table);
    let found = owner.service.catalogue().table(&wanted, &owner.source()).await;
    let lost = |what: String| ApiError::lost_relationship(name, what, job.service.name());
    let Some(found) = found.map_err(|error| owner.failed(error))? else {
        return Err(lost(format!("the table '{wanted}'")));
    };
    for columns in columns {
        *columns = spelled(&found, columns)
            .ok_or_else(|| lost(format!("the fields {} of the table '{wanted}'", columns.join(", "))))?;
    }
    Ok(found.table.clone())
}
