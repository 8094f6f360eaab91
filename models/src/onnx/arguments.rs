//! What a kernel is called with.

use super::fault::{Fault, refuse};
use super::float::{DeviceFloat, Float};
use super::host::Host;
use super::value::Value;
use crate::device::Device;

/// One input of a node in one run.
#[expect(
    clippy::large_enum_variant,
    reason = "boxing would cost an allocation per input and run"
)]
#[derive(Debug)]
pub(crate) enum Argument<'a> {
    /// Used here for the last time: the kernel may work in place.
    Owned(Value),
    /// Needed again later.
    Shared(&'a Value),
    /// An optional input left out.
    Absent,
}

/// All inputs of a node in one run.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    values: Vec<Argument<'a>>,
    device: &'a Device,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(values: Vec<Argument<'a>>, device: &'a Device) -> Self {
        Self { values, device }
    }

    pub(crate) fn device(&self) -> &'a Device {
        self.device
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn has(&self, index: usize) -> bool {
        !matches!(self.values.get(index), None | Some(Argument::Absent))
    }

    /// Looks at an input.
    pub(crate) fn peek(&self, index: usize) -> Result<&Value, Fault> {
        match self.values.get(index) {
            Some(Argument::Owned(value)) => Ok(value),
            Some(Argument::Shared(value)) => Ok(value),
            Some(Argument::Absent) | None => refuse!("input {index} is missing"),
        }
    }

    /// Takes an input; a second call finds it missing.
    pub(crate) fn take(&mut self, index: usize) -> Result<Value, Fault> {
        let Some(argument) = self.values.get_mut(index) else {
            refuse!("input {index} is missing");
        };
        match std::mem::replace(argument, Argument::Absent) {
            Argument::Owned(value) => Ok(value),
            Argument::Shared(value) => Ok(value.clone()),
            Argument::Absent => refuse!("input {index} is missing"),
        }
    }

    pub(crate) fn float(&mut self, index: usize) -> Result<Float, Fault> {
        self.take(index)?.into_float()
    }

    pub(crate) fn on_device(&mut self, index: usize) -> Result<DeviceFloat, Fault> {
        self.float(index)?.on_device(self.device)
    }

    /// Any numbers as floats in plain memory.
    pub(crate) fn numbers(&mut self, index: usize) -> Result<Host<f32>, Fault> {
        self.take(index)?.into_numbers()
    }

    pub(crate) fn ints(&mut self, index: usize) -> Result<Host<i64>, Fault> {
        self.take(index)?.into_ints()
    }

    /// Integers of an optional input.
    pub(crate) fn optional_ints(&mut self, index: usize) -> Result<Option<Vec<i64>>, Fault> {
        if !self.has(index) {
            return Ok(None);
        }
        Ok(Some(self.ints(index)?.into_parts().1))
    }

    /// One integer.
    pub(crate) fn int(&mut self, index: usize) -> Result<i64, Fault> {
        match self.ints(index)?.values() {
            [number] => Ok(*number),
            other => refuse!("input {index} must be one integer, not {}", other.len()),
        }
    }
}
