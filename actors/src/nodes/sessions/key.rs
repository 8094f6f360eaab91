//! A session's key: short ones lie in the session itself, so that comparing one goes nowhere else.

use std::ops::Deref;

/// Bytes of a key that need no memory of their own. Makes the key 24 bytes long.
const INLINE_MAX: usize = 22;

/// The bytes of a key.
pub struct Key(Place);

enum Place {
    Here { length: u8, bytes: [u8; INLINE_MAX] },
    There(Box<[u8]>),
}

impl Key {
    /// Bytes in memory beside the key itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Place::Here { .. } => 0,
            Place::There(bytes) => bytes.len(),
        }
    }
}

impl From<&[u8]> for Key {
    fn from(key: &[u8]) -> Self {
        match u8::try_from(key.len()) {
            Ok(length) if key.len() <= INLINE_MAX => {
                let mut bytes = [0; INLINE_MAX];
                bytes[..key.len()].copy_from_slice(key);
                Self(Place::Here { length, bytes })
            }
            _ => Self(Place::There(key.into())),
        }
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Here { length, bytes } => &bytes[..usize::from(*length)],
            Place::There(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_bytes_back_whatever_its_length() {
        for length in [0, 1, 21, 22, 23, 24, 255, 256, 300] {
            let bytes: Vec<u8> = (0..length).map(|nth| (nth % 251) as u8).collect();
            assert_eq!(&*Key::from(&bytes[..]), &bytes[..]);
        }
        assert_eq!(size_of::<Key>(), 24);
    }
}
