//! The bytes are those of the documented format, and nothing else opens.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{Opened, open, seal};

/// Made by hand from the format's table, in Python, with a bitwise CRC-32C that gives the check
/// value 0xE3069283 for `123456789`: one envelope per line, in hexadecimal.
const GOLDEN: &str = include_str!("golden.hex");

fn golden() -> [(Bytes, u16, Option<i64>, &'static [u8]); 2] {
    let bytes = |line: usize| -> Bytes {
        let hex = GOLDEN.lines().nth(line).unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    };
    let payload = b"Thalweg keeps the deepest line";
    [
        (bytes(0), 7, Some(1_700_000_000_123), payload),
        (bytes(1), 1, None, b""),
    ]
}

#[test]
fn sealed_bytes_are_those_of_the_documented_format() {
    for (bytes, schema_version, timer, payload) in golden() {
        assert_eq!(
            seal(schema_version, timer, payload, &mut BytesMut::new()),
            bytes
        );
        let opened = Opened {
            schema_version,
            timer,
            payload: Bytes::from_static(payload),
        };
        assert_eq!(open(&bytes), Ok(opened));
    }
}

#[test]
fn every_flip_of_one_byte_and_every_cut_is_an_error() {
    for (bytes, ..) in golden() {
        for at in 0..bytes.len() {
            open(&bytes.slice(..at)).unwrap_err();
            for flip in 1..=255 {
                let mut damaged = bytes.to_vec();
                damaged[at] ^= flip;
                open(&damaged.into()).unwrap_err();
            }
        }
        let longer = [&bytes[..], b"\0"].concat();
        open(&longer.into()).unwrap_err();
    }
}

proptest! {
    #[test]
    fn what_was_sealed_is_opened(
        schema_version: u16,
        timer in prop::option::of(i64::MIN..i64::MAX),
        payload in prop::collection::vec(any::<u8>(), 0..500),
    ) {
        let sealed = seal(schema_version, timer, &payload, &mut BytesMut::new());
        let payload = Bytes::from(payload);
        prop_assert_eq!(open(&sealed), Ok(Opened { schema_version, timer, payload }));
    }

    #[test]
    fn any_bytes_open_or_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(open(&bytes.into()).is_err());
    }
}
