//! XXH64 (Collet, *xxHash fast digest algorithm*, specification 0.1.1): a stable hash for arms and fingerprints.
//!
//! Written out here because its values are kept for ever: which arm a key takes must not change with a dependency.

const P1: u64 = 0x9e37_79b1_85eb_ca87;
const P2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const P3: u64 = 0x1656_67b1_9e37_79f9;
const P4: u64 = 0x85eb_ca77_c2b2_ae63;
const P5: u64 = 0x27d4_eb2f_1656_67c5;

/// The hash of the bytes under a seed.
pub(crate) fn xxh64(bytes: &[u8], seed: u64) -> u64 {
    let (stripes, rest) = bytes.as_chunks::<32>();
    let mut hash = if stripes.is_empty() {
        seed.wrapping_add(P5)
    } else {
        long(stripes, seed)
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash ^= round(0, u64::from_le_bytes(*word));
        hash = hash.rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        hash ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(P1);
        hash = hash.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
    }
    for byte in rest {
        hash ^= u64::from(*byte).wrapping_mul(P5);
        hash = hash.rotate_left(11).wrapping_mul(P1);
    }
    avalanche(hash)
}

/// Four lanes over the stripes, merged.
fn long(stripes: &[[u8; 32]], seed: u64) -> u64 {
    let mut lanes = [
        seed.wrapping_add(P1).wrapping_add(P2),
        seed.wrapping_add(P2),
        seed,
        seed.wrapping_sub(P1),
    ];
    for stripe in stripes {
        let (words, _) = stripe.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = round(*lane, u64::from_le_bytes(*word));
        }
    }
    let [a, b, c, d] = lanes;
    let turned = [
        a.rotate_left(1),
        b.rotate_left(7),
        c.rotate_left(12),
        d.rotate_left(18),
    ];
    let mut hash = turned.into_iter().fold(0_u64, u64::wrapping_add);
    for lane in lanes {
        hash = (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
    }
    hash
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2))
        .rotate_left(31)
        .wrapping_mul(P1)
}

fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(P3);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::xxh64;

    #[test]
    fn the_hash_is_that_of_python_xxhash() {
        // xxhash.xxh64(text, seed).intdigest() of the Python package xxhash.
        for (text, seed, hash) in EXPECTED {
            assert_eq!(xxh64(text.as_bytes(), *seed), *hash, "{text:?} {seed}");
        }
    }

    const EXPECTED: &[(&str, u64, u64)] = &[
        ("", 0, 17241709254077376921),
        ("", 1, 15397730242686860875),
        ("a", 0, 15154266338359012955),
        ("abc", 0, 4952883123889572249),
        ("card-4711", 20141025, 4494358875086354703),
        ("0123456789abcdef0123456789abcdef", 0, 7217744722875508421),
        (
            "The quick brown fox jumps over the lazy dog, twice: The quick brown fox",
            18446744073709551615,
            14552090134500377852,
        ),
    ];
}
