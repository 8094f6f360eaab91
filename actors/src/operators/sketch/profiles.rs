//! The profiles of a model's versions, for the operators that count and compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use models::watch::Profile;
use parking_lot::RwLock;

/// Profiles kept, at most; of the newest versions.
const VERSIONS_MAX: usize = 8;

/// By version. What a version's profile is does not change.
#[derive(Debug, Default)]
pub struct Profiles {
    by_version: RwLock<BTreeMap<i64, Arc<Profile>>>,
}

impl Profiles {
    /// That of a version, if it is known.
    #[must_use]
    pub fn get(&self, version: i64) -> Option<Arc<Profile>> {
        self.by_version.read().get(&version).cloned()
    }

    /// Makes one known.
    pub fn put(&self, version: i64, profile: Profile) {
        let mut by_version = self.by_version.write();
        by_version.insert(version, Arc::new(profile));
        while by_version.len() > VERSIONS_MAX {
            by_version.pop_first();
        }
    }
}
