//! Whoever signs in needs rights; those that are missing are named, with what to grant.

use tests::daemon::run;

use super::{Cluster, password};
use crate::cli::fails;

#[test]
fn missing_rights_are_named() {
    let Some(cluster) = Cluster::secured() else {
        return;
    };
    let till = cluster.till("denied", "sasl", &password("plain", "bob", "bob-secret"));
    let data = till.data();
    let denied = [
        "topic authorization failed",
        "grant READ, WRITE and DESCRIBE",
    ];
    fails(&["apply", &till.file], 69, &denied);
    let command = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    let (code, _, told) = run(&command);
    assert_eq!(code, 69, "it does not wait for what does not come: {told}");
    assert!(told.contains("grant READ"), "{told}");
    let (code, told, _) = run(&["doctor", &till.file, "--data-dir", &data]);
    assert_eq!(code, 69, "{told}");
    for part in ["grant READ", "grant DESCRIBE_CONFIGS"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}
