//! Which node of a group this is: a name that no other node has and that stays over restarts, because
//! transactions and static membership rest on it.

use std::io;
use std::path::Path;

/// A node's id: as given, or else a random one that is kept in the data directory.
///
/// # Errors
/// If the directory cannot be read or written.
pub fn node_id(given: Option<&str>, data_dir: &Path) -> io::Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let path = data_dir.join("node-id");
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let id = format!("node-{:016x}", random());
    std::fs::create_dir_all(data_dir)?;
    // Written whole or not at all: half an id would be another node's.
    let draft = data_dir.join("node-id.draft");
    std::fs::write(&draft, format!("{id}\n"))?;
    std::fs::rename(&draft, &path)?;
    Ok(id)
}

/// A number unlike any other process's: the standard library seeds its hashers from the system.
fn random() -> u64 {
    use std::hash::BuildHasher;
    std::collections::hash_map::RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_id_and_two_nodes_differ() {
        let (a, b) = (tempfile::tempdir(), tempfile::tempdir());
        let (a, b) = (a.expect("a folder"), b.expect("a folder"));
        let first = node_id(None, a.path()).expect("written");
        assert_eq!(node_id(None, a.path()).expect("read"), first);
        assert_ne!(node_id(None, b.path()).expect("written"), first);
        assert_eq!(node_id(Some("n1"), a.path()).expect("given"), "n1");
    }
}
