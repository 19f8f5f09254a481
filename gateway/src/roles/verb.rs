//! Verbs and requestors as words and as the numbers of role records. No matching of paths.

use std::fmt;
use std::ops::{BitAnd, BitOr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Requestor;

/// What a request does to a resource. HEAD is a GET without its body, MERGE another word for PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Read.
    Get,
    /// Create, or call.
    Post,
    /// Replace.
    Put,
    /// Change in part.
    Patch,
    /// Remove.
    Delete,
}

impl Verb {
    /// The verb of an HTTP method in any case; `None` for a method that services never see (OPTIONS, TRACE …).
    pub fn from_method(method: &str) -> Option<Self> {
        const METHODS: [(&str, Verb); 7] = [
            ("GET", Verb::Get),
            ("HEAD", Verb::Get),
            ("POST", Verb::Post),
            ("PUT", Verb::Put),
            ("PATCH", Verb::Patch),
            ("MERGE", Verb::Patch),
            ("DELETE", Verb::Delete),
        ];
        METHODS.iter().find(|(word, _)| word.eq_ignore_ascii_case(method)).map(|(_, verb)| *verb)
    }

    /// The upper-case word, as messages and `access` lists show it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    const fn bit(self) -> u16 {
        match self {
            Self::Get => 1,
            Self::Post => 2,
            Self::Put => 4,
            Self::Patch => 8,
            Self::Delete => 16,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word or number of a mask that has no meaning. Names what was given and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' is not known here; expected {expected}")]
pub struct UnknownWord {
    given: String,
    expected: &'static str,
}

/// A set of verbs with the numbers of role records. HEAD (64) is counted as GET; OPTIONS, COPY, TRACE and CONNECT
/// are kept, so that a stored number is not lost, but grant nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VerbMask(u16);

const HEAD: u16 = 64;
const MASK_WORDS: [(&str, u16); 11] = [
    ("GET", 1),
    ("POST", 2),
    ("PUT", 4),
    ("PATCH", 8),
    ("DELETE", 16),
    ("OPTIONS", 32),
    ("COPY", 128),
    ("TRACE", 256),
    ("CONNECT", 512),
    // Only for reading words; the bit itself never stays in a mask, so it is never written.
    ("HEAD", HEAD),
    ("MERGE", 8),
];
const WRITTEN_WORDS: usize = 9;

impl VerbMask {
    /// No verb.
    pub const NONE: Self = Self(0);
    /// GET, POST, PUT, PATCH and DELETE.
    pub const ALL: Self = Self(31);

    /// The mask of a role record's number.
    ///
    /// # Errors
    /// [`UnknownWord`] when a bit above CONNECT (512) is set.
    pub fn from_bits(bits: u16) -> Result<Self, UnknownWord> {
        if bits > 1023 {
            return Err(UnknownWord {
                given: bits.to_string(),
                expected: "a sum of verb numbers from 0 to 1023",
            });
        }
        Ok(Self(0).with(bits))
    }

    /// The mask of a list of verb words in any case, `MERGE` (PATCH) and `HEAD` (GET) included.
    ///
    /// # Errors
    /// [`UnknownWord`] for the first word that is no verb.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownWord> {
        words.into_iter().try_fold(Self::NONE, |mask, given| {
            let bit = MASK_WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(given));
            bit.map(|(_, bit)| mask.with(*bit)).ok_or_else(|| UnknownWord {
                given: given.to_owned(),
                expected: "GET, POST, PUT, PATCH or DELETE",
            })
        })
    }

    /// The number of a role record.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The upper-case words, in the order of their numbers.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let written = MASK_WORDS.iter().take(WRITTEN_WORDS);
        written.filter(move |(_, bit)| self.0 & bit != 0).map(|(word, _)| *word)
    }

    /// Whether the mask grants the verb.
    pub const fn contains(self, verb: Verb) -> bool {
        self.0 & verb.bit() != 0
    }

    /// Whether the mask grants none of the five verbs.
    pub const fn grants_nothing(self) -> bool {
        self.0 & Self::ALL.0 == 0
    }

    const fn with(self, bits: u16) -> Self {
        let bits = self.0 | bits;
        if bits & HEAD == 0 { Self(bits) } else { Self(bits & !HEAD | Verb::Get.bit()) }
    }
}

impl BitOr for VerbMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for VerbMask {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl From<Verb> for VerbMask {
    fn from(verb: Verb) -> Self {
        Self(verb.bit())
    }
}

/// For whom an access entry counts: requests from outside (1), scripts (2), both (3) or, by 0, nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RequestorMask(u8);

impl From<Requestor> for RequestorMask {
    fn from(requestor: Requestor) -> Self {
        match requestor {
            Requestor::Api => Self::API,
            Requestor::Script => Self::SCRIPT,
        }
    }
}

impl BitOr for RequestorMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl RequestorMask {
    /// Requests from outside only.
    pub const API: Self = Self(1);
    /// Calls that scripts make only.
    pub const SCRIPT: Self = Self(2);
    /// Both.
    pub const BOTH: Self = Self(3);

    /// The mask of a role record's number.
    ///
    /// # Errors
    /// [`UnknownWord`] for a number above 3.
    pub fn from_bits(bits: u8) -> Result<Self, UnknownWord> {
        if bits > 3 {
            return Err(UnknownWord { given: bits.to_string(), expected: "1 (API), 2 (SCRIPT) or 3 (both)" });
        }
        Ok(Self(bits))
    }

    /// The mask of a list of the words `API` and `SCRIPT`, in any case.
    ///
    /// # Errors
    /// [`UnknownWord`] for the first other word.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownWord> {
        words.into_iter().try_fold(Self::default(), |mask, given| {
            if given.eq_ignore_ascii_case("API") {
                return Ok(Self(mask.0 | Self::API.0));
            }
            if given.eq_ignore_ascii_case("SCRIPT") {
                return Ok(Self(mask.0 | Self::SCRIPT.0));
            }
            Err(UnknownWord { given: given.to_owned(), expected: "API or SCRIPT" })
        })
    }

    /// The number of a role record.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether an entry with this mask counts for the requestor.
    pub const fn includes(self, requestor: Requestor) -> bool {
        let bit = match requestor {
            Requestor::Api => Self::API.0,
            Requestor::Script => Self::SCRIPT.0,
        };
        self.0 & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_words_and_numbers_agree() {
        fn check(words: &[&str], bits: u16, written: &[&str]) {
            let mask = VerbMask::from_words(words.iter().copied()).unwrap();
            assert_eq!(mask.bits(), bits, "{words:?}");
            assert_eq!(mask.words().collect::<Vec<_>>(), written);
            assert_eq!(VerbMask::from_words(written.iter().copied()), Ok(mask), "read back");
        }
        check(&[], 0, &[]);
        check(&["get"], 1, &["GET"]);
        check(&["DELETE", "Get", "MERGE"], 25, &["GET", "PATCH", "DELETE"]);
        check(&["GET", "POST", "PUT", "PATCH", "DELETE"], 31, &["GET", "POST", "PUT", "PATCH", "DELETE"]);
        check(&["HEAD"], 1, &["GET"]);
        check(&["OPTIONS", "COPY", "TRACE", "CONNECT"], 928, &["OPTIONS", "COPY", "TRACE", "CONNECT"]);
    }

    #[test]
    fn head_number_counts_as_get() {
        assert_eq!(VerbMask::from_bits(64).unwrap().bits(), 1);
        assert_eq!(VerbMask::from_bits(66).unwrap().bits(), 3);
        assert_eq!(Verb::from_method("head"), Some(Verb::Get));
    }

    #[test]
    fn masks_without_a_common_verb_grant_nothing() {
        assert!(VerbMask::from_bits(928).unwrap().grants_nothing());
        assert!(!VerbMask::from_bits(16).unwrap().grants_nothing());
    }

    #[test]
    fn unknown_words_and_numbers_are_named() {
        let error = VerbMask::from_words(["GET", "FETCH"]).unwrap_err();
        assert_eq!(error.to_string(), "'FETCH' is not known here; expected GET, POST, PUT, PATCH or DELETE");
        assert!(VerbMask::from_bits(1024).is_err());
        assert!(RequestorMask::from_bits(4).is_err());
        assert!(RequestorMask::from_words(["WEB"]).is_err());
        assert_eq!(Verb::from_method("OPTIONS"), None);
    }

    #[test]
    fn requestor_mask_zero_is_nobody() {
        for (bits, api, script) in [(0, false, false), (1, true, false), (2, false, true), (3, true, true)] {
            let mask = RequestorMask::from_bits(bits).unwrap();
            assert_eq!((mask.includes(Requestor::Api), mask.includes(Requestor::Script)), (api, script));
        }
        assert_eq!(RequestorMask::from_words(["api", "SCRIPT"]), Ok(RequestorMask::BOTH));
    }
}
