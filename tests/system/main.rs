//! System tests: the whole of it, as its users meet it.

mod crash;
mod garbage;
mod kafka;
mod panics;
mod payments;
mod sensors;
