//! Greets everybody who stands in the configuration.
use connector_api::author::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hello {
    /// Who is greeted, one row each.
    names: Vec<String>,
}

impl Connector for Hello {
    type Config = Self;

    fn describe() -> Descriptor {
        let hello = ServiceType::new("hello", "Hello").description("Greets people.");
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), vec![hello])
    }
    async fn open(open: Open<Self>) -> Result<Self> {
        Ok(open.config)
    }
    async fn list_tables(&self) -> Result<Vec<TableName>> {
        Ok(vec![TableName { table: TableRef::new("greetings"), kind: TableKind::Table }])
    }
    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        let columns = vec![Column::new("text", ColumnType::Text)];
        let table = TableRef::new("greetings");
        let known = tables.contains(&table);
        Ok(known.then(|| Table { table, columns, ..Table::default() }).into_iter().collect())
    }
    async fn query(&self, _request: Request<Query>, out: &mut RowSink) -> Result<()> {
        out.columns(["text"]);
        for name in &self.names {
            out.text(&format!("Hello, {name}!"));
            out.end_row().await?;
        }
        Ok(())
    }
}
connector_api::export_connector!(Hello);
