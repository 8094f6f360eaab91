//! Asks an issuer for a token: the grant of client credentials (RFC 6749, section 4.4), with id and
//! secret as HTTP Basic authentication (section 2.3.1).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::{Secret, TokenIssuer};
use serde::Deserialize;

use super::{Token, UNTOLD_LIFETIME_MS, jwt};
use crate::log::LogError;
use crate::log::kafka::REQUEST_WITHIN;

/// What an issuer answers (section 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds.
    expires_in: Option<f64>,
}

/// Why it does not (section 5.2).
#[derive(Deserialize, Default)]
struct Denied {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// A new token.
///
/// # Errors
/// [`LogError::Unavailable`] if the issuer cannot be reached or is not well; [`LogError::Refused`] if
/// it refuses, or what it answers is no token. Neither contains the secret or the answer's body.
pub(super) fn ask(issuer: &TokenIssuer, now: i64) -> Result<Token, LogError> {
    let endpoint = &issuer.endpoint;
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(issuer.scope.as_deref().map(|scope| ("scope", scope)));
    let request = agent()
        .post(endpoint)
        .header("accept", "application/json")
        .header("authorization", credentials(issuer));
    let unreached = |error: ureq::Error| {
        LogError::Unavailable(format!(
            "token-endpoint {endpoint} does not answer: {error}"
        ))
    };
    let mut answer = request.send_form(form).map_err(unreached)?;
    let body = answer.body_mut().read_to_string().map_err(unreached)?;
    let status = answer.status();
    if !status.is_success() {
        let why: Denied = serde_json::from_str(&body).unwrap_or_default();
        let text = format!(
            "token-endpoint {endpoint} answers {status} {} {}",
            why.error, why.error_description
        );
        let text = text.trim_end();
        return Err(match status.is_client_error() {
            true => LogError::Refused(format!(
                "{text}; look at client-id, client-secret and scope in [log.security]"
            )),
            false => LogError::Unavailable(text.to_owned()),
        });
    }
    let granted: Granted = serde_json::from_str(&body).map_err(|_| {
        LogError::Refused(format!(
            "token-endpoint {endpoint} answers without an access_token: is it the right address?"
        ))
    })?;
    let lifetime = granted.expires_in.map(|seconds| (seconds * 1_000.0) as i64);
    let expires = lifetime.map(|lifetime| now + lifetime);
    let expires = expires.or_else(|| jwt::expiry(&granted.access_token));
    Ok(Token {
        text: Secret::new(granted.access_token),
        expires: expires.unwrap_or(now + UNTOLD_LIFETIME_MS),
    })
}

fn agent() -> ureq::Agent {
    let settings = ureq::Agent::config_builder()
        .timeout_global(Some(REQUEST_WITHIN))
        .http_status_as_error(false);
    // The authorities that this machine trusts; OpenSSL's SSL_CERT_FILE names others.
    #[cfg(feature = "tls")]
    let settings = settings.tls_config(
        ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::NativeTls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build(),
    );
    settings.build().into()
}

fn credentials(issuer: &TokenIssuer) -> String {
    let pair = format!(
        "{}:{}",
        encoded(&issuer.client_id),
        encoded(issuer.client_secret.expose())
    );
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

/// As in a form's field: id and secret are encoded so before they are joined.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
