// An activation, element by element; with GRAD gradX = gradY * (its derivative at x).
//
//   SILU     x / (1 + exp(-x))
//   GELU     x times the standard normal distribution function of x
//   SIGMOID  1 / (1 + exp(-x))
//
// x, y                [count]; count in Reals
// x, gradY, gradX   [count], with GRAD
// VEC4: the number of elements is a multiple of 4. F16: all are stored in half precision.
// EACH: elements of a thread, WORKGROUP apart. Dispatch: threads1d(ceil(count / EACH)).
#import thread
#import sigmoid
#import nan
#import normal
#import storage

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
#ifdef GRAD
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read_write> gradX: array<Stored>;
#else
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;
#endif

#ifdef VEC4
fn is_nan_real(x: Real) -> vec4<bool> {
  return vec4<bool>(is_nan(x.x), is_nan(x.y), is_nan(x.z), is_nan(x.w));
}
#else
fn is_nan_real(x: Real) -> bool {
  return is_nan(x);
}
#endif

fn value_of(x: Real) -> Real {
#if defined(SILU)
  return silu(x);
#elif defined(GELU)
  return x * normal_cdf(x);
#else
  return select(sigmoid(x), x, is_nan_real(x));
#endif
}

fn slope_of(x: Real) -> Real {
#if defined(SILU)
  return silu_slope(x);
#elif defined(GELU)
  return normal_cdf(x) + x * normal_pdf(x);
#else
  let s = value_of(x);
  return s * (Real(1.0) - s);
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * (WORKGROUP * EACH) + lane;
  for (var i = first; i < min(first + WORKGROUP * EACH, params.count); i += WORKGROUP) {
#ifdef GRAD
    gradX[i] = Stored(Real(gradY[i]) * slope_of(Real(x[i])));
#else
    y[i] = Stored(value_of(Real(x[i])));
#endif
  }
}
