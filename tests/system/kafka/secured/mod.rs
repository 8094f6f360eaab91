//! A cluster that asks its clients who they are: by certificate, password or token, over TLS or not.

mod acls;
mod refused;
mod rights;
mod ways;

use std::path::{Path, PathBuf};

use tests::daemon::run;

use super::Till;

/// A token of unsecured JWS that names alice until 2033, which is enough for the test broker:
/// `{"alg":"none"}.{"sub":"alice","exp":2000000000}.`
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6MjAwMDAwMDAwMH0.";

/// A cluster as `tests/kafka/broker` starts it with `THALWEG_BROKER_SECURED=1`.
struct Cluster(PathBuf);

impl Cluster {
    /// Says loudly that there is none.
    #[expect(
        clippy::print_stderr,
        clippy::panic,
        reason = "a skipped test says so loudly"
    )]
    fn secured() -> Option<Self> {
        match std::env::var("THALWEG_TEST_SECURED") {
            Ok(folder) if !folder.is_empty() => Some(Self(folder.into())),
            _ if is_required() => {
                panic!("THALWEG_TEST_SECURED names no cluster, and one is required")
            }
            _ => {
                eprintln!(
                    "SKIPPED: no Kafka with users: THALWEG_TEST_SECURED names no cluster (see tests/run)"
                );
                None
            }
        }
    }

    /// The same, for a binary that can use it; says loudly that this one cannot.
    #[expect(
        clippy::print_stderr,
        clippy::panic,
        reason = "a skipped test says so loudly"
    )]
    fn encrypted() -> Option<Self> {
        let cluster = Self::secured()?;
        let till = Till::on("127.0.0.1:9", "built", "security = { protocol = \"ssl\" }");
        let (code, _, told) = run(&["validate", &till.file]);
        match code {
            0 => Some(cluster),
            _ if is_required() => panic!("the binary has no TLS, and it is required: {told}"),
            _ => {
                eprintln!("SKIPPED: TLS to Kafka: the binary was built without `--features tls`");
                None
            }
        }
    }

    /// The addresses of a listener: sasl, sasl_ssl, ssl or mtls.
    fn listener(&self, name: &str) -> String {
        let list = std::fs::read_to_string(self.0.join(name)).expect("the listener is open");
        list.trim().to_owned()
    }

    /// A file of `tls/`.
    fn tls(&self, name: &str) -> String {
        self.0.join("tls").join(name).display().to_string()
    }

    /// The till by way of a listener; `keys` are those of `[log.security]` but the authority.
    fn till(&self, name: &str, listener: &str, keys: &str) -> Till {
        let ca = match listener {
            "sasl" => String::new(),
            _ => format!("ca = \"{}\", ", self.tls("ca.pem")),
        };
        let protocol = listener
            .replace("mtls", "ssl")
            .replace("sasl", "sasl_plaintext");
        let protocol = protocol.replace("sasl_plaintext_ssl", "sasl_ssl");
        let security = format!("security = {{ protocol = \"{protocol}\", {ca}{keys} }}");
        Till::on(&self.listener(listener), name, &security)
    }
}

fn is_required() -> bool {
    std::env::var("THALWEG_REQUIRE_KAFKA").is_ok_and(|required| required == "1")
}

/// Keys of a password.
fn password(mechanism: &str, user: &str, password: &str) -> String {
    format!("mechanism = \"{mechanism}\", username = \"{user}\", password = \"{password}\"")
}

/// Writes a file beside a topology.
fn beside(till: &Till, name: &str, text: &str) -> String {
    let path = Path::new(&till.file).with_file_name(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}
