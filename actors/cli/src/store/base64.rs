//! Bytes as text, in the standard alphabet with padding (RFC 4648).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text of `bytes`.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let place = (word >> (18 - 6 * at)) & 63;
            text.push(if at <= chunk.len() { char::from(ALPHABET[place as usize]) } else { '=' });
        }
    }
    text
}

/// The bytes of `text`; `None` if it is not what [`encode`] writes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (quads, []) = text.as_bytes().as_chunks::<4>() else { return None };
    for (at, quad) in quads.iter().enumerate() {
        let is_last = at + 1 == quads.len();
        let n = quad.iter().rposition(|byte| *byte != b'=')? + 1;
        if n < 2 || (n < 4 && !is_last) {
            return None;
        }
        let mut word = 0_u32;
        for byte in &quad[..n] {
            word = word << 6 | u32::try_from(ALPHABET.iter().position(|known| known == byte)?).ok()?;
        }
        let spare = (n * 6) % 8;
        if word & ((1 << spare) - 1) != 0 {
            return None;
        }
        bytes.extend_from_slice(&(word << (6 * (4 - n))).to_be_bytes()[1..n]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn texts_are_those_of_the_standard_and_nothing_else_is_read() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        for text in ["Z", "Zg=", "Zh==", "Zg==Zg==", "Z===", "====", "Zm9.", "Zm9v\n"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn all_bytes_come_back() {
        let all: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for n in 0..all.len() {
            assert_eq!(decode(&encode(&all[..n])).as_deref(), Some(&all[..n]));
        }
    }
}
