//! A page: the sessions of one range of hashes, in the order of (hash, key).
//!
//! Format, little-endian: count `u32`; per entry hash `u64` and the end of its body `u32` (counted
//! from the first body); then the bodies: key length `u32`, key, value. The lookup is a binary
//! search over the hashes. Whether the bytes are the right ones is checked by the page's checksum
//! in the table, so what does not decode here is a defect or a collision of checksums.

use bytes::{BufMut, Bytes};

use super::super::store::{Entry, Space};
use super::hash;

/// Size that a split aims at. Larger costs sparse epochs and loads more bytes per key, smaller makes
/// the table larger, which every epoch writes.
const TARGET_BYTES: usize = 8 << 10;
/// A page larger than this is split.
const MAX_BYTES: usize = 2 * TARGET_BYTES;
/// A page smaller than this is joined with the next one when it is rewritten.
const MIN_BYTES: usize = TARGET_BYTES / 4;

const COUNT_BYTES: usize = 4;
const INDEX_BYTES: usize = 12;

/// What becomes of a key.
pub(super) struct Edit<'a> {
    pub(super) space: Space,
    pub(super) hash: u64,
    key: &'a [u8],
    value: Option<&'a [u8]>,
}

/// A page as it was read.
pub(super) struct Page {
    bytes: Bytes,
    count: usize,
}

/// Entries in order, of any size, to be cut into pages.
#[derive(Default)]
pub(super) struct Run {
    /// Hash of each entry and the end of its body.
    index: Vec<(u64, usize)>,
    bodies: Vec<u8>,
}

/// A stretch of a run that becomes a page.
pub(super) struct Piece<'a> {
    pub(super) first_hash: u64,
    index: &'a [(u64, usize)],
    bodies: &'a [u8],
    /// Where its bodies begin in the run.
    offset: usize,
}

/// Entries as edits by space, hash and key; of several for one key, the last.
pub(super) fn sorted_edits(entries: &[Entry]) -> Vec<Edit<'_>> {
    let mut edits: Vec<Edit<'_>> = entries
        .iter()
        .map(|entry| Edit {
            space: entry.space,
            hash: hash::of(&entry.key),
            key: &entry.key,
            value: entry.value.as_deref(),
        })
        .collect();
    // The sort is stable, so the last of equals is the last written.
    edits.sort_by(|a, b| a.place().cmp(&b.place()));
    edits.dedup_by(|later, earlier| {
        let same = later.place() == earlier.place();
        if same {
            earlier.value = later.value;
        }
        same
    });
    edits
}

impl Edit<'_> {
    fn place(&self) -> (Space, u64, &[u8]) {
        (self.space, self.hash, self.key)
    }
}

impl Page {
    /// `None` if the bytes are no page.
    pub(super) fn decode(bytes: Bytes) -> Option<Self> {
        let count = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let bodies = COUNT_BYTES.checked_add(count.checked_mul(INDEX_BYTES)?)?;
        let page = Self { bytes, count };
        let end = count.checked_sub(1).map_or(0, |last| page.index(last).1);
        (page.bytes.len() == bodies.checked_add(end)?).then_some(page)
    }

    pub(super) fn get(&self, hash: u64, key: &[u8]) -> Option<&[u8]> {
        let from = self.first_from(hash);
        let same_hash = (from..self.count).take_while(|i| self.index(*i).0 == hash);
        let mut entries = same_hash.map(|i| self.entry(i));
        entries.find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// Keys and values in order, from a hash on.
    pub(super) fn entries_from(&self, hash: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
        (self.first_from(hash)..self.count).map(|i| self.entry(i))
    }

    /// The first entry with this hash or a higher one.
    fn first_from(&self, hash: u64) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.index(middle).0 < hash {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Hash and end of the body of an entry; zeros beyond the page's end.
    fn index(&self, i: usize) -> (u64, usize) {
        let at = COUNT_BYTES + i * INDEX_BYTES;
        let Some(bytes) = self
            .bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk::<INDEX_BYTES>)
        else {
            return (0, 0);
        };
        let [h0, h1, h2, h3, h4, h5, h6, h7, e0, e1, e2, e3] = *bytes;
        let hash = u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7]);
        (hash, u32::from_le_bytes([e0, e1, e2, e3]) as usize)
    }

    fn entry(&self, i: usize) -> (&[u8], &[u8]) {
        split_body(self.body(i)).unwrap_or_default()
    }

    fn body(&self, i: usize) -> &[u8] {
        let bodies = COUNT_BYTES + self.count * INDEX_BYTES;
        let start = i.checked_sub(1).map_or(0, |before| self.index(before).1);
        let range = bodies + start..bodies + self.index(i).1;
        self.bytes.get(range).unwrap_or_default()
    }
}

/// Key and value of a body.
fn split_body(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

impl Run {
    /// Appends what a page becomes by edits, all in order and beyond what is here.
    pub(super) fn merge(&mut self, page: Option<&Page>, edits: &[Edit<'_>]) {
        let mut edits = edits.iter().peekable();
        for i in 0..page.map_or(0, |page| page.count) {
            let Some(page) = page else { break };
            let (hash, _) = page.index(i);
            let body = page.body(i);
            let (key, _) = split_body(body).unwrap_or_default();
            while let Some(edit) = edits.next_if(|e| (e.hash, e.key) < (hash, key)) {
                self.push(edit);
            }
            match edits.next_if(|e| (e.hash, e.key) == (hash, key)) {
                Some(edit) => self.push(edit),
                None => {
                    self.bodies.extend_from_slice(body);
                    self.index.push((hash, self.bodies.len()));
                }
            }
        }
        for edit in edits {
            self.push(edit);
        }
    }

    /// Whether a page of this would be a crumb.
    pub(super) fn is_small(&self) -> bool {
        self.bytes() < MIN_BYTES
    }

    /// Cuts it into pages of about equal size. Entries of one hash stay together.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let pieces = match self.bytes() {
            bytes if bytes <= MAX_BYTES => 1,
            bytes => bytes.div_ceil(TARGET_BYTES),
        };
        let piece_bytes = self.bodies.len().div_ceil(pieces);
        let mut first = 0;
        std::iter::from_fn(move || {
            let (first_hash, _) = *self.index.get(first)?;
            let offset = first
                .checked_sub(1)
                .map_or(0, |before| self.index[before].1);
            let mut end = first + 1;
            while end < self.index.len() {
                let full = self.index[end].1 - offset > piece_bytes;
                if full && self.index[end].0 != self.index[end - 1].0 {
                    break;
                }
                end += 1;
            }
            let index = &self.index[first..end];
            first = end;
            Some(Piece {
                first_hash,
                index,
                bodies: &self.bodies[offset..self.index[end - 1].1],
                offset,
            })
        })
    }

    fn push(&mut self, edit: &Edit<'_>) {
        let Some(value) = edit.value else { return };
        self.bodies.put_u32_le(length(edit.key.len()));
        self.bodies.extend_from_slice(edit.key);
        self.bodies.extend_from_slice(value);
        self.index.push((edit.hash, self.bodies.len()));
    }

    fn bytes(&self) -> usize {
        self.index.len() * INDEX_BYTES + self.bodies.len()
    }
}

impl Piece<'_> {
    pub(super) fn count(&self) -> u32 {
        length(self.index.len())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let index_bytes = self.index.len() * INDEX_BYTES;
        let mut page = Vec::with_capacity(COUNT_BYTES + index_bytes + self.bodies.len());
        page.put_u32_le(self.count());
        for (hash, end) in self.index {
            page.put_u64_le(*hash);
            page.put_u32_le(length(end - self.offset));
        }
        page.extend_from_slice(self.bodies);
        page
    }
}

/// Lengths within a page are 32 bits.
fn length(length: usize) -> u32 {
    #[expect(
        clippy::expect_used,
        reason = "keys, values and pages come from log records, which are far below 4 GiB"
    )]
    u32::try_from(length).expect("below 4 GiB")
}
