//! What a connector does wrong ends that call or marks that connector down; it and the others answer afterwards.

use std::sync::Arc;
use std::time::Duration;

use connector_api::ErrorKind::{self, Busy, Conflict, Internal, Timeout, Unavailable};
use connector_api::model::{OpenRequest, TableRef};
use serde_json::json;
use tablegate::connectors::{CallContext, Limits, Load, Service, SessionId};

use crate::fixture::{Folder, LONG, context, eventually, limits, open, open_with, query, read, run};

const SHORT: Duration = Duration::from_millis(150);

#[test]
fn a_fault_ends_its_call_and_the_service_goes_on() {
    let folder = Folder::new();
    folder.add_chaos("01");
    let registry = folder.load();
    run(async {
        let service = open(&registry, "01").await;
        let check = async |table: &str, time: Duration, kind: ErrorKind, reason: Option<&str>| {
            let error = read(&service, table, time).await.expect_err(table);
            assert_eq!((error.kind, error.reason.as_deref()), (kind, reason), "{table}: {error:?}");
            assert_eq!(read(&service, "good", LONG).await, Ok(3), "after {table}");
        };
        check("panic", LONG, Internal, Some("panic")).await;
        check("panic_in_drop", SHORT, Timeout, Some("deadline")).await;
        check("hang", SHORT, Timeout, Some("deadline")).await;
        check("wrong_cells", LONG, Internal, None).await;
        check("fail", LONG, Conflict, None).await;
        for broken in [
            "malformed",
            "truncated",
            "oversized",
            "too_few_cells",
            "too_many_cells",
            "no_done",
            "done_twice",
            "rows_before_set",
            "endless",
            "empty_for_ever",
            "unreadable_error",
        ] {
            check(&format!("raw_{broken}"), LONG, Internal, Some("protocol_error")).await;
        }
        assert_eq!(read(&service, "raw_good", LONG).await, Ok(2));
        assert!(!service.is_down());
    });
}

#[test]
fn rows_that_come_slowly_begin_the_time_of_their_call_anew() {
    let folder = Folder::new();
    folder.add_chaos("05");
    let registry = folder.load();
    run(async {
        let service = open(&registry, "05").await;
        // All of them together take a second.
        assert_eq!(read(&service, "slow_rows", Duration::from_millis(800)).await, Ok(10));
    });
}

#[test]
fn the_kit_ends_endless_rows_at_the_limit() {
    let folder = Folder::new();
    folder.add_chaos("02");
    let registry = folder.load();
    run(async {
        let service = open(&registry, "02").await;
        assert_eq!(read(&service, "endless", LONG).await, Ok(5000));
        // A reader that goes away ends the call too.
        let (shape, params) = query("endless", u64::MAX);
        let mut rows = service.query(&shape, &params, context(LONG)).await.unwrap();
        assert!(rows.next().await.unwrap().unwrap().row_count() > 0);
        drop(rows);
        assert_eq!(read(&service, "good", LONG).await, Ok(3));
    });
}

#[test]
fn a_connectors_error_keeps_its_words_on_one_line() {
    let folder = Folder::new();
    folder.add_chaos("03");
    let registry = folder.load();
    run(async {
        let service = open(&registry, "03").await;
        let error = read(&service, "fail", LONG).await.unwrap_err();
        assert_eq!(error.sqlstate.as_deref(), Some("23505"));
        assert_eq!(error.detail.as_deref(), Some("driver\\ntext"));
    });
}

#[test]
fn panics_and_hangs_outside_of_queries_are_answers_too() {
    let folder = Folder::new();
    folder.add_chaos("04");
    let registry = folder.load();
    run(async {
        for (config, kind) in [
            (json!({ "open_panics": true }), Internal),
            (json!({ "open_hangs": true }), Timeout),
            (json!({ "no such key": 1 }), ErrorKind::InvalidRequest),
        ] {
            assert_eq!(
                open_with(&registry, "04", config.clone(), false).await.unwrap_err().kind,
                kind,
                "{config}"
            );
        }
        let service = open_with(&registry, "04", json!({ "ping_panics": true }), false).await.unwrap();
        assert_eq!(service.ping(context(LONG)).await.unwrap_err().kind, Internal);
        let tables = |name: &str| vec![TableRef::new(name)];
        assert_eq!(service.describe_tables(tables("panic"), context(LONG)).await.unwrap_err().kind, Internal);
        assert_eq!(
            service.describe_tables(tables("good"), context(LONG)).await.unwrap()[0].columns[0].name,
            "n"
        );
        assert_eq!(service.list_tables(context(LONG)).await.unwrap()[0].table, TableRef::new("good"));
        for config in [json!({ "close_panics": true }), json!({ "close_hangs": true })] {
            let service = open_with(&registry, "04", config, false).await.unwrap();
            service.close().await;
            assert_eq!(read(&service, "good", LONG).await.unwrap_err().kind, Internal, "it is closed");
        }
    });
}

#[test]
fn a_connector_whose_thread_is_stuck_is_marked_down_and_comes_back() {
    let folder = Folder::new();
    ["05", "06", "07"].iter().for_each(|digits| drop(folder.add_chaos(digits)));
    let registry = folder.load();
    run(async {
        let (stuck, late, good) =
            (open(&registry, "05").await, open(&registry, "06").await, open(&registry, "07").await);
        for (service, table) in [(&stuck, "block"), (&late, "block_a_while")] {
            assert_eq!(read(service, table, SHORT).await.unwrap_err().kind, Timeout);
            eventually("marked down", || service.is_down()).await;
            assert_eq!(read(service, "good", LONG).await.unwrap_err().kind, Unavailable);
            assert_eq!(read(&good, "good", LONG).await, Ok(3));
        }
        eventually("back in use", || !late.is_down()).await;
        assert_eq!(read(&late, "good", LONG).await, Ok(3));
        assert!(stuck.is_down() && !good.is_down());
    });
}

/// Blocks the gateway's workers through one connector, as many times as it has workers and more.
fn check_blocked_workers(digits: [&str; 2], table: &'static str, allow_inline: bool) {
    let folder = Folder::new();
    digits.iter().for_each(|digits| drop(folder.add_chaos(digits)));
    let registry = folder.load();
    run(async {
        let bad = open_with(&registry, digits[0], json!({}), allow_inline).await.unwrap();
        let good = open(&registry, digits[1]).await;
        for _ in 0..8 {
            let bad = Arc::clone(&bad);
            tokio::spawn(async move { read(&bad, table, SHORT).await });
        }
        eventually("marked stuck", || !bad.connector().is_responding()).await;
        assert_eq!(read(&bad, "good", LONG).await.unwrap_err().kind, Unavailable);
        // On a worker, not on the thread of the test.
        let answer = tokio::spawn(async move { read(&good, "good", LONG).await }).await.unwrap();
        assert_eq!(answer, Ok(3), "the others go on");
    });
}

#[test]
fn a_connector_that_blocks_the_gateways_workers_is_marked_down_before_it_has_them_all() {
    check_blocked_workers(["10", "11"], "raw_block_in_entry", false);
    check_blocked_workers(["12", "13"], "raw_block_in_poll", false);
    check_blocked_workers(["14", "15"], "raw_block_in_drop", false);
    check_blocked_workers(["16", "17"], "block", true);
}

#[test]
fn a_worker_that_comes_back_lifts_the_mark() {
    let folder = Folder::new();
    folder.add_chaos("18");
    let registry = folder.load();
    run(async {
        let service = open_with(&registry, "18", json!({}), true).await.unwrap();
        let late = Arc::clone(&service);
        let call = tokio::spawn(async move { read(&late, "block_a_while", LONG).await });
        eventually("marked stuck", || service.is_down()).await;
        eventually("back in use", || !service.is_down()).await;
        assert_eq!(read(&service, "good", LONG).await, Ok(3));
        drop(call);
    });
}

#[test]
fn more_calls_than_allowed_wait_and_are_then_refused_as_busy_but_for_those_in_a_transaction() {
    let folder = Folder::new();
    folder.add_chaos("19");
    let registry = folder.load();
    run(async {
        let connector = Arc::clone(registry.connector("chaos_19").unwrap());
        let request = OpenRequest {
            service_type: "chaos_19".into(),
            service: "narrow".into(),
            config: json!({}),
            allow_inline: false,
            worker_threads: 1,
        };
        let narrow = Limits { calls: 1, wait: Duration::from_millis(30), ..limits() };
        let service = Service::open(connector, request, narrow).await.unwrap();
        let (shape, params) = query("hang", 1);
        let running = service.query(&shape, &params, context(LONG)).await.unwrap();
        let refused = read(&service, "good", LONG).await.unwrap_err();
        assert_eq!((refused.kind, refused.is_temporary), (Busy, true), "{refused}");
        assert_eq!(service.load(), Load { most: 1, running: 1, waiting: 0, refused: 1 });
        // What a transaction holds others may wait for, so it never waits behind them.
        let inside = CallContext { session: Some(SessionId { number: 1, process: 0 }), ..context(LONG) };
        let (shape, params) = query("good", 3);
        let rows = service.query(&shape, &params, inside).await.unwrap();
        assert_eq!(rows.finish().await.map(drop), Ok(()));
        drop(running);
        assert_eq!(read(&service, "good", LONG).await, Ok(3));
        assert_eq!(service.load(), Load { most: 1, running: 0, waiting: 0, refused: 1 });
    });
}
