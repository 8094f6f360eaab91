//! Where tensors live. The only file that names a backend of Burn.

use burn::backend::DispatchDevice;
use burn::tensor::Device as BurnDevice;
use config::DeviceChoice;

use crate::ModelError;

/// A device chosen for a model's lifetime.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    burn: BurnDevice,
    kind: DeviceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeviceKind {
    Cpu,
    /// Only builds with the feature `gpu` have one.
    #[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "see above"))]
    Gpu,
}

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
        Self {
            burn: BurnDevice::flex(),
            kind: DeviceKind::Cpu,
        }
    }

    /// For networks whose gradients are wanted.
    pub(crate) fn training(&self) -> BurnDevice {
        self.burn.clone().autodiff()
    }

    /// Rows that it takes at a time.
    ///
    /// Measured on the CPU with networks of 784-32x4-10 and 30-64-32-1, microseconds for 1 / 32 / 256 rows: tiles of 8
    /// rows 14 / 53 / 428 and 6 / 22 / 174, of 32 rows 27 / 27 / 214 and 8 / 8 / 62, of 64 rows 46 / 48 / 180 and
    /// 11 / 11 / 43. A GPU pays for each launch, hardly for its rows.
    pub(crate) fn tile_rows(&self) -> usize {
        match self.kind {
            DeviceKind::Cpu => 32,
            DeviceKind::Gpu => 256,
        }
    }

    /// For calls of Burn.
    pub(crate) fn dispatch(&self) -> &DispatchDevice {
        self.burn.as_dispatch()
    }
}

/// Whether this build runs models on a GPU of this machine.
///
/// # Errors
/// [`ModelError::Device`] if it does not, with the reason.
pub fn gpu_available() -> Result<(), ModelError> {
    Device::choose(DeviceChoice::Gpu).map(drop)
}

#[cfg(not(feature = "gpu"))]
fn gpu() -> Result<Device, String> {
    Err("this program was built without the feature gpu".into())
}

/// The best real GPU. A default device is never touched: without an adapter its first tensor panics.
#[cfg(feature = "gpu")]
fn gpu() -> Result<Device, String> {
    use burn::tensor::DeviceKind as Kind;

    let wanted = [
        Kind::DiscreteGpu(0),
        Kind::IntegratedGpu(0),
        Kind::VirtualGpu(0),
    ];
    adapter(&wanted).ok_or_else(|| "wgpu finds no adapter that is a GPU".into())
}

/// The first of the wanted adapters that this machine has.
#[cfg(feature = "gpu")]
fn adapter(wanted: &[burn::tensor::DeviceKind]) -> Option<Device> {
    let found = BurnDevice::enumerate(burn::tensor::DeviceType::Wgpu);
    let mut wanted = wanted.iter().map(|kind| BurnDevice::wgpu(kind.clone()));
    let burn = wanted.find(|device| found.contains(device))?;
    Some(Device {
        burn,
        kind: DeviceKind::Gpu,
    })
}

#[cfg(all(test, feature = "gpu"))]
impl Device {
    /// Any adapter, a software one too; `None` if there is none.
    pub(crate) fn any_adapter() -> Option<Self> {
        use burn::tensor::DeviceKind as Kind;

        adapter(&[
            Kind::DiscreteGpu(0),
            Kind::IntegratedGpu(0),
            Kind::VirtualGpu(0),
            Kind::Cpu,
        ])
    }
}
