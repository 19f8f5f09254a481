//! What the statements that are made here serve in any database. A connector adds what is its own, and takes away what its database has not.

use connector_api::author::Capabilities;

/// What a service can do that only reads. `max_parameters` is for the whole statement, `max_filter_depth` for nested filters.
#[must_use]
pub fn reading(max_parameters: u32, max_filter_depth: u32) -> Capabilities {
    Capabilities {
        query: true,
        count: true,
        order: true,
        order_nulls: true,
        offset: true,
        filter_compare: true,
        filter_in: true,
        filter_between: true,
        filter_null: true,
        filter_like: true,
        filter_ilike: true,
        filter_text: true,
        filter_or: true,
        filter_not: true,
        filter_expressions: true,
        filter_related: true,
        computed_columns: true,
        distinct: true,
        aggregates: true,
        transactions: true,
        max_parameters: Some(max_parameters),
        max_filter_depth: Some(max_filter_depth),
        ..Capabilities::default()
    }
}

/// The same with writes, each record undone by itself when it fails.
#[must_use]
pub fn writing(max_parameters: u32, max_filter_depth: u32) -> Capabilities {
    Capabilities {
        insert: true,
        update_by_key: true,
        update_where: true,
        upsert: true,
        delete_by_key: true,
        delete_where: true,
        returning: true,
        write_expressions: true,
        row_rules: true,
        on_error_continue: true,
        on_error_atomic: true,
        savepoints: true,
        ..reading(max_parameters, max_filter_depth)
    }
}
