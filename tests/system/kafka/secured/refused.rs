//! What is set up wrong ends the first attempt with its cause and its cure: no retry without a word.

use super::{Cluster, beside, password};
use crate::kafka::Till;
use tests::daemon::run;

/// Every command says so, and none waits; the daemon too.
#[track_caller]
fn told(till: &Till, parts: &[&str]) {
    let data = till.data();
    let daemon = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    for command in [&["topic", "list", "--topology", &till.file][..], &daemon] {
        let (code, _, told) = run(command);
        assert_eq!(code, 69, "{command:?}: {told}");
        for part in parts {
            assert!(told.contains(part), "{command:?}: {part:?} in {told}");
        }
        assert!(!told.contains("-secret"), "{command:?}: {told}");
    }
    let (code, told, _) = run(&["doctor", &till.file, "--data-dir", &data]);
    assert_eq!(code, 69, "{told}");
    assert!(
        parts.iter().all(|part| told.contains(part)),
        "{parts:?} in {told}"
    );
}

const PASSWORD: [&str; 2] = ["log refuses", "look at username, password and mechanism"];

#[test]
fn a_wrong_password_is_told_as_such_and_never_shown() {
    let Some(cluster) = Cluster::secured() else {
        return;
    };
    let till = cluster.till(
        "mistyped",
        "sasl",
        &password("plain", "alice", "mistyped-secret"),
    );
    told(&till, &PASSWORD);
    let (_, planned, warned) = run(&["plan", &till.file]);
    assert!(!(planned + &warned).contains("mistyped-secret"));
}

#[test]
fn a_wrong_password_of_scram_is_told_as_such() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let keys = password("scram-sha-512", "alice", "mistyped-secret");
    told(
        &cluster.till("mistyped-scram", "sasl_ssl", &keys),
        &PASSWORD,
    );
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let ca = cluster.tls("other-ca.pem");
    let security = format!("security = {{ protocol = \"ssl\", ca = \"{ca}\" }}");
    let till = Till::on(&cluster.listener("ssl"), "unknown", &security);
    told(&till, &["log refuses", "certificate verify failed", "`ca`"]);
}

#[test]
fn a_certificate_of_another_name_is_refused() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let ca = cluster.tls("ca.pem");
    let security = format!("security = {{ protocol = \"ssl\", ca = \"{ca}\" }}");
    // The same broker by a name that its certificate does not have.
    let brokers = cluster.listener("ssl").replace("127.0.0.1", "localhost");
    let till = Till::on(&brokers, "elsewhere", &security);
    told(
        &till,
        &["log refuses", "certificate", "the name in `brokers`"],
    );
}

#[test]
fn a_client_without_a_certificate_is_refused_where_one_is_required() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let till = cluster.till("nameless", "mtls", "");
    told(&till, &["log refuses", "`certificate` and `key`"]);
}

#[test]
fn an_expired_token_is_told_as_such() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let keys = "mechanism = \"oauthbearer\", token-file = \"token\"";
    let till = cluster.till("expired", "sasl_ssl", keys);
    // {"sub":"alice","exp":1000000000}
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6MTAwMDAwMDAwMH0.";
    beside(&till, "token", token);
    let (code, _, told) = run(&["topic", "list", "--topology", &till.file]);
    assert_eq!(code, 69, "{told}");
    for part in ["the token in", "expired", "whoever renews it has not"] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
    assert!(!told.contains("eyJ"), "{told}");
}

#[test]
fn an_issuer_whose_certificate_is_not_trusted_gets_no_secret() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    // A broker's listener speaks TLS as well as any issuer, with a certificate that no one here knows.
    let issuer = cluster.listener("ssl");
    let keys = format!(
        "mechanism = \"oauthbearer\", token-endpoint = \"https://{issuer}/token\", \
         client-id = \"alice\", client-secret = \"alice-secret\""
    );
    let till = cluster.till("distrusted", "sasl_ssl", &keys);
    let (code, _, told) = run(&["topic", "list", "--topology", &till.file]);
    assert_eq!(code, 69, "{told}");
    for part in ["token-endpoint https://", "certificate verify failed"] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
    assert!(!told.contains("alice-secret"), "{told}");
}

#[test]
fn files_that_cannot_be_used_are_named_before_any_broker_is_asked() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let (alice, key) = (cluster.tls("alice.pem"), cluster.tls("alice-encrypted.key"));
    let missing = "certificate = \"missing.pem\", key = \"missing.key\"";
    let locked =
        format!("certificate = \"{alice}\", key = \"{key}\", key-password = \"mistyped-secret\"");
    for (keys, parts) in [
        (
            missing,
            [
                "`certificate` in [log.security]",
                "missing.pem cannot be read",
            ],
        ),
        (
            &locked,
            ["ssl.key.location failed", "key-password in [log.security]"],
        ),
    ] {
        let till = cluster.till("unusable", "mtls", keys);
        let (code, _, told) = run(&["topic", "list", "--topology", &till.file]);
        assert_eq!(code, 69, "{told}");
        for part in parts {
            assert!(told.contains(part), "{part:?} in {told}");
        }
        assert!(!told.contains("mistyped-secret"), "{told}");
    }
}
