//! The operation numbers. Fixed for ever; gaps are for operations to come.

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What a call asks for. A number that a connector does not know is answered with [`ErrorKind::Unsupported`](super::ErrorKind::Unsupported).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation { $($(#[$doc])* $name,)* }

        impl Operation {
            /// The number that crosses the boundary.
            pub const fn number(self) -> u32 { match self { $(Self::$name => $number,)* } }
            /// The operation with this number, if this build knows it.
            pub const fn from_number(number: u32) -> Option<Self> { match number { $($number => Some(Self::$name),)* _ => None } }
        }
    };
}

operations! {
    /// Is the store reachable with this configuration? No shape, no rows.
    Ping = 1,
    /// Read rows: shape [`Query`](super::Query), parameters in the body.
    Query = 10,
    /// Count rows: shape [`Count`](super::Count); the number stands in [`Summary::count`](super::Summary::count).
    Count = 12,
    /// Create rows: shape [`Insert`](super::Insert), records in the body.
    Insert = 20,
    /// Change rows: shape [`Update`](super::Update).
    Update = 21,
    /// Create or change rows by key: shape [`Upsert`](super::Upsert).
    Upsert = 23,
    /// Remove rows: shape [`Delete`](super::Delete).
    Delete = 24,
    /// Names and kinds of all tables, cheap: one JSON cell with a [`TableName`](super::TableName) a row.
    ListTables = 40,
    /// Whole descriptions: shape [`DescribeTables`](super::DescribeTables), one JSON cell with a [`Table`](super::Table) a row.
    DescribeTables = 41,
    /// Procedures and functions: one JSON cell with a [`Routine`](super::Routine) a row.
    ListRoutines = 43,
    /// Create, alter or drop tables and columns: shape [`ChangeSchema`](super::ChangeSchema).
    ChangeSchema = 50,
    /// Call a routine: shape [`Call`](super::Call).
    Call = 60,
    /// Start a transaction: shape [`Begin`](super::Begin); its number stands in [`Summary::session`](super::Summary::session).
    Begin = 70,
    /// Make the work of the context's session permanent and end the session.
    Commit = 71,
    /// Undo the work of the context's session and end the session.
    Rollback = 72,
}
