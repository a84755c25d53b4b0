//! Products on the first NVIDIA GPU, by cuBLAS and in full f32.
//!
//! Both factors travel to the GPU and the product travels back, weights included, each time: nothing else of
//! training is there. Driver and cuBLAS are loaded when they are first needed, so that a build needs neither. May depend
//! on cudarc and the siblings.
//!
//! The threads of a step end with it, so what a product needs on the GPU belongs to no thread: whoever comes takes a
//! [`Workspace`] out of the pool and puts it back. None is ever dropped, because cudarc's destructors may panic on a
//! GPU that has failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::{
    cublas::{self, CudaBlas, Gemm, GemmConfig, sys::cublasOperation_t},
    driver::{self, CudaContext, CudaSlice, CudaStream},
};

use super::{
    Into, View,
    column_major::{Arguments, Factor, Place},
    device::DeviceError,
    multiply,
};

/// A stream with a handle of its own, which makes cuBLAS give the same bits whatever runs on other streams, and what
/// products on it need.
struct Workspace {
    gpu: Gpu,
    /// Room on this side for a result that cannot be written where it belongs at once.
    spare: Vec<f32>,
}

struct Gpu {
    stream: Arc<CudaStream>,
    blas: CudaBlas,
    first: Buffer,
    second: Buffer,
    out: Buffer,
}

/// Numbers on the GPU, kept from product to product, as many as the largest needed.
#[derive(Default)]
struct Buffer(Option<CudaSlice<f32>>);

struct Pool {
    context: Option<Arc<CudaContext>>,
    idle: Vec<Workspace>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { context: None, idle: Vec::new() });

fn pool() -> MutexGuard<'static, Pool> {
    // Nothing in the pool is half made when somebody panics.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(doing: &'static str) -> impl FnOnce(driver::DriverError) -> DeviceError {
    move |error| DeviceError::Refused { doing, reason: error.to_string() }
}

fn cublas_refused(doing: &'static str) -> impl FnOnce(cublas::result::CublasError) -> DeviceError {
    move |error| DeviceError::Refused { doing, reason: error.to_string() }
}

/// Writes or adds a product at a place.
///
/// # Safety
/// The arguments must be those of the checked views, and the place one that [`super::multiply_at`] may be given for
/// them.
#[allow(unsafe_code, reason = "the place is a pointer")]
pub(super) unsafe fn multiply_at(
    arguments: &Arguments,
    a: View<'_>,
    b: View<'_>,
    place: Place,
) -> Result<(), DeviceError> {
    let Workspace { mut gpu, mut spare } = Workspace::take()?;
    // SAFETY: the caller promises it.
    let done = unsafe { place.fill(&mut spare, |out| gpu.sgemm(arguments, b.covered(), a.covered(), out)) };
    pool().idle.push(Workspace { gpu, spare });
    done
}

/// Computes a small product here and there, and says what the GPU is called.
pub(super) fn probe() -> Result<String, DeviceError> {
    let (rows, inner, columns) = (48, 40, 56);
    let numbers = |count: usize, by: usize, of: usize| -> Vec<f32> {
        (0..count).map(|i| (i * by % of) as f32 - (of / 2) as f32).collect()
    };
    // Twelve bits and two: every sum is exact in f32 in any order, and none in a format with fewer bits, such as TF32.
    let (left, right) = (numbers(rows * inner, 7919, 8191), numbers(columns * inner, 3, 7));
    let (a, b) = (View::rows(&left, rows, inner, inner), View::rows(&right, columns, inner, inner).transposed());
    let (mut expected, mut got) = (vec![0.0; rows * columns], vec![f32::NAN; rows * columns]);
    multiply(a, b, 1.0, Into::Overwrite, &mut expected, columns);
    let mut workspace = Workspace::take()?;
    let name = workspace.gpu.stream.context().name().map_err(refused("asking for the GPU's name"));
    let done = match Arguments::of(a, b, 1.0) {
        Some(arguments) => workspace.gpu.sgemm(&arguments, b.covered(), a.covered(), &mut got),
        None => Ok(()),
    };
    pool().idle.push(workspace);
    done?;
    match got.into_iter().zip(expected).find(|(got, expected)| got != expected) {
        Some((got, expected)) => Err(DeviceError::Wrong { got, expected }),
        None => name,
    }
}

/// The first GPU.
fn open() -> Result<Arc<CudaContext>, DeviceError> {
    // Asked first, because cudarc panics at its first call when a library is missing.
    #[allow(unsafe_code, reason = "loading a library runs its initialisers")]
    // SAFETY: they are the system's libraries of these names, which may be loaded and closed at any time.
    let (has_driver, has_cublas) = unsafe { (driver::sys::is_culib_present(), cublas::sys::is_culib_present()) };
    if !has_driver {
        let remedy = "install the driver for the GPU, or train with `device = \"cpu\"`";
        return Err(DeviceError::NoLibrary { library: "NVIDIA's driver (libcuda.so)", remedy });
    }
    if !has_cublas {
        let remedy = "install cuBLAS of CUDA 12 or 13 and name its folder in LD_LIBRARY_PATH, or train with \
                      `device = \"cpu\"`";
        return Err(DeviceError::NoLibrary { library: "cuBLAS (libcublas.so)", remedy });
    }
    let context = CudaContext::new(0).map_err(refused("opening the first GPU"))?;
    #[allow(unsafe_code, reason = "see the SAFETY comment")]
    // SAFETY: a buffer is used on the stream of its workspace only, which keeps its uses in order.
    unsafe {
        context.disable_event_tracking();
    }
    Ok(context)
}

impl Workspace {
    /// One that nobody uses, or a new one.
    fn take() -> Result<Self, DeviceError> {
        let context = {
            let mut pool = pool();
            if let Some(workspace) = pool.idle.pop() {
                return Ok(workspace);
            }
            match &pool.context {
                Some(context) => Arc::clone(context),
                None => Arc::clone(pool.context.insert(open()?)),
            }
        };
        let stream = context.new_stream().map_err(refused("opening a stream on the GPU"))?;
        // A new handle multiplies f32 as f32.
        let blas = CudaBlas::new(Arc::clone(&stream)).map_err(cublas_refused("opening cuBLAS on the GPU"))?;
        let gpu = Gpu { stream, blas, first: Buffer::default(), second: Buffer::default(), out: Buffer::default() };
        Ok(Self { gpu, spare: Vec::new() })
    }
}

impl Gpu {
    /// Computes what the arguments of these factors say, and waits for it.
    fn sgemm(
        &mut self,
        arguments: &Arguments,
        first: &[f32],
        second: &[f32],
        out: &mut [f32],
    ) -> Result<(), DeviceError> {
        let queued = self.queue(arguments, first, second, out);
        // After a failure as well: as long as the stream works, it may read and write the slices.
        let finished = self.stream.synchronize().map_err(refused("waiting for the GPU"));
        queued.and(finished)
    }

    fn queue(
        &mut self,
        arguments: &Arguments,
        first: &[f32],
        second: &[f32],
        out: &mut [f32],
    ) -> Result<(), DeviceError> {
        let stream = &self.stream;
        let first = self.first.filled(stream, first)?;
        let second = self.second.filled(stream, second)?;
        let result = self.out.of(stream, out.len())?;
        let config = GemmConfig {
            transa: operation(arguments.first),
            transb: operation(arguments.second),
            m: arguments.m,
            n: arguments.n,
            k: arguments.k,
            alpha: arguments.alpha,
            lda: arguments.first.leading,
            ldb: arguments.second.leading,
            beta: arguments.beta,
            ldc: arguments.leading_out,
        };
        #[allow(unsafe_code, reason = "see the SAFETY comment")]
        // SAFETY: the arguments are those of views that reach exactly as far as the slices, and of a result without
        // gaps; the buffers hold at least as many numbers.
        unsafe { self.blas.gemm(config, first, second, result) }.map_err(cublas_refused("a product on the GPU"))?;
        stream.memcpy_dtoh(&result.slice(..out.len()), out).map_err(refused("copying a product from the GPU"))
    }
}

fn operation(factor: Factor) -> cublasOperation_t {
    if factor.turned { cublasOperation_t::CUBLAS_OP_T } else { cublasOperation_t::CUBLAS_OP_N }
}

impl Buffer {
    /// Room for so many numbers, whatever they are.
    fn of(&mut self, stream: &Arc<CudaStream>, count: usize) -> Result<&mut CudaSlice<f32>, DeviceError> {
        let slice = match self.0.take() {
            Some(slice) if slice.len() >= count => slice,
            smaller => {
                // Freed first, so that both need not fit beside each other.
                drop(smaller);
                stream.alloc_zeros(count.next_power_of_two()).map_err(refused("taking memory of the GPU"))?
            }
        };
        Ok(self.0.insert(slice))
    }

    /// These numbers.
    fn filled(&mut self, stream: &Arc<CudaStream>, numbers: &[f32]) -> Result<&CudaSlice<f32>, DeviceError> {
        let slice = self.of(stream, numbers.len())?;
        stream.memcpy_htod(numbers, slice).map_err(refused("copying a factor to the GPU"))?;
        Ok(slice)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::{
        super::{
            device::{Device, takes},
            tests::Case,
        },
        *,
    };

    /// Writes or adds a product on the GPU, however small it is.
    fn there(a: View<'_>, b: View<'_>, factor: f32, into: Into, out: &mut [f32], stride: usize) {
        let arguments = Arguments::of(a, b, factor).unwrap();
        let place = Place { out: out.as_mut_ptr(), rows: a.rows, columns: b.columns, stride, into };
        #[allow(unsafe_code, reason = "nothing else writes")]
        // SAFETY: nothing else writes to `out`, which is large enough in each case below.
        unsafe { multiply_at(&arguments, a, b, place) }.unwrap();
    }

    /// `cargo test --release --features cuda --lib -- --ignored gpu`.
    #[test]
    #[ignore = "needs an NVIDIA GPU"]
    fn a_gpu_computes_products_of_views_of_any_kind() {
        println!("{}", probe().unwrap());
        for turned in [[false, false], [false, true], [true, false], [true, true]] {
            for (add, gap) in [(false, 0), (false, 3), (true, 0), (true, 3)] {
                for sizes in [[1, 1, 1], [300, 200, 100], [7, 5, 3], [64, 257, 129]] {
                    let case = Case::of(sizes, turned, add, gap);
                    let ([a, b], (mut out, stride)) = (case.factors(), case.place());
                    there(a, b, Case::FACTOR, case.mode(), &mut out, stride);
                    assert!(case.is_in(&out), "{sizes:?}, {turned:?}, {add}, {gap}");
                }
            }
        }
    }

    #[test]
    #[ignore = "needs an NVIDIA GPU"]
    fn a_gpu_that_is_switched_on_computes_large_products_of_several_threads() {
        let [m, k, n] = [1536, 576, 1536];
        let numbers = |count: usize, by: usize| -> Vec<f32> {
            (0..count).map(|i| (i * by % 2003) as f32 / 1001.0 - 1.0).collect()
        };
        let (left, right) = (numbers(m * k, 7919), numbers(k * n, 104_729));
        let (a, b) = (View::rows(&left, m, k, k), View::rows(&right, k, n, n));
        let product = || {
            let mut out = vec![0.0; m * n];
            multiply(a, b, 0.25, Into::Overwrite, &mut out, n);
            out
        };
        let here = product();
        let on = Device::Cuda.switch_on().unwrap();
        let there: Vec<Vec<f32>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..3).map(|_| product()).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(takes(a, b, 0.25).is_some() && takes(a, View::rows(&right, k, 1, n), 0.25).is_none());
        assert_eq!(Device::Cuda.check(), Ok(()));
        drop(on);
        for out in &there {
            assert!(out.iter().zip(&here).all(|(there, here)| (there - here).abs() < 1e-3));
            assert!(out == &there[0], "two threads got different bits");
        }
        assert!(product() == here);
    }
}
