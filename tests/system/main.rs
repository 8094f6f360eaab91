//! System tests: the whole of it, as its users meet it.

mod cli;
mod crash;
mod garbage;
mod http;
mod kafka;
mod panics;
mod poison;
mod payments;
mod readme;
mod sensors;
mod tidy;
