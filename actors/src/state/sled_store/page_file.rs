//! The file that the pages lie in, one after the other with holes between them. What is where says
//! the table alone, and with it the checksum that each page must have.
//!
//! Written and read past sled, which pays for values of some kilobytes many times what this costs:
//! see `docs/decisions/0005`.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::super::store::StoreError;
use super::space::BLOCK_BYTES;
use super::table::PageRef;

/// An open page file.
pub(super) struct PageFile {
    folder: PathBuf,
    file: File,
}

impl PageFile {
    /// Opens or makes the file in a database's folder.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let folder = folder.to_owned();
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("pages"));
        match opened {
            Ok(file) => Ok(Self { folder, file }),
            Err(source) => Err(StoreError::Io {
                path: folder,
                source,
            }),
        }
    }

    /// The bytes of a page.
    pub(super) fn read(&self, page: &PageRef) -> Result<Bytes, StoreError> {
        let mut bytes = vec![0; page.sum.length as usize];
        match self.file.read_exact_at(&mut bytes, position(page)) {
            Ok(()) if page.sum.matches(&bytes) => Ok(bytes.into()),
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(self.failed(error)),
            Ok(()) | Err(_) => Err(StoreError::Corrupt {
                path: self.folder.clone(),
                what: "a page is missing or not what was written".into(),
            }),
        }
    }

    /// Writes a page. When this returns, the bytes are with the operating system.
    pub(super) fn write(&self, page: &PageRef, bytes: &[u8]) -> Result<(), StoreError> {
        let written = self.file.write_all_at(bytes, position(page));
        written.map_err(|error| self.failed(error))
    }

    /// Size of the file; 0 if it cannot be seen.
    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.file.metadata().map_or(0, |file| file.len())
    }

    fn failed(&self, source: io::Error) -> StoreError {
        StoreError::Io {
            path: self.folder.clone(),
            source,
        }
    }
}

fn position(page: &PageRef) -> u64 {
    page.block.saturating_mul(BLOCK_BYTES)
}
