//! What has to be known of a store and no connector says: the types that its columns can have, what it has beyond tables.

use std::collections::BTreeMap;

use connector_api::model::ColumnType;
use serde::Deserialize;

use super::quirks::TypeName;

/// What is known of a store, by whoever starts it or made the tables in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The service type to open. Empty: the only one that the library offers.
    pub service_type: String,
    /// Catalogue and schema in which the store puts the tables, as the connector names them.
    pub namespace: Vec<String>,
    /// A column that the store adds to every table as its primary key. The primary keys of the suite are unique keys there.
    pub own_key: Option<String>,
    /// The types that a column can have in this store. Columns of other types are left out of the tables.
    pub types: Vec<TypeName>,
    /// Types in the store's own words, as it describes them: a table is made of each, where the connector makes tables.
    pub native_types: Vec<String>,
    /// Tables of the suite whose names this store can't have, with the names that they have instead.
    pub names: BTreeMap<String, String>,
    /// What the store has beyond tables.
    pub features: Vec<Feature>,
    /// How many random filters are compared with the reference evaluator, at least.
    pub random_filters: u64,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            service_type: String::new(),
            namespace: Vec::new(),
            own_key: None,
            types: Vec::new(),
            native_types: Vec::new(),
            names: BTreeMap::new(),
            features: Vec::new(),
            random_filters: 2_000,
        }
    }
}

impl Facts {
    /// Whether a column can have this type.
    #[must_use]
    pub fn has(&self, data_type: ColumnType) -> bool {
        self.types.contains(&TypeName(data_type))
    }

    /// The name of a table of the suite in this store.
    #[must_use]
    pub fn name<'n>(&'n self, table: &'n str) -> &'n str {
        self.names.get(table).map_or(table, String::as_str)
    }

    /// The type of numbers with a fraction.
    #[must_use]
    pub fn fraction(&self) -> ColumnType {
        if self.has(ColumnType::Double) { ColumnType::Double } else { ColumnType::Decimal }
    }
}

/// What a store may have and no connector declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Views.
    Views,
    /// Columns are declared: others are unknown, and some take no null.
    DeclaredColumns,
    /// Columns beside the key are guessed from what rows have.
    GuessedColumns,
    /// Unique keys beside the primary one.
    UniqueKeys,
    /// References between tables.
    ForeignKeys,
    /// Keys that the store makes for new rows.
    GeneratedKeys,
    /// Values for cells that a new row is not given.
    Defaults,
    /// Tables whose rows may have columns that no description names.
    OpenTables,
    /// Procedures that give several result sets.
    SeveralSets,
    /// Functions that share a name.
    Overloads,
    /// Values for parameters that a call does not give.
    ParameterDefaults,
}

impl Feature {
    /// The name by which a case asks for it.
    #[must_use]
    pub fn need(self) -> &'static str {
        match self {
            Self::Views => "store.views",
            Self::DeclaredColumns => "store.declared_columns",
            Self::GuessedColumns => "store.guessed_columns",
            Self::UniqueKeys => "store.unique_keys",
            Self::ForeignKeys => "store.foreign_keys",
            Self::GeneratedKeys => "store.generated_keys",
            Self::Defaults => "store.defaults",
            Self::OpenTables => "store.open_tables",
            Self::SeveralSets => "store.several_sets",
            Self::Overloads => "store.overloads",
            Self::ParameterDefaults => "store.parameter_defaults",
        }
    }
}
