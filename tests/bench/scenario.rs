//! The requests that are compared, as each of the two servers is asked them.

/// One kind of request.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Short name, also on the command line.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// Variants that take turns, so that nothing is answered from one hot page only.
    pub(crate) targets: Vec<Target>,
}

/// The same question to both servers.
#[derive(Debug)]
pub(crate) struct Target {
    /// Path and query of the gateway.
    pub(crate) gateway: String,
    /// Path of the hand-written server.
    pub(crate) hand_written: String,
    /// JSON to send; `None`: something is read.
    pub(crate) body: Option<String>,
}

impl Target {
    fn read(gateway: String, hand_written: String) -> Self {
        Self { gateway, hand_written, body: None }
    }
}

const ROWS: u32 = 64;

/// All that read, in the order of their size.
pub(crate) fn reads() -> Vec<Scenario> {
    let table = "/api/v2/flights/_table/flights";
    let row = (1..=ROWS)
        .map(|nth| nth * 5_000)
        .map(|id| Target::read(format!("{table}/{id}"), format!("/row/{id}")));
    let page = ["JFK", "LGA", "EWR"].map(|origin| {
        let filter = format!("filter=(origin%20%3D%20{origin})%20and%20(dep_delay%20%3E%2060)");
        let gateway = format!("{table}?{filter}&order=dep_delay%20desc&limit=25");
        Target::read(gateway, format!("/page/{origin}"))
    });
    let thousand = Target::read(format!("{table}?limit=1000"), "/thousand".to_owned());
    let export = Target::read(format!("{table}?limit=100000"), "/export".to_owned());
    let related = Target::read(
        format!("{table}?limit=25&related=airlines_by_carrier,airports_by_origin"),
        "/related".to_owned(),
    );
    let semi = "filter=(id%20%3E%20300000)%20and%20(id%20%3C%20302000)%20and%20(airlines_by_carrier.name%20%3D%20%27JetBlue%20Airways%27)";
    let semi = Target::read(format!("{table}?{semi}&limit=25"), "/semi".to_owned());
    vec![
        Scenario { name: "row", title: "one row by key", targets: row.collect() },
        Scenario { name: "page", title: "25 rows by filter and order", targets: page.into() },
        Scenario { name: "thousand", title: "1,000 rows", targets: vec![thousand] },
        Scenario { name: "related", title: "25 rows with two related each", targets: vec![related] },
        Scenario { name: "semi", title: "25 rows by a related field", targets: vec![semi] },
        Scenario { name: "export", title: "100,000 rows", targets: vec![export] },
    ]
}

/// A new row in a table that both servers write.
pub(crate) fn insert() -> Scenario {
    let record = r#"{"carrier":"UA","flight":7,"origin":"EWR","dest":"IAH","delay":-10.5,"note":"row 7"}"#;
    let target = Target {
        gateway: "/api/v2/flights/_table/landings".to_owned(),
        hand_written: "/landings".to_owned(),
        body: Some(format!(r#"{{"resource":[{record}]}}"#)),
    };
    Scenario { name: "insert", title: "a new row", targets: vec![target] }
}
