//! A value that is written over another one. JSON has no sets and no bytes, so what was read of an item comes back as arrays and texts: each
//! becomes again what stands there, if it spells one. What spells none is written as what it is.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Attribute, Base64};

impl Attribute {
    /// Whether it depends on what stands there what this becomes.
    pub(crate) fn has_forms(&self) -> bool {
        match self {
            Self::Text(text) => bytes(text).is_some(),
            Self::List(items) => !items.is_empty(),
            Self::Map(members) => members.values().any(Self::has_forms),
            _ => false,
        }
    }

    /// As what stands there. Members of maps are those of one name, items of lists those at one place.
    pub(crate) fn over(self, stored: &Self) -> Self {
        match (self, stored) {
            (Self::Map(members), Self::Map(old)) => {
                let over = |(name, member): (String, Self)| {
                    let member = match old.get(&name) {
                        Some(stored) => member.over(stored),
                        None => member,
                    };
                    (name, member)
                };
                Self::Map(members.into_iter().map(over).collect())
            }
            (Self::List(items), Self::List(old)) => {
                let mut old = old.iter();
                let over = |item: Self| match old.next() {
                    Some(stored) => item.over(stored),
                    None => item,
                };
                Self::List(items.into_iter().map(over).collect())
            }
            (given, stored) => given.respelled(stored).unwrap_or(given),
        }
    }

    /// `None`: it spells nothing of the type that stands there.
    fn respelled(&self, stored: &Self) -> Option<Self> {
        match (self, stored) {
            (Self::Text(text), Self::Binary(_)) => bytes(text).map(Self::Binary),
            (Self::List(items), Self::Texts(_)) => members(items, text).map(Self::Texts),
            (Self::List(items), Self::Numbers(_)) => members(items, digits).map(Self::Numbers),
            (Self::List(items), Self::Binaries(_)) => {
                let texts = members(items, text)?;
                texts.into_iter().map(|text| bytes(&text)).collect::<Option<_>>().map(Self::Binaries)
            }
            _ => None,
        }
    }
}

/// What a set takes: at least one member, none of them twice.
fn members(items: &[Attribute], member: fn(&Attribute) -> Option<&String>) -> Option<Vec<String>> {
    let members = items.iter().map(member).collect::<Option<Vec<_>>>()?;
    let is_set = !members.is_empty() && members.iter().collect::<BTreeSet<_>>().len() == members.len();
    is_set.then(|| members.into_iter().cloned().collect())
}

fn text(attribute: &Attribute) -> Option<&String> {
    if let Attribute::Text(text) = attribute { Some(text) } else { None }
}

fn digits(attribute: &Attribute) -> Option<&String> {
    if let Attribute::Number(digits) = attribute { Some(digits) } else { None }
}

fn bytes(text: &str) -> Option<Base64> {
    STANDARD.decode(text).ok().map(Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, stored: &str, expected: &str) {
        let [given, stored] = [given, stored].map(|form| serde_json::from_str::<Attribute>(form).unwrap());
        assert_eq!(serde_json::to_string(&given.over(&stored)).unwrap(), expected);
    }

    #[test]
    fn what_was_read_and_is_written_back_keeps_its_types_at_any_depth() {
        let set = r#"{"L":[{"S":"b"},{"S":"a"}]}"#;
        check(set, r#"{"SS":["a","c"]}"#, r#"{"SS":["b","a"]}"#);
        check(r#"{"L":[{"N":"1"},{"N":"2"}]}"#, r#"{"NS":["7"]}"#, r#"{"NS":["1","2"]}"#);
        check(r#"{"L":[{"S":"AAEC"}]}"#, r#"{"BS":["AA=="]}"#, r#"{"BS":["AAEC"]}"#);
        check(r#"{"S":"AAEC"}"#, r#"{"B":"AA=="}"#, r#"{"B":"AAEC"}"#);
        check(
            r#"{"M":{"inner":{"L":[{"S":"AAEC"},{"L":[{"N":"1"}]},{"S":"AAEC"}]},"new":{"S":"AAEC"}}}"#,
            r#"{"M":{"inner":{"L":[{"B":"AA=="},{"NS":["1"]}]},"old":{"B":"AA=="}}}"#,
            r#"{"M":{"inner":{"L":[{"B":"AAEC"},{"NS":["1"]},{"S":"AAEC"}]},"new":{"S":"AAEC"}}}"#,
        );
    }

    #[test]
    fn only_what_may_become_something_else_depends_on_what_stands_there() {
        for (form, has_forms) in [
            (r#"{"S":"AAEC"}"#, true),
            (r#"{"S":"a text"}"#, false),
            (r#"{"N":"1"}"#, false),
            (r#"{"L":[{"N":"1"}]}"#, true),
            (r#"{"L":[]}"#, false),
            (r#"{"M":{"a":{"S":"a text"},"b":{"M":{"c":{"N":"1"}}}}}"#, false),
            (r#"{"M":{"a":{"M":{"b":{"S":"AAEC"}}}}}"#, true),
        ] {
            assert_eq!(serde_json::from_str::<Attribute>(form).unwrap().has_forms(), has_forms, "{form}");
        }
    }

    #[test]
    fn what_spells_nothing_of_the_stored_type_is_what_it_is() {
        for (given, stored) in [
            (r#"{"S":"no base64!"}"#, r#"{"B":"AA=="}"#),
            (r#"{"S":"AAEC"}"#, r#"{"S":"x"}"#),
            (r#"{"L":[]}"#, r#"{"SS":["a"]}"#),
            (r#"{"L":[{"S":"a"},{"S":"a"}]}"#, r#"{"SS":["a"]}"#),
            (r#"{"L":[{"S":"a"},{"N":"1"}]}"#, r#"{"SS":["a"]}"#),
            (r#"{"L":[{"S":"a"}]}"#, r#"{"NS":["1"]}"#),
            (r#"{"L":[{"S":"?"}]}"#, r#"{"BS":["AA=="]}"#),
            (r#"{"N":"1"}"#, r#"{"NS":["1"]}"#),
        ] {
            check(given, stored, given);
        }
    }
}
