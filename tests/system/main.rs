//! System tests: the whole of it, as its users meet it.

mod cli;
mod commits;
mod crash;
mod detect;
mod disk;
mod garbage;
mod hangs;
mod http;
mod kafka;
mod learning;
mod letters;
mod models;
mod page;
mod panics;
mod parked;
mod patterns;
mod poison;
mod quarantine;
mod payments;
mod readme;
mod sensors;
mod sessions;
mod simulation;
mod soak;
mod tidy;
mod unread;
