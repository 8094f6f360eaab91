//! What the system tests share: experiments on the daemon as a process.

pub mod browser;
pub mod chaos;
pub mod counting;
pub mod crash;
pub mod daemon;
pub mod experiments;
pub mod examples;
pub mod inside;
pub mod nab;
pub mod process;
pub mod shared;
pub mod simulation;
pub mod trained;
