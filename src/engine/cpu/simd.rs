//! Sixteen lanes of f32 on three instruction sets, chosen at run time.
//!
//! AVX-512 and AVX2 compute every lane with the same fused operations in the same order, so they give
//! the same bits. The plain path multiplies and adds in two roundings, because a fused operation
//! without the instruction is a library call; how far it differs is held by a test.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _mm_loadu_si128, _mm256_add_ps, _mm256_blendv_ps,
    _mm256_castsi256_ps, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_max_ps, _mm256_mul_ps, _mm256_permutevar8x32_ps, _mm256_set1_ps, _mm256_slli_epi32,
    _mm256_storeu_ps, _mm256_sub_ps, _mm512_add_ps, _mm512_cvtph_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_max_ps, _mm512_mul_ps, _mm512_permutexvar_ps,
    _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

use std::ops::{Deref, DerefMut};

use half::f16;
use half::slice::HalfFloatSliceExt as _;

/// Lanes of one vector on every instruction set.
pub(super) const LANES: usize = 16;

/// Sixteen values in one line of the cache.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Sixteen(pub [f32; LANES]);

impl Sixteen {
    /// Zeros.
    pub(super) const ZERO: Self = Self([0.0; LANES]);
}

/// Values whose first stands at the beginning of a line of the cache: a vector at a multiple of
/// [`LANES`] is read from one line.
#[derive(Debug, Clone, Default)]
pub struct Aligned(Vec<Sixteen>);

impl Aligned {
    /// `len` zeros; a multiple of [`LANES`], or as many more as make it one.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self(vec![Sixteen::ZERO; len.div_ceil(LANES)])
    }

    /// Cuts off the end, or adds zeros.
    pub fn resize(&mut self, len: usize) {
        self.0.resize(len.div_ceil(LANES), Sixteen::ZERO);
    }
}

impl Deref for Aligned {
    type Target = [f32];
    #[inline(always)]
    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

/// An instruction set that the CPU engine can run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// 512-bit vectors.
    Avx512,
    /// 256-bit vectors with fused multiply-add and conversion from half precision.
    Avx2,
    /// What the compiler makes of plain Rust.
    Plain,
}

impl InstructionSet {
    /// Those that this machine has, the widest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx512() {
                sets.push(Self::Avx512);
            }
            if has_avx2() {
                sets.push(Self::Avx2);
            }
        }
        sets.push(Self::Plain);
        sets
    }

    /// The name in `hpflow devices` and in predictions files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Plain => "plain",
        }
    }

    /// Runs a kernel compiled for this instruction set, or for the plain one where the machine does
    /// not have it.
    pub fn run<K: SimdKernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            if self == Self::Avx512 && has_avx512() {
                // SAFETY: the features were detected on the line above.
                return unsafe { run_avx512(kernel) };
            }
            if self == Self::Avx2 && has_avx2() {
                // SAFETY: the features were detected on the line above.
                return unsafe { run_avx2(kernel) };
            }
        }
        run_plain(kernel)
    }
}

/// Whether this machine has all of [`InstructionSet::Avx512`].
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
}

/// Whether this machine has all of [`InstructionSet::Avx2`].
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

/// A piece of work written once for every instruction set. Its `run` and all that it calls must be
/// `#[inline(always)]`, or it is not compiled for the instruction set that it runs on.
pub trait SimdKernel {
    /// What it returns.
    type Output;
    /// Does the work.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
fn run_avx512<K: SimdKernel>(kernel: K) -> K::Output {
    kernel.run(Avx512(()))
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c")]
fn run_avx2<K: SimdKernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

#[inline(never)]
fn run_plain<K: SimdKernel>(kernel: K) -> K::Output {
    kernel.run(Plain)
}

/// Proof that an instruction set is there, and its operations on sixteen lanes.
pub trait Simd: Copy {
    /// Sixteen lanes.
    type Vector: Copy;
    /// Sixteen numbers of lanes.
    type Lanes: Copy;
    /// Vectors in a row of the widest register tile.
    const WIDEST_TILE: usize;
    /// Rows of the register tile of one vector a row.
    const NARROW_TILE_ROWS: usize;
    /// Runs a kernel as a function of its own: the kernels that call it then share one copy.
    fn call<K: SimdKernel>(self, kernel: K) -> K::Output;
    /// All lanes the same.
    fn splat(self, value: f32) -> Self::Vector;
    /// The first sixteen values of a slice.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// The first sixteen halves of a slice; the conversion is exact.
    fn load_half(self, from: &[f16]) -> Self::Vector;
    /// Writes the first sixteen values of a slice.
    fn store(self, to: &mut [f32], value: Self::Vector);
    /// a + b
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a − b
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a · b
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a · b + c
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger of a and b; b where a is not a number.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Numbers of lanes for [`Simd::lookup`], each below [`LANES`].
    fn lanes(self, lanes: &[u32; LANES]) -> Self::Lanes;
    /// Lane i is lane `lanes[i]` of `values`.
    fn lookup(self, values: Self::Vector, lanes: Self::Lanes) -> Self::Vector;
    /// Halves as f32, one for one.
    #[inline(always)]
    fn widen(self, from: &[f16], to: &mut [f32]) {
        let whole = from.len() / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            self.store(&mut to[at..], self.load_half(&from[at..]));
        }
        let rest = from.len() - whole;
        let (mut halves, mut singles) = ([f16::ZERO; LANES], [0.0; LANES]);
        halves[..rest].copy_from_slice(&from[whole..]);
        self.store(&mut singles, self.load_half(&halves));
        to[whole..].copy_from_slice(&singles[..rest]);
    }
}

/// AVX-512, made only where it was detected.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

// SAFETY of every block below: an `Avx512` exists only inside `run_avx512`, which is called only
// where the feature was detected; slices are indexed to sixteen values before they are read.
#[cfg(target_arch = "x86_64")]
impl Simd for Avx512 {
    type Vector = __m512;
    type Lanes = __m512i;
    const WIDEST_TILE: usize = 5;
    const NARROW_TILE_ROWS: usize = 14;
    #[inline(always)]
    fn call<K: SimdKernel>(self, kernel: K) -> K::Output {
        // SAFETY: see above.
        unsafe { run_avx512(kernel) }
    }
    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(from[..LANES].as_ptr()) }
    }
    #[inline(always)]
    fn load_half(self, from: &[f16]) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from[..LANES].as_ptr().cast())) }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], value: __m512) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to[..LANES].as_mut_ptr(), value) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn lanes(self, lanes: &[u32; LANES]) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
    }
    #[inline(always)]
    fn lookup(self, values: __m512, lanes: __m512i) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_permutexvar_ps(lanes, values) }
    }
}

/// AVX2 with fused multiply-add and F16C, made only where all were detected.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

// SAFETY of every block below: an `Avx2` exists only inside `run_avx2`, which is called only where
// all its features were detected; slices are indexed to sixteen values before they are read.
#[cfg(target_arch = "x86_64")]
impl Simd for Avx2 {
    type Vector = [__m256; 2];
    type Lanes = [__m256i; 2];
    const WIDEST_TILE: usize = 1;
    const NARROW_TILE_ROWS: usize = 6;
    #[inline(always)]
    fn call<K: SimdKernel>(self, kernel: K) -> K::Output {
        // SAFETY: see above.
        unsafe { run_avx2(kernel) }
    }
    #[inline(always)]
    fn splat(self, value: f32) -> [__m256; 2] {
        // SAFETY: see above.
        unsafe { [_mm256_set1_ps(value); 2] }
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> [__m256; 2] {
        let from = &from[..LANES];
        // SAFETY: see above.
        unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from[8..].as_ptr())] }
    }
    #[inline(always)]
    fn load_half(self, from: &[f16]) -> [__m256; 2] {
        let from = &from[..LANES];
        // SAFETY: see above.
        unsafe {
            [
                _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(from[8..].as_ptr().cast())),
            ]
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], value: [__m256; 2]) {
        let to = &mut to[..LANES];
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), value[0]);
            _mm256_storeu_ps(to[8..].as_mut_ptr(), value[1]);
        }
    }
    #[inline(always)]
    fn add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: see above.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn sub(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: see above.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn mul(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: see above.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn mul_add(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: see above.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }
    #[inline(always)]
    fn max(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        // SAFETY: see above.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn lanes(self, lanes: &[u32; LANES]) -> [__m256i; 2] {
        let lanes = lanes.as_ptr().cast::<__m256i>();
        // SAFETY: see above.
        unsafe { [_mm256_loadu_si256(lanes), _mm256_loadu_si256(lanes.add(1))] }
    }
    #[inline(always)]
    fn lookup(self, values: [__m256; 2], lanes: [__m256i; 2]) -> [__m256; 2] {
        // SAFETY: see above.
        unsafe { [lookup_avx2(values, lanes[0]), lookup_avx2(values, lanes[1])] }
    }
}

/// Eight lanes of [`Simd::lookup`].
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn lookup_avx2(values: [__m256; 2], lanes: __m256i) -> __m256 {
    let low = _mm256_permutevar8x32_ps(values[0], lanes);
    let high = _mm256_permutevar8x32_ps(values[1], lanes);
    // The fourth bit of a lane says which half it is in; it becomes the sign.
    _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(lanes, 28)))
}

/// Plain Rust, on any processor.
#[derive(Clone, Copy)]
pub(super) struct Plain;

#[inline(always)]
fn each(value: impl Fn(usize) -> f32) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    for (index, lane) in lanes.iter_mut().enumerate() {
        *lane = value(index);
    }
    lanes
}

impl Simd for Plain {
    type Vector = [f32; LANES];
    type Lanes = [u32; LANES];
    const WIDEST_TILE: usize = 1;
    const NARROW_TILE_ROWS: usize = 2;
    #[inline(always)]
    fn call<K: SimdKernel>(self, kernel: K) -> K::Output {
        run_plain(kernel)
    }
    #[inline(always)]
    fn splat(self, value: f32) -> [f32; LANES] {
        [value; LANES]
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> [f32; LANES] {
        let from = &from[..LANES];
        each(|lane| from[lane])
    }
    #[inline(always)]
    fn load_half(self, from: &[f16]) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        from[..LANES].convert_to_f32_slice(&mut lanes);
        lanes
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], value: [f32; LANES]) {
        to[..LANES].copy_from_slice(&value);
    }
    #[inline(always)]
    fn add(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        each(|lane| a[lane] + b[lane])
    }
    #[inline(always)]
    fn sub(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        each(|lane| a[lane] - b[lane])
    }
    #[inline(always)]
    fn mul(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        each(|lane| a[lane] * b[lane])
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        each(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    fn max(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        each(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    fn lanes(self, lanes: &[u32; LANES]) -> [u32; LANES] {
        *lanes
    }
    #[inline(always)]
    fn lookup(self, values: [f32; LANES], lanes: [u32; LANES]) -> [f32; LANES] {
        each(|lane| values[lanes[lane] as usize])
    }
}
