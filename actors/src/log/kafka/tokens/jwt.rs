//! What a token says of itself, if it is a JSON Web Token. Its signature is the brokers' business.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Claims that matter here (RFC 7519, section 4.1.4).
#[derive(Deserialize)]
struct Claims {
    /// Seconds since 1970-01-01 UTC.
    exp: f64,
}

/// When a token expires, in milliseconds since 1970-01-01 UTC; `None` if it does not say.
pub(super) fn expiry(token: &str) -> Option<i64> {
    let claims = token.split('.').nth(1)?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let millis = claims.exp * 1_000.0;
    // Floats become whole numbers within bounds; what is beyond them is no time.
    (millis.is_finite() && millis >= 0.0).then_some(millis as i64)
}
