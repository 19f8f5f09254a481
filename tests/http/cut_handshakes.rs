//! Encrypted connections to PostgreSQL and MariaDB that break while they are made: a read is tried again, and a stalled one is given up.

use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, Value};
use serde_json::{Value as Json, json};

use crate::client::Answer;
use crate::fault_proxy::{Fault, Place, Proxy};
use crate::gateway::{Gateway, Setup, eventually};
use crate::shop::EVERYTHING;
use crate::staying_up::asks;
use crate::{mysql, postgres, postgres_tls};

/// The client says whom it wants to talk to, unencrypted, in its first message of the handshake.
const NAME: &str = "localhost";

/// A service behind a proxy before the server, whose certificate is for [`NAME`].
fn check(service_type: &str, connector: &str, config: &Json) {
    let proxy = Proxy::before(u16::try_from(config["port"].as_u64().unwrap()).unwrap());
    let mut config = config.clone();
    config["port"] = json!(proxy.port);
    config["host"] = json!(NAME);
    let service = json!({"services": [{"name": "store", "type": service_type, "config": config}]});
    let service = toml::to_string(&service).unwrap();
    let gateway =
        |more: &str| Setup::new(&format!("{more}{service}{EVERYTHING}")).connector(connector).start();
    let (patient, hasty) = (gateway(""), gateway("[server]\nrequest_timeout = \"3s\"\n"));
    for place in [Place::Said(NAME.to_owned()), Place::Answered(NAME.to_owned())] {
        for fault in [Fault::Cut, Fault::Drip] {
            proxy.cut_all();
            eventually("a new connection is made", || {
                proxy.set(place.clone(), fault, 1);
                let answer = reads(&patient);
                assert_eq!(answer.status, 200, "{fault:?} {place:?}: {}", answer.body);
                let is_new = proxy.struck() == 1;
                proxy.cut_all();
                is_new
            });
        }
        proxy.set(place, Fault::Stall, usize::MAX);
        proxy.cut_all();
        let answer = reads(&hasty);
        assert!(matches!(answer.status, 503 | 504), "{}", answer.body);
        proxy.heal();
        eventually("it works again", || reads(&hasty).status == 200);
    }
}

fn reads(gateway: &Gateway) -> Answer {
    gateway.send(asks("GET", "store/_table/one/1"))
}

fn table() -> Stored {
    Stored::new("one", vec![Column::new("id", ColumnType::Integer)], vec![vec![Value::I64(1)]])
}

#[test]
fn a_handshake_with_postgresql_that_breaks_is_made_again() {
    let store = postgres::fixture().start("15", &[table()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    postgres_tls::encrypt(&store, folder.path());
    let mut config = store.config.clone();
    config["sslmode"] = json!("verify-full");
    config["sslrootcert"] = json!(folder.path().join("ca.crt"));
    check("pgsql", "postgres", &config);
}

#[test]
fn a_handshake_with_mariadb_that_breaks_is_made_again() {
    let store = mysql::fixture().start("tls", &[table()]).unwrap();
    check("mariadb", "mysql", &store.config);
}
