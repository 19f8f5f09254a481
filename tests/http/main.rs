//! The running gateway judged from outside, over HTTP and by its command line: one file for each subject.

#[cfg(test)]
mod access;
#[cfg(test)]
mod aggregate;
#[cfg(test)]
mod aliases;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod batch;
#[cfg(test)]
mod batch_hooks;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod changed_tables;
#[cfg(test)]
mod client;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod conditional;
#[cfg(test)]
mod connector_test;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod cross_engine;
#[cfg(test)]
mod cross_requests;
#[cfg(test)]
mod cross_service;
#[cfg(test)]
mod cursor;
#[cfg(test)]
mod cut_connections;
#[cfg(test)]
mod cut_handshakes;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod doctor_bundle;
#[cfg(test)]
mod document_kinds;
#[cfg(test)]
mod document_servers;
#[cfg(test)]
mod document_types;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod dynamodb;
#[cfg(test)]
mod dynamodb_kinds;
#[cfg(test)]
mod dynamodb_rollback;
#[cfg(test)]
mod dynamodb_versions;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod fault_proxy;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod in_process;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod lifetimes;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod mysql;
#[cfg(test)]
mod mysql_types;
#[cfg(test)]
mod names;
#[cfg(test)]
mod names_written;
#[cfg(test)]
mod nested_across;
#[cfg(test)]
mod nested_atomic;
#[cfg(test)]
mod nested_shop;
#[cfg(test)]
mod nested_undo;
#[cfg(test)]
mod nested_writes;
#[cfg(test)]
mod observe;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod postgres_tls;
#[cfg(test)]
mod postgres_types;
#[cfg(test)]
mod process;
#[cfg(test)]
mod read;
#[cfg(test)]
mod related;
#[cfg(test)]
mod related_filters;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod routines;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sales;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod schema_changes;
#[cfg(test)]
mod schema_extras;
#[cfg(test)]
mod schema_identity;
#[cfg(test)]
mod session;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod staying_up;
#[cfg(test)]
mod stock;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod traced;
#[cfg(test)]
mod tunnel;
#[cfg(test)]
mod typed;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod virtual_fields;
#[cfg(test)]
mod virtual_relationships;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod write;
#[cfg(test)]
mod write_batch;
#[cfg(test)]
mod write_rules;
#[cfg(test)]
mod write_sequence;
#[cfg(test)]
mod write_stream;
