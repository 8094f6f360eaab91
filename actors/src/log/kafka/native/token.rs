//! Gives a client the token with which it signs in.

use std::ffi::{CStr, CString, c_char};

use rdkafka::ClientContext;
use rdkafka::admin::AdminClient;
use rdkafka::bindings as raw;
use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};

use super::coded;
use crate::log::kafka::tokens::Token;

/// The brokers are told who this is by the token itself; librdkafka wants a name all the same.
const PRINCIPAL: &CStr = c"thalweg";
/// Room for what librdkafka says of a token that it does not take.
const TEXT_BYTES: usize = 256;

/// A client that can be given a token.
pub(in crate::log::kafka) trait SignsIn: Send + Sync {
    /// Connections that are made from now on sign in with this. Gives what librdkafka objects to.
    fn sign_in(&self, token: &Token) -> Result<(), String>;
}

impl<C: ClientContext> SignsIn for Client<C> {
    fn sign_in(&self, token: &Token) -> Result<(), String> {
        let text = CString::new(token.text.expose());
        let text = text.map_err(|_| "a token with a null character".to_owned())?;
        let mut objection = [0 as c_char; TEXT_BYTES];
        // SAFETY: the client is alive; the texts live during the call, which copies them; the buffer
        // has the length that is told, and ends with a null character as it began with.
        unsafe {
            let set = raw::rd_kafka_oauthbearer_set_token(
                self.native_ptr(),
                text.as_ptr(),
                token.expires,
                PRINCIPAL.as_ptr(),
                std::ptr::null_mut(),
                0,
                objection.as_mut_ptr(),
                objection.len() - 1,
            );
            let told = || {
                CStr::from_ptr(objection.as_ptr())
                    .to_string_lossy()
                    .into_owned()
            };
            coded(set).map_err(|_| told())
        }
    }
}

impl<C: ConsumerContext> SignsIn for BaseConsumer<C> {
    fn sign_in(&self, token: &Token) -> Result<(), String> {
        self.client().sign_in(token)
    }
}

impl<C: ClientContext> SignsIn for AdminClient<C> {
    fn sign_in(&self, token: &Token) -> Result<(), String> {
        self.inner().sign_in(token)
    }
}
