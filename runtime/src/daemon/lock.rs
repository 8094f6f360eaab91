//! One process at a time has a data directory: two nodes with one id would fence each other, and two
//! writers would spoil the stores.

use std::fs::{File, TryLockError};
use std::path::Path;

use actors::log::LogError;

use super::DaemonError;

/// Held while the process uses the directory; given back when dropped, and by the system when the
/// process dies, however it dies.
#[derive(Debug)]
pub struct DirectoryLock(#[expect(dead_code, reason = "it is the open file that is locked")] File);

impl DirectoryLock {
    /// Takes a data directory, making it if there is none.
    ///
    /// # Errors
    /// [`LogError::Locked`] if another process has it; or it cannot be written.
    pub fn take(data_dir: &Path) -> Result<Self, DaemonError> {
        let path = data_dir.join("lock");
        let unusable = |source| DaemonError::DataDir {
            path: data_dir.to_owned(),
            source,
        };
        std::fs::create_dir_all(data_dir).map_err(unusable)?;
        let mut options = File::options();
        // The content does not matter, the lock on it does.
        let options = options.create(true).write(true).truncate(false);
        let file = options.open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LogError::Locked(data_dir.to_owned()).into()),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_of_one_until_it_is_given_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("not/there/yet");
        let held = DirectoryLock::take(&data).expect("free");
        let told = DirectoryLock::take(&data).expect_err("taken");
        assert!(
            matches!(told, DaemonError::Log(LogError::Locked(_))),
            "{told}"
        );
        drop(held);
        DirectoryLock::take(&data).expect("free again");
    }
}
