//! The hash that places a key in a page. Written to disk, so it is ours and never changes.

/// 64-bit hash of a key: eight bytes at a time by multiplication and rotation (as in `FxHash`), then
/// the finalizer of `MurmurHash3` so that the high bits, which order the pages, depend on all bytes.
pub(super) fn of(key: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (key.len() as u64).wrapping_mul(MULTIPLIER);
    let mut add = |word: u64| hash = (hash.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    let (words, rest) = key.as_chunks::<8>();
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    add(u64::from_le_bytes(last));
    finalize(hash)
}

/// `fmix64` of `MurmurHash3`.
fn finalize(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
