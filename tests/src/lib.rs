//! What the system tests share: experiments on the daemon as a process.

pub mod crash;
pub mod inside;
pub mod shared;
