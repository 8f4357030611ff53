// Elementary functions. Those of WGSL may be wrong by 1e-5, so these are ours: the polynomials of
// `concertina_numerics::kernels::tanh`, for four samples at once.

const ROUND: f32 = 12582912.0;
const LN_2_HIGH: f32 = 0.69314575;
const LN_2_LOW: f32 = 0.0000014286068;
const LOG2_E: f32 = 1.44269504;

/// `expm1(r)` on `|r| <= ln(2) / 2`.
fn expm1_reduced(r: vec4<f32>) -> vec4<f32> {
    var q = vec4<f32>(0.00019845879);
    q = fma(q, r, vec4<f32>(0.0013940628));
    q = fma(q, r, vec4<f32>(0.00833339));
    q = fma(q, r, vec4<f32>(0.041666362));
    q = fma(q, r, vec4<f32>(0.16666666));
    q = fma(q, r, vec4<f32>(0.5));
    return fma(q, r * r, r);
}

fn reduced(z: vec4<f32>, n: vec4<f32>) -> vec4<f32> {
    return fma(n, vec4<f32>(-LN_2_LOW), fma(n, vec4<f32>(-LN_2_HIGH), z));
}

/// `2^n` for whole numbers from -126 to 127.
fn power_of_two(n: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(vec4<i32>(n) + vec4<i32>(127)) << vec4<u32>(23u));
}

/// `exp(z)` for `z <= 0`; 0 below -87.
fn exponential(z: vec4<f32>) -> vec4<f32> {
    let bounded = max(z, vec4<f32>(-87.0));
    let n = round(bounded * LOG2_E);
    let power = power_of_two(n);
    let value = fma(power, expm1_reduced(reduced(bounded, n)), power);
    return select(value, vec4<f32>(0.0), z < vec4<f32>(-87.0));
}

fn tanh4(x: vec4<f32>) -> vec4<f32> {
    let size = min(abs(x), vec4<f32>(9.02));
    let z = -2.0 * size;
    let n = round(z * LOG2_E);
    let p = expm1_reduced(reduced(z, n));
    let power = power_of_two(n);
    let above = fma(power, p, power - 1.0);
    let below = fma(power, p, power + 1.0);
    let y = -above / below;
    // `min` may lose a NaN
    return select(select(y, -y, x < vec4<f32>(0.0)), x, x != x);
}

fn logistic4(x: vec4<f32>) -> vec4<f32> {
    return fma(vec4<f32>(0.5), tanh4(0.5 * x), vec4<f32>(0.5));
}

fn phi(a: vec4<f32>) -> vec4<f32> {
    if (NONLINEARITY == TANH) {
        return tanh4(a);
    }
    if (NONLINEARITY == RELU) {
        return select(vec4<f32>(0.0), a, (a > vec4<f32>(0.0)) | (a != a));
    }
    return a;
}

/// `phi'`, given the rates.
fn slope(rate: vec4<f32>) -> vec4<f32> {
    if (NONLINEARITY == TANH) {
        return fma(-rate, rate, vec4<f32>(1.0));
    }
    if (NONLINEARITY == RELU) {
        return select(vec4<f32>(0.0), vec4<f32>(1.0), rate > vec4<f32>(0.0));
    }
    return vec4<f32>(1.0);
}

/// Whether a number is NaN or infinite, whatever the compiler assumes about floats.
fn is_wild(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
}
