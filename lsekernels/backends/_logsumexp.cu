// log(sum(exp(x))) in one pass over the memory of an NVIDIA GPU, and softmax of rows in two.
//
// A thread carries (m, s) with s = sum(exp(x - m)). It loads several vectors of 16 bytes before it
// uses the first; where their maximum exceeds m, s is scaled once for all of them, so that a number
// costs one exp. m is finite, also where the largest number is not.
//
// Outside of nvcc and NVRTC this is plain C++, with a loop over the threads: so the arithmetic is
// tested without a GPU.
//
// Source: of the pair (m, s): M. Milakov and N. Gimelshein, "Online normalizer calculation for
// softmax", arXiv:1805.02867 (2018); of the sums of a warp and of a block: J. Luitjens, "Faster
// parallel reductions on Kepler", NVIDIA (2014).

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define ON_GPU 1
#define MEMBER __device__ __forceinline__
#else
#define ON_GPU 0
#define MEMBER inline
#include <cmath>
#include <cstring>
#include <vector>
using std::exp;
using std::fma;
using std::log;
#endif
#define CORE static MEMBER

#ifndef THREADS
#define THREADS 256  // of a block, at most
#endif
#ifndef RESIDENT
#define RESIDENT 4  // blocks that share a multiprocessor: 64 registers for a thread
#endif

using Index = long long;

template <class T>
struct Sum {
  T m;
  double s;  // sum(exp(x - m)); 0 of no numbers
};

template <class T>
struct alignas(16) Vector {
  static constexpr int width = 16 / sizeof(T);
  static constexpr int loaded = width == 4 ? 8 : 6;  // by a thread at a time; registers are the limit
  T v[width];
};

CORE float largest(float) { return 3.402823466e38f; }
CORE double largest(double) { return 1.7976931348623157e308; }

// A nan does not count.
CORE float larger(float a, float b) {
#if ON_GPU
  return fmaxf(a, b);
#else
  return std::fmax(a, b);
#endif
}
CORE double larger(double a, double b) { return b > a ? b : a; }

// -- exp --------------------------------------------------------------------------------------------

// exp(d) for d <= 0, to 2^-22; 0 where it is denormal.
CORE float term(float d) {
  const float t = d * 1.44269504f;
#if ON_GPU
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(t));
  return power;
#else
  return std::exp2(t);
#endif
}

// exp(d) for d <= 0, to 3e-16; 0 where it is denormal. 2^f on [-1/2, 1/2] is the polynomial of
// _compiled/simd/kernel.hpp.
CORE double term(double d) {
  const double lowest = -709.0895657128241;  // 2^-1023, whose bits are those of 0
  const double log2e = 1.4426950408889634;
  const double magic = 6755399441055744.0 + 1023.0;  // rounds; leaves the exponent in the low bits
  d = d < lowest ? lowest : d;                       // a nan stays one
  const double t = fma(d, log2e, magic);
  const double f = fma(d, log2e, magic - t);
  double p = 7.037279530582804e-09;
  p = fma(p, f, 1.0208537904552164e-07);
  p = fma(p, f, 1.3215662831846104e-06);
  p = fma(p, f, 1.5252658116561384e-05);
  p = fma(p, f, 0.00015403529961135955);
  p = fma(p, f, 0.0013333558228561476);
  p = fma(p, f, 0.00961812910803459);
  p = fma(p, f, 0.05550410866445883);
  p = fma(p, f, 0.24022650695908768);
  p = fma(p, f, 0.6931471805599497);
  p = fma(p, f, 1.0);
  double power;
#if ON_GPU
  power = __hiloint2double(__double2loint(t) << 20, 0);
#else
  unsigned long long bits;
  std::memcpy(&bits, &t, sizeof t);
  bits <<= 52;
  std::memcpy(&power, &bits, sizeof t);
#endif
  return p * power;
}

// -- (m, s) -----------------------------------------------------------------------------------------

template <class T>
CORE Sum<T> none() {
  return {-largest(T()), 0.0};
}

// Scale `a` to a maximum m >= a.m.
template <class T>
CORE void rescale(Sum<T>& a, T m) {
  a.s *= term(double(a.m) - double(m));
  a.m = m;
}

template <class T>
CORE Sum<T> merge(Sum<T> a, Sum<T> b) {
  const T m = larger(a.m, b.m);
  rescale(a, m);
  rescale(b, m);
  return {m, a.s + b.s};
}

template <class T, int N>
CORE void add(Sum<T>& a, const T (&x)[N]) {
  constexpr int LANES = N < 4 ? N : 4;
  T top[LANES], sum[LANES];
#pragma unroll
  for (int i = 0; i < LANES; ++i) {
    top[i] = a.m;
    sum[i] = 0;
  }
#pragma unroll
  for (int i = 0; i < N; ++i) top[i % LANES] = larger(top[i % LANES], x[i]);
#pragma unroll
  for (int i = 1; i < LANES; ++i) top[0] = larger(top[0], top[i]);
  if (top[0] > a.m) {
    if (top[0] > largest(T())) {  // inf: the sum becomes inf or nan, whatever else there is
      for (int i = 0; i < N; ++i)
        if (!(x[i] <= largest(T()))) a.s += double(x[i]);
      a.m = largest(T());
      return;
    }
    rescale(a, top[0]);
  }
#pragma unroll
  for (int i = 0; i < N; ++i) sum[i % LANES] += term(x[i] - a.m);
#pragma unroll
  for (int i = 1; i < LANES; ++i) sum[0] += sum[i];
  a.s += double(sum[0]);
}

template <class T>
CORE T finish(Sum<T> a) {
  return T(double(a.m) + log(a.s));
}

// What `thread` of `threads` (at least 8) takes of the n numbers of x.
template <class T>
CORE Sum<T> collect(const T* x, Index n, Index thread, Index threads) {
  constexpr int WIDTH = Vector<T>::width, VECTORS = Vector<T>::loaded;
  Index head = Index(-reinterpret_cast<unsigned long long>(x) % 16 / sizeof(T));
  if (head > n) head = n;
  const Index vectors = (n - head) / WIDTH;
  const Vector<T>* aligned = reinterpret_cast<const Vector<T>*>(x + head);
  Sum<T> sum = none<T>();
  T block[VECTORS * WIDTH];
  Index i = thread;
  for (; i + (VECTORS - 1) * threads < vectors; i += VECTORS * threads) {
#pragma unroll
    for (int j = 0; j < VECTORS; ++j) {
      const Vector<T> vector = aligned[i + j * threads];
#pragma unroll
      for (int k = 0; k < WIDTH; ++k) block[j * WIDTH + k] = vector.v[k];
    }
    add(sum, block);
  }
  if (i < vectors) {
#pragma unroll
    for (int j = 0; j < VECTORS; ++j) {
      Vector<T> vector;
#pragma unroll
      for (int k = 0; k < WIDTH; ++k) vector.v[k] = -largest(T()) * 2;  // -inf
      if (i + j * threads < vectors) vector = aligned[i + j * threads];
#pragma unroll
      for (int k = 0; k < WIDTH; ++k) block[j * WIDTH + k] = vector.v[k];
    }
    add(sum, block);
  }
  if (thread < n - vectors * WIDTH) {  // before the first vector and behind the last
    const T one[1] = {x[thread < head ? thread : vectors * WIDTH + thread]};
    add(sum, one);
  }
  return sum;
}

// -- elements of softmax ----------------------------------------------------------------------------

// exp(d) * factor. Unlike term(), right where that is denormal, also with -ftz=true, which CuPy sets.
CORE float scaled_exp(float d, float factor) {
  const float t = d * 1.44269504f;
#if ON_GPU
  float power, scaled;
  asm("ex2.approx.f32 %0, %1;" : "=f"(power) : "f"(t));
  asm("mul.rn.f32 %0, %1, %2;" : "=f"(scaled) : "f"(power), "f"(factor));
  return scaled;
#else
  return std::exp2(t) * factor;
#endif
}
CORE double scaled_exp(double d, double factor) { return exp(d) * factor; }

template <class T>
struct Softmax {
  T m, inverse;  // nan where the sum is infinite
  MEMBER explicit Softmax(Sum<T> a) : m(a.m), inverse(T((a.s - a.s + 1.0) / a.s)) {}
  MEMBER T operator()(T x) const { return scaled_exp(x - m, inverse); }
};

template <class T>
struct LogSoftmax {
  T m, logarithm;
  MEMBER explicit LogSoftmax(Sum<T> a) : m(a.m), logarithm(T(log(a.s))) {}
  MEMBER T operator()(T x) const { return (x - m) - logarithm; }
};

#if ON_GPU

// -- kernels ----------------------------------------------------------------------------------------
//
// A row is taken by `parts` successive blocks of 32, 64, ... THREADS threads.

template <class T>
CORE Sum<T> total_of_warp(Sum<T> a) {
  T m = a.m;
#pragma unroll
  for (int i = 16; i; i /= 2) m = larger(m, __shfl_xor_sync(~0u, m, i));
  rescale(a, m);
#pragma unroll
  for (int i = 16; i; i /= 2) a.s += __shfl_xor_sync(~0u, a.s, i);
  return a;
}

// For all threads.
template <class T>
CORE Sum<T> total_of_block(Sum<T> a) {
  __shared__ Sum<T> of_warp[32];
  a = total_of_warp(a);
  if (blockDim.x == 32) return a;
  const unsigned lane = threadIdx.x % 32;
  if (lane == 0) of_warp[threadIdx.x / 32] = a;
  __syncthreads();
  return total_of_warp(lane < blockDim.x / 32 ? of_warp[lane] : none<T>());
}

template <class T>
CORE Sum<T> total_of_parts(const Sum<T>* partial, Index parts) {
  Sum<T> a = none<T>();
  for (Index i = threadIdx.x; i < parts; i += blockDim.x) a = merge(a, partial[i]);
  return total_of_block(a);
}

struct Place {
  unsigned row;
  Index thread, threads;  // of the row
  MEMBER explicit Place(Index parts) {
    row = blockIdx.x / unsigned(parts);
    thread = Index(blockIdx.x % unsigned(parts)) * blockDim.x + threadIdx.x;
    threads = parts * blockDim.x;
  }
};

// The result where parts is 1, and else the sums, which merge() takes.
template <class T>
CORE void reduce(const T* __restrict__ x, Index n, Index parts, Sum<T>* partial, T* out) {
  const Place place(parts);
  const Sum<T> a = total_of_block(collect(x + n * place.row, n, place.thread, place.threads));
  if (threadIdx.x) return;
  if (parts == 1)
    out[blockIdx.x] = finish(a);
  else
    partial[blockIdx.x] = a;
}

// The second pass over a row; the first, too, where parts is 1.
template <class F, class T>
CORE void map(const T* __restrict__ x, Index n, Index parts, const Sum<T>* partial,
              T* __restrict__ out) {
  const Place place(parts);
  x += n * place.row;
  out += n * place.row;
  const F f(parts == 1 ? total_of_block(collect(x, n, place.thread, place.threads))
                       : total_of_parts(partial + parts * place.row, parts));
#pragma unroll 4
  for (Index i = place.thread; i < n; i += place.threads) out[i] = f(x[i]);
}

#define KERNEL extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT)
#define KERNELS(T, dtype)                                                                         \
  KERNEL reduce_##dtype(const T* x, Index n, Index parts, Sum<T>* partial, T* out) {              \
    reduce(x, n, parts, partial, out);                                                            \
  }                                                                                               \
  KERNEL merge_##dtype(const Sum<T>* partial, Index parts, T* out) {                              \
    const Sum<T> a = total_of_parts(partial + parts * blockIdx.x, parts);                         \
    if (threadIdx.x == 0) out[blockIdx.x] = finish(a);                                            \
  }                                                                                               \
  KERNEL softmax_##dtype(const T* x, Index n, Index parts, const Sum<T>* partial, T* out) {       \
    map<Softmax<T>>(x, n, parts, partial, out);                                                   \
  }                                                                                               \
  KERNEL log_softmax_##dtype(const T* x, Index n, Index parts, const Sum<T>* partial, T* out) {   \
    map<LogSoftmax<T>>(x, n, parts, partial, out);                                                \
  }

#else

// -- the same, one thread after the other -----------------------------------------------------------

template <class T>
static Sum<T> total(const T* x, Index n, Index threads) {
  std::vector<Sum<T>> sums;
  for (Index i = 0; i < threads; ++i) sums.push_back(collect(x, n, i, threads));
  for (; threads > 1; threads = (threads + 1) / 2)
    for (Index i = 0; i < threads / 2; ++i)
      sums[i] = merge(sums[i], sums[i + (threads + 1) / 2]);
  return sums[0];
}

template <class F, class T>
static void map(const T* x, Index n, Index threads, T* out) {
  const F f(total(x, n, threads));
  for (Index i = 0; i < n; ++i) out[i] = f(x[i]);
}

#define KERNELS(T, dtype)                                                                         \
  extern "C" void logsumexp_##dtype(const T* x, Index n, Index threads, T* out) {                 \
    *out = finish(total(x, n, threads));                                                          \
  }                                                                                               \
  extern "C" void softmax_##dtype(const T* x, Index n, Index threads, T* out) {                   \
    map<Softmax<T>>(x, n, threads, out);                                                          \
  }                                                                                               \
  extern "C" void log_softmax_##dtype(const T* x, Index n, Index threads, T* out) {               \
    map<LogSoftmax<T>>(x, n, threads, out);                                                       \
  }

#endif

KERNELS(float, float32)
KERNELS(double, float64)
