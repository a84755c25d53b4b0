//! Where large products are computed: on the CPU, unless a run of training asks for a GPU.
//!
//! The choice holds for the whole process, because the threads of a step ask for products all over `fused`. Only training
//! makes it; a program that serves never does. May depend on the parent and the siblings.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use serde::{Deserialize, Serialize};

#[cfg(any(test, feature = "cuda"))]
use super::View;

/// A product of fewer multiplications is always computed on the CPU.
#[cfg(any(test, feature = "cuda"))]
const LEAST_WORK: usize = 1 << 22;
/// So is one of fewer multiplications for each number that would have to travel. A number takes about 0.7 ns to a GPU or
/// back, in which a core multiplies some twenty. This is arithmetic and not a measurement.
#[cfg(any(test, feature = "cuda"))]
const LEAST_WORK_A_NUMBER: usize = 32;

/// Where large products are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// Where everything else is.
    #[default]
    Cpu,
    /// On the first NVIDIA GPU, by cuBLAS, in a program that was built with the feature `cuda`.
    Cuda,
}

/// Why products cannot be computed on the device that was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeviceError {
    /// The program knows nothing of it.
    #[error("this program was built without it; build it with `cargo build --release --features cuda`")]
    NotBuilt,
    /// A library is not on this machine.
    #[error("{library} was not found: {remedy}")]
    NoLibrary {
        /// Which.
        library: &'static str,
        /// What helps.
        remedy: &'static str,
    },
    /// The GPU, its driver or cuBLAS refused something.
    #[error("{doing} failed: {reason}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// What they said.
        reason: String,
    },
    /// The GPU computes something else than the CPU.
    #[error("a small product that has no rounding is wrong there: {got} instead of {expected}")]
    Wrong {
        /// A number of the product on the GPU.
        got: f32,
        /// The same number on the CPU.
        expected: f32,
    },
}

impl DeviceError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// How many runs use the GPU, and what went wrong there first.
struct Switch {
    runs: AtomicUsize,
    failure: OnceLock<DeviceError>,
}

static SWITCH: Switch = Switch::new();

impl Switch {
    const fn new() -> Self {
        Self { runs: AtomicUsize::new(0), failure: OnceLock::new() }
    }

    fn check(&self) -> Result<(), DeviceError> {
        self.failure.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    #[cfg(any(test, feature = "cuda"))]
    fn is_on(&self) -> bool {
        self.runs.load(Ordering::Relaxed) > 0 && self.failure.get().is_none()
    }

    #[cfg(any(test, feature = "cuda"))]
    fn failed(&self, error: DeviceError) {
        // Whatever fails after the first failure most likely fails because of it.
        let _ = self.failure.set(error);
    }
}

/// While this lives, large products are computed on the device, whichever thread of the process asks for them.
#[derive(Debug)]
pub struct SwitchedOn(Device);

impl Drop for SwitchedOn {
    fn drop(&mut self) {
        if self.0 == Device::Cuda {
            SWITCH.runs.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Device {
    /// Whether this program can be asked for the device.
    pub fn check_built(self) -> Result<(), DeviceError> {
        if self == Self::Cuda && !cfg!(feature = "cuda") { Err(DeviceError::NotBuilt) } else { Ok(()) }
    }

    /// Computes a small product there, compares it with the CPU's, and says what the device is called; the CPU itself has
    /// no name.
    pub fn probe(self) -> Result<Option<String>, DeviceError> {
        match self {
            Self::Cpu => Ok(None),
            #[cfg(feature = "cuda")]
            Self::Cuda => super::cuda::probe().map(Some),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => Err(DeviceError::NotBuilt),
        }
    }

    /// Probes the device and has large products computed there until what is returned is dropped.
    pub fn switch_on(self) -> Result<SwitchedOn, DeviceError> {
        self.check()?;
        self.probe()?;
        if self == Self::Cuda {
            SWITCH.runs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(SwitchedOn(self))
    }

    /// The first failure of a product on the device in this process. From then on the CPU computes all products, so that
    /// whoever asked for the device has to ask this before results are used.
    pub fn check(self) -> Result<(), DeviceError> {
        match self {
            Self::Cpu => Ok(()),
            Self::Cuda => SWITCH.check(),
        }
    }
}

/// How the GPU is asked for a product of checked views, if it is to compute it.
#[cfg(feature = "cuda")]
pub(super) fn takes(a: View<'_>, b: View<'_>, factor: f32) -> Option<super::column_major::Arguments> {
    if SWITCH.is_on() && pays(a, b) { super::column_major::Arguments::of(a, b, factor) } else { None }
}

/// Keeps the first failure.
#[cfg(feature = "cuda")]
pub(super) fn failed(error: DeviceError) {
    SWITCH.failed(error);
}

/// Whether a product of checked views is worth the way to the GPU.
#[cfg(any(test, feature = "cuda"))]
fn pays(a: View<'_>, b: View<'_>) -> bool {
    let work = a.rows.saturating_mul(a.columns).saturating_mul(b.columns);
    let numbers = a.covered().len() + b.covered().len() + a.rows.saturating_mul(b.columns);
    work >= LEAST_WORK && work / numbers >= LEAST_WORK_A_NUMBER
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_large_products_of_which_little_travels_are_worth_the_way() {
        let numbers = vec![0.0; 1024 * 1536];
        let pays = |[m, k, n]: [usize; 3], gap: usize| {
            pays(View::rows(&numbers, m, k, k + gap), View::rows(&numbers, n, k, k + gap).transposed())
        };
        assert!(pays([1024, 384, 1536], 0));
        assert!(pays([1024, 384, 384], 0));
        // Too small; pairs of low rank; a head of attention, whose rows lie among those of the others.
        assert!(!pays([128, 128, 128], 0));
        assert!(!pays([1024, 1024, 16], 0));
        assert!(!pays([512, 64, 512], 1536 - 64));
    }

    #[test]
    fn the_cpu_is_always_there() {
        assert_eq!(Device::default(), Device::Cpu);
        assert_eq!(Device::Cpu.check_built(), Ok(()));
        assert_eq!(Device::Cpu.probe(), Ok(None));
        assert!(Device::Cpu.switch_on().is_ok());
        assert_eq!(Device::Cpu.check(), Ok(()));
    }

    #[test]
    fn the_first_failure_is_kept_and_switches_the_gpu_off() {
        let switch = Switch::new();
        assert!(!switch.is_on() && switch.check().is_ok());
        switch.runs.fetch_add(1, Ordering::Relaxed);
        assert!(switch.is_on() && switch.check().is_ok());
        let refused = |doing| DeviceError::Refused { doing, reason: "no memory".into() };
        switch.failed(refused("the first"));
        switch.failed(refused("the second"));
        assert!(!switch.is_on());
        assert_eq!(switch.check(), Err(refused("the first")));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn without_the_feature_a_gpu_is_refused() {
        assert_eq!(Device::Cuda.check_built(), Err(DeviceError::NotBuilt));
        assert_eq!(Device::Cuda.probe(), Err(DeviceError::NotBuilt));
        let error = Device::Cuda.switch_on().unwrap_err();
        assert!(error.to_string().contains("--features cuda"), "{error}");
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn with_the_feature_a_gpu_works_or_it_is_said_what_is_missing() {
        assert_eq!(Device::Cuda.check_built(), Ok(()));
        match Device::Cuda.probe() {
            Ok(name) => assert!(name.is_some_and(|name| !name.is_empty())),
            Err(error) => {
                let said = error.to_string();
                assert!(["libcuda", "libcublas", "GPU"].iter().any(|word| said.contains(word)), "{said}");
                assert_eq!(Device::Cuda.switch_on().unwrap_err(), error);
                assert!(!SWITCH.is_on());
            }
        }
    }
}
