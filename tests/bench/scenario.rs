//! The four requests that are compared, as each of the two servers is asked them.

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
}

const ROWS: u32 = 64;

/// All of them, in the order of their size.
pub(crate) fn all() -> Vec<Scenario> {
    let table = "/api/v2/flights/_table/flights";
    let row = (1..=ROWS)
        .map(|nth| nth * 5_000)
        .map(|id| Target { gateway: format!("{table}/{id}"), hand_written: format!("/row/{id}") });
    let page = ["JFK", "LGA", "EWR"].map(|origin| Target {
        gateway: format!(
            "{table}?filter=(origin%20%3D%20{origin})%20and%20(dep_delay%20%3E%2060)&order=dep_delay%20desc&limit=25"
        ),
        hand_written: format!("/page/{origin}"),
    });
    let thousand = Target { gateway: format!("{table}?limit=1000"), hand_written: "/thousand".to_owned() };
    let export = Target { gateway: table.to_owned(), hand_written: "/export".to_owned() };
    vec![
        Scenario { name: "row", title: "one row by key", targets: row.collect() },
        Scenario { name: "page", title: "25 rows by filter and order", targets: page.into() },
        Scenario { name: "thousand", title: "1,000 rows", targets: vec![thousand] },
        Scenario { name: "export", title: "all flights (336,776 rows)", targets: vec![export] },
    ]
}
