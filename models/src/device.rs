//! Where tensors live. The only file that names a backend of Burn.

use burn::backend::DispatchDevice;
use burn::tensor::Device as BurnDevice;
use config::DeviceChoice;

use crate::ModelError;

/// A device chosen for a model's lifetime.
#[derive(Debug, Clone)]
pub(crate) struct Device(BurnDevice);

impl Device {
    /// The device that a topology asks for.
    ///
    /// `Auto` takes a real GPU if there is one and else the CPU; it never fails. Software adapters count as the CPU,
    /// which Burn's CPU backend does better.
    pub(crate) fn choose(choice: DeviceChoice) -> Result<Self, ModelError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::cpu()),
            DeviceChoice::Auto => Ok(gpu().unwrap_or_else(|_| Self::cpu())),
            DeviceChoice::Gpu => gpu().map_err(|cause| ModelError::Device { cause }),
        }
    }

    /// The CPU.
    pub(crate) fn cpu() -> Self {
        Self(BurnDevice::flex())
    }

    /// For calls of Burn.
    pub(crate) fn dispatch(&self) -> &DispatchDevice {
        self.0.as_dispatch()
    }
}

#[cfg(not(feature = "gpu"))]
fn gpu() -> Result<Device, String> {
    Err("this program was built without the feature gpu".into())
}

/// The best real GPU. A default device is never touched: without an adapter its first tensor panics.
#[cfg(feature = "gpu")]
fn gpu() -> Result<Device, String> {
    use burn::tensor::{DeviceKind, DeviceType};

    let found = BurnDevice::enumerate(DeviceType::Wgpu);
    let wanted = [
        DeviceKind::DiscreteGpu(0),
        DeviceKind::IntegratedGpu(0),
        DeviceKind::VirtualGpu(0),
    ];
    for kind in wanted {
        let device = BurnDevice::wgpu(kind);
        if found.contains(&device) {
            return Ok(Device(device));
        }
    }
    Err("wgpu finds no adapter that is a GPU".into())
}
