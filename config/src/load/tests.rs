//! Whole files: what they become, and what is done to them on the way.

use crate::fixtures::{load_file, shared};

#[test]
fn the_shared_topologies_load() {
    for path in shared() {
        if let Err(problems) = load_file(&path) {
            panic!("{}:\n{problems}", path.display());
        }
    }
}
