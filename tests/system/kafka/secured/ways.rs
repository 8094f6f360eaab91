//! Each way of signing in carries a whole topology: its topics are made, records are written, worked
//! on and committed, and the doctor finds nothing wrong.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{Cluster, TOKEN, beside, password};
use crate::cli::ok;
use crate::cli::topic::{feed, lines};
use crate::kafka::Till;

/// Writes payments, runs until they are decided, reads the decisions; all by this topology's way.
#[track_caller]
fn runs(till: &Till) {
    let data = till.data();
    ok(&["apply", &till.file]);
    let payments = till.topic("payments");
    feed(
        &["topic", "write", &payments, "--topology", &till.file],
        &lines(20),
    );
    let run = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    ok(&[&run[..], &["--until-caught-up"]].concat());
    let alerts = till.topic("alerts");
    let decided = ok(&["topic", "read", &alerts, "--topology", &till.file]);
    assert_eq!(decided.lines().count(), 20, "{decided}");
    let sound = ok(&["doctor", &till.file, "--data-dir", &data]);
    assert!(sound.contains("taken back"), "{sound}");
}

#[test]
fn a_user_with_a_password_signs_in() {
    let Some(cluster) = Cluster::secured() else {
        return;
    };
    runs(&cluster.till(
        "cleartext",
        "sasl",
        &password("plain", "alice", "alice-secret"),
    ));
}

#[test]
fn connections_are_encrypted() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    runs(&cluster.till("tls", "ssl", ""));
}

#[test]
fn a_certificate_signs_in() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let certificate = |key: &str| {
        let (certificate, key) = (cluster.tls("alice.pem"), cluster.tls(key));
        format!("certificate = \"{certificate}\", key = \"{key}\"")
    };
    runs(&cluster.till("mtls", "mtls", &certificate("alice.key")));
    let encrypted = certificate("alice-encrypted.key") + ", key-password = \"alice-key\"";
    runs(&cluster.till("mtls-encrypted", "mtls", &encrypted));
}

#[test]
fn a_password_signs_in_over_tls_by_every_mechanism() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    for mechanism in ["plain", "scram-sha-256", "scram-sha-512"] {
        let keys = password(mechanism, "alice", "alice-secret");
        runs(&cluster.till(mechanism, "sasl_ssl", &keys));
    }
}

#[test]
fn a_token_from_a_file_signs_in() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let keys = "mechanism = \"oauthbearer\", token-file = \"token\"";
    let till = cluster.till("token-file", "sasl_ssl", keys);
    beside(&till, "token", TOKEN);
    runs(&till);
}

#[test]
fn a_token_from_an_issuer_signs_in() {
    let Some(cluster) = Cluster::encrypted() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || listener.incoming().flatten().for_each(issue));
    let keys = format!(
        "mechanism = \"oauthbearer\", token-endpoint = \"http://{address}/token\", \
         client-id = \"alice\", client-secret = \"alice-secret\""
    );
    runs(&cluster.till("token-issuer", "sasl_ssl", &keys));
}

/// Answers whatever is asked with a token.
fn issue(mut client: std::net::TcpStream) {
    // A request of this test fits into one packet, and is not looked at.
    let _ = client.read(&mut [0; 4096]);
    let body =
        format!("{{\"access_token\":\"{TOKEN}\",\"token_type\":\"Bearer\",\"expires_in\":60}}");
    let length = body.len();
    let _ = write!(
        client,
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
    );
}
