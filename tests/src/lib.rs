//! What the system tests share: experiments on the daemon as a process.

pub mod chaos;
pub mod crash;
pub mod daemon;
pub mod inside;
pub mod shared;
