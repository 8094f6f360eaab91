//! States that serde writes, behind a byte that says in which form.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StateDecodeError;

/// Bytes of a state, at most: what checked settings allow, and room. A wrong length asks for no more.
const BYTES_MAX: usize = 128 << 20;

/// Appends a state of this form.
pub(in crate::operators) fn encode<T: Serialize>(version: u8, state: &T, out: &mut Vec<u8>) {
    out.push(version);
    // States have nothing that bincode cannot say, and memory takes what is written.
    let bytes = bincode::serde::encode_to_vec(state, configuration());
    out.extend(bytes.unwrap_or_default());
}

/// A state of this form; `otherwise` says what it is not if the bytes are no such thing.
///
/// # Errors
/// If the bytes are of another form, too few, too many, or no such state.
pub(in crate::operators) fn decode<T: DeserializeOwned>(
    expected: u8,
    bytes: &[u8],
    otherwise: &'static str,
) -> Result<T, StateDecodeError> {
    let (found, rest) = bytes.split_first().ok_or(StateDecodeError::Truncated)?;
    if *found != expected {
        let found = *found;
        return Err(StateDecodeError::Version { found, expected });
    }
    let decoded = bincode::serde::decode_from_slice(rest, configuration());
    let (state, read) = decoded.map_err(|_| StateDecodeError::Malformed(otherwise))?;
    match rest.len() - read {
        0 => Ok(state),
        more => Err(StateDecodeError::TooLong(more)),
    }
}

fn configuration() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<BYTES_MAX>()
}

#[cfg(test)]
mod tests {
    use super::*;

    type State = (String, Vec<u64>);

    #[test]
    fn a_state_comes_back_and_one_of_another_form_cut_short_or_with_more_behind_it_does_not() {
        let state: State = ("s".into(), vec![1, 2, 3]);
        let mut bytes = Vec::new();
        encode(2, &state, &mut bytes);
        assert_eq!(decode::<State>(2, &bytes, "no state"), Ok(state));
        let (found, expected) = (2, 3);
        assert_eq!(
            decode::<State>(3, &bytes, "no state"),
            Err(StateDecodeError::Version { found, expected })
        );
        assert_eq!(
            decode::<State>(2, &[], "no state"),
            Err(StateDecodeError::Truncated)
        );
        for length in 1..bytes.len() {
            assert_eq!(
                decode::<State>(2, &bytes[..length], "no state"),
                Err(StateDecodeError::Malformed("no state"))
            );
        }
        bytes.extend([7, 7]);
        assert_eq!(
            decode::<State>(2, &bytes, "no state"),
            Err(StateDecodeError::TooLong(2))
        );
    }

    #[test]
    fn a_length_beyond_all_bounds_is_refused_before_it_is_believed() {
        let mut bytes = Vec::new();
        encode(1, &(1u8, u64::MAX), &mut bytes);
        assert!(decode::<(u8, Vec<u64>)>(1, &bytes, "no state").is_err());
    }
}
