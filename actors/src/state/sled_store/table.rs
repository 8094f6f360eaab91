//! Which page covers which hashes, and the root that names the table and holds the marker.
//!
//! A page covers the hashes from its start to the next page's start in its space. Hashes before the
//! first start have no page yet.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::super::envelope;
use super::super::store::{Marker, Space};
use super::space::Extent;

/// Version of the root's encoding and of all that it leads to.
const VERSION: u16 = 2;

/// A page in an encoded table.
const ENTRY_BYTES: usize = 30;

/// What bytes must be that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) length: u32,
    pub(super) checksum: u32,
}

/// Where a page lies, and what its bytes must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageRef {
    /// Its first block in the page file.
    pub(super) block: u64,
    pub(super) sum: Sum,
    pub(super) entries: u32,
}

/// The pages by space and start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table(BTreeMap<(Space, u64), PageRef>);

/// A range of hashes with the page that covers it.
pub(super) struct Covered {
    pub(super) start: u64,
    /// The first hash beyond; `None`: all.
    pub(super) end: Option<u64>,
    pub(super) page: Option<PageRef>,
}

/// All that is needed to find everything else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Root {
    /// Grows by one with each root.
    pub(super) sequence: u64,
    /// Of the table in the root's slot; `None` in a new store.
    pub(super) table: Option<Sum>,
    pub(super) marker: Option<Marker>,
}

impl Sum {
    pub(super) fn of(bytes: &[u8]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "pages come from log records, which are far below 4 GiB"
        )]
        let length = u32::try_from(bytes.len()).expect("page below 4 GiB");
        Self {
            length,
            checksum: crc32c::crc32c(bytes),
        }
    }

    pub(super) fn matches(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.length as usize && crc32c::crc32c(bytes) == self.checksum
    }

    fn put(&self, out: &mut impl BufMut) {
        out.put_u32_le(self.length);
        out.put_u32_le(self.checksum);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            length: from.try_get_u32_le().ok()?,
            checksum: from.try_get_u32_le().ok()?,
        })
    }
}

impl PageRef {
    /// The blocks that the page takes.
    pub(super) fn extent(&self) -> Extent {
        Extent::of(self.block, self.sum.length as usize)
    }

    fn put(&self, out: &mut impl BufMut) {
        out.put_u64_le(self.block);
        self.sum.put(out);
        out.put_u32_le(self.entries);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            block: from.try_get_u64_le().ok()?,
            sum: Sum::take(from)?,
            entries: from.try_get_u32_le().ok()?,
        })
    }
}

impl Covered {
    /// Whether a hash at or after the start is in the range.
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.end.is_none_or(|end| hash < end)
    }
}

impl Table {
    /// The range that a hash is in.
    pub(super) fn covering(&self, space: Space, hash: u64) -> Covered {
        let before = self.0.range((space, 0)..=(space, hash)).next_back();
        let end = match hash.checked_add(1) {
            Some(next) => self.first_from(space, next).map(|(start, _)| start),
            None => None,
        };
        Covered {
            start: before.map_or(0, |((_, start), _)| *start),
            end,
            page: before.map(|(_, page)| *page),
        }
    }

    /// The first page of a space that starts at or after a hash.
    pub(super) fn first_from(&self, space: Space, hash: u64) -> Option<(u64, PageRef)> {
        let mut pages = self.0.range((space, hash)..=(space, u64::MAX));
        pages.next().map(|((_, start), page)| (*start, *page))
    }

    pub(super) fn insert(&mut self, space: Space, start: u64, page: PageRef) {
        self.0.insert((space, start), page);
    }

    pub(super) fn remove(&mut self, space: Space, start: u64) {
        self.0.remove(&(space, start));
    }

    /// All pages.
    pub(super) fn pages(&self) -> impl Iterator<Item = &PageRef> {
        self.0.values()
    }

    /// Entries in all pages.
    pub(super) fn entries(&self) -> u64 {
        self.pages().map(|page| u64::from(page.entries)).sum()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * ENTRY_BYTES);
        for ((space, start), page) in &self.0 {
            out.put_u16_le(*space);
            out.put_u64_le(*start);
            page.put(&mut out);
        }
        out
    }

    /// `None` if the bytes are no table.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut pages = BTreeMap::new();
        while !bytes.is_empty() {
            let place = (bytes.try_get_u16_le().ok()?, bytes.try_get_u64_le().ok()?);
            pages.insert(place, PageRef::take(&mut bytes)?);
        }
        Some(Self(pages))
    }
}

impl Root {
    /// Where in sled it and its table are.
    pub(super) fn slot(&self) -> u64 {
        self.sequence % 2
    }

    /// In an envelope, which brings magic, version and checksum.
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        out.put_u64_le(self.sequence);
        put_list(&mut out, self.table.as_slice(), |out, sum| sum.put(out));
        put_list(&mut out, self.marker.as_slice(), put_marker);
        envelope::seal(VERSION, None, &out, &mut BytesMut::new())
    }

    /// `None` if the bytes are no whole root of this version.
    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let opened = envelope::open(bytes).ok()?;
        if opened.schema_version != VERSION {
            return None;
        }
        let from = &mut opened.payload.as_ref();
        let root = Self {
            sequence: from.try_get_u64_le().ok()?,
            table: take_list(from, Sum::take)?.pop(),
            marker: take_list(from, take_marker)?.pop(),
        };
        from.is_empty().then_some(root)
    }
}

fn put_marker(out: &mut Vec<u8>, marker: &Marker) {
    out.put_u64_le(marker.epoch);
    out.put_u64_le(marker.topology_hash);
    out.put_u16_le(marker.codec);
    out.put_i64_le(marker.written_ms);
    put_list(out, &marker.changelog, |out, offset| {
        out.put_i64_le(*offset)
    });
    put_list(out, &marker.inputs, |out, (name, offset)| {
        put_list(out, name.as_bytes(), |out, byte| out.put_u8(*byte));
        out.put_i64_le(*offset);
    });
}

fn take_marker(from: &mut &[u8]) -> Option<Marker> {
    Some(Marker {
        epoch: from.try_get_u64_le().ok()?,
        topology_hash: from.try_get_u64_le().ok()?,
        codec: from.try_get_u16_le().ok()?,
        written_ms: from.try_get_i64_le().ok()?,
        changelog: take_list(from, |from| from.try_get_i64_le().ok())?,
        inputs: take_list(from, |from| {
            let name = take_list(from, |from| from.try_get_u8().ok())?;
            Some((String::from_utf8(name).ok()?, from.try_get_i64_le().ok()?))
        })?,
    })
}

/// A list: its length, then its items.
fn put_list<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    out.put_u64_le(items.len() as u64);
    for item in items {
        put(out, item);
    }
}

fn take_list<T>(from: &mut &[u8], take: impl Fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = from.try_get_u64_le().ok()?;
    (0..count).map(|_| take(from)).collect()
}
