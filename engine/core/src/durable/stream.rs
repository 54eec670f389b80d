//! The number under which the journal files what belongs to one name.

/// Number of the stream of `name` among those of `kind`: the first eight bytes of BLAKE3 over both, so that
/// it is the same in every process and no table of names has to be kept.
pub fn stream_number(kind: &str, name: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(kind.len() as u64).to_le_bytes()).update(kind.as_bytes()).update(name.as_bytes());
    first_eight(&hasher)
}

/// The first eight bytes of a hash, as a number.
pub(super) fn first_eight(hasher: &blake3::Hasher) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::stream_number;

    #[test]
    fn numbers_are_the_same_in_every_process_and_kinds_do_not_run_into_names() {
        assert_eq!(stream_number("accumulator", "departures"), stream_number("accumulator", "departures"));
        assert_ne!(stream_number("accumulator", "a"), stream_number("reactor", "a"));
        assert_ne!(stream_number("ab", "c"), stream_number("a", "bc"));
    }
}
