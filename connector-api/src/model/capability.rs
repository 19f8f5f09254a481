//! What a connector says it can do.

use serde::{Deserialize, Serialize};

macro_rules! capabilities {
    (flags { $($(#[$flag_doc:meta])* $flag:ident,)* } limits { $($(#[$limit_doc:meta])* $limit:ident,)* }) => {
        /// Everything is false or unknown by default: a capability is declared only when the behaviour suite passed on a running
        /// store. What is not declared is refused by the gateway before the connector is called.
        ///
        /// Members that an older gateway does not know are ignored: it never asks for them.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Capabilities {
            $($(#[$flag_doc])* #[serde(skip_serializing_if = "is_false")] pub $flag: bool,)*
            $($(#[$limit_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $limit: Option<u32>,)*
        }

        impl Capabilities {
            /// The names of all flags there are, in the order of declaration.
            pub const FLAGS: &'static [&'static str] = &[$(stringify!($flag),)*];
            /// The names of all limits there are, in the order of declaration.
            pub const LIMITS: &'static [&'static str] = &[$(stringify!($limit),)*];

            /// The names of all flags that are set, in the order of declaration.
            pub fn declared(&self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$flag { names.push(stringify!($flag)); })*
                names
            }

            /// The names of all limits that are set, in the order of declaration.
            pub fn declared_limits(&self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$limit.is_some() { names.push(stringify!($limit)); })*
                names
            }

            /// Only what both declare; of two limits the lower one. A service may narrow what its service type declares.
            #[must_use]
            pub fn narrowed_by(&self, other: &Self) -> Self {
                Self {
                    $($flag: self.$flag && other.$flag,)*
                    $($limit: match (self.$limit, other.$limit) { (Some(a), Some(b)) => Some(a.min(b)), (a, b) => a.or(b) },)*
                }
            }
        }
    };
}

capabilities! {
    flags {
        /// Rows can be read; `limit` is always honoured.
        query,
        /// Rows can be counted without reading them through the gateway.
        count,
        /// `order` by any column, mixed directions included.
        order,
        /// `nulls first` and `nulls last` in `order`.
        order_nulls,
        /// `offset`.
        offset,
        /// Pages go on from a token that the page before gave (`after` in a query).
        page_token,
        /// Comparisons `= <> < <= > >=` of a column with a value, and the filter that never holds: a row rule may come to that.
        filter_compare,
        /// `in` a list of values.
        filter_in,
        /// `between`.
        filter_between,
        /// `is null`, true for null and absent.
        filter_null,
        /// `like` with `%` and `_`; case is the store's own matter.
        filter_like,
        /// `like` without regard to case.
        filter_ilike,
        /// `contains`, `starts with`, `ends with`: plain text, no wildcards.
        filter_text,
        /// `or`.
        filter_or,
        /// `not` before any tree, with SQL's three-valued logic.
        filter_not,
        /// Columns on both sides of a comparison, arithmetic and functions.
        filter_expressions,
        /// [`Query::compute`](super::Query::compute), and [`Function::Concat`](super::Function::Concat) wherever an expression may stand.
        computed_columns,
        /// Columns inside documents (`address.city`).
        filter_paths,
        /// Rows for which a related row exists.
        filter_related,
        /// [`Query::others`](super::Query::others), and columns by name that the description of an open table does not have.
        open_columns,
        /// `distinct`.
        distinct,
        /// Groups, aggregates and conditions on them.
        aggregates,
        /// New rows.
        insert,
        /// Change rows named by key, one set of values a row.
        update_by_key,
        /// Change all rows that match a filter.
        update_where,
        /// Create or change by key in one step.
        upsert,
        /// Remove rows named by key.
        delete_by_key,
        /// Remove all rows that match a filter.
        delete_where,
        /// Columns of the rows a write touched, generated keys included.
        returning,
        /// Columns computed by the store from expressions.
        write_expressions,
        /// `guard` and `check` hold atomically with the write.
        row_rules,
        /// Go on after a failed record and say which one failed.
        on_error_continue,
        /// All records of one call or none.
        on_error_atomic,
        /// Sessions: begin, commit, rollback.
        transactions,
        /// What fails in a transaction leaves the work before it: an atomic call is undone alone, and `continue` goes on with the next
        /// record. Without it a call that fails may end the transaction (later calls but a rollback answer `cancelled`, never as if a part
        /// of it were left), and `continue` is refused in a transaction.
        savepoints,
        /// Procedures and functions can be listed and called.
        routines,
        /// Tables and columns can be created, changed and dropped.
        schema_changes,
    }
    limits {
        /// Parameters in one call, list items counted one by one.
        max_parameters,
        /// Depth of a filter tree.
        max_filter_depth,
        /// Records in one write.
        max_records,
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
