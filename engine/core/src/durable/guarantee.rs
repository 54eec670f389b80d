//! How far the events of an accumulator are guarded against a crash.

use std::fmt;
use std::str::FromStr;

/// How far the events of an accumulator are guarded against a crash. A firing has the weakest guarantee of
/// its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Guarantee {
    /// At most once: accepted when it is in the ring. A crash loses what is there.
    #[default]
    Fast,
    /// At least once: accepted when it is on disk. A crash delivers again what had not settled.
    Durable,
    /// As durable; and outputs leave only after the state that they come from is on disk, so that each
    /// event acts on state once, and an output that leaves twice has the same number.
    EffectivelyOnce,
}

impl Guarantee {
    /// Every guarantee, the weakest first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Durable, Self::EffectivelyOnce];

    /// Its name in manifests and listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Durable => "durable",
            Self::EffectivelyOnce => "effectively_once",
        }
    }

    /// Whether accepted events are on disk.
    pub fn is_durable(self) -> bool {
        self != Self::Fast
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no guarantee.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("E0347: {text:?} is no delivery; write fast, durable or effectively_once")]
pub struct UnknownGuarantee {
    /// The text.
    pub text: String,
}

impl FromStr for Guarantee {
    type Err = UnknownGuarantee;

    fn from_str(text: &str) -> Result<Self, UnknownGuarantee> {
        let known = Self::ALL.into_iter().find(|guarantee| guarantee.as_str() == text);
        known.ok_or_else(|| UnknownGuarantee { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Guarantee;

    #[test]
    fn every_guarantee_is_read_back_from_its_name_and_no_other_text_is() {
        for guarantee in Guarantee::ALL {
            assert_eq!(guarantee.to_string().parse(), Ok(guarantee));
        }
        assert!("Durable".parse::<Guarantee>().unwrap_err().to_string().contains("effectively_once"));
    }
}
