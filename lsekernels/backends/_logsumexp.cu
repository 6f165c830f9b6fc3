// logsumexp in one pass, for CuPy and PyCUDA. Compiled as plain C++ too, where a test runs the
// arithmetic without a GPU.
//
// Numbers are reduced to (m, s) with s = sum(exp(x - m)), s in double for both types. m is finite,
// also where no number, nan or an infinite one is the largest: s becomes 0, inf or nan by itself.

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define CORE __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#else
#include <cmath>
#define CORE static inline
#define UNROLL
using std::exp;
using std::log;
#endif

struct Sum {
    double m, s;
};

template <class T> struct Limits;
template <> struct Limits<float> {
    static constexpr float most = 3.402823466e38f;
};
template <> struct Limits<double> {
    static constexpr double most = 1.7976931348623157e308;
};

template <class T> CORE Sum nothing() { return {-double(Limits<T>::most), 0.0}; }

// Add N numbers: one exp each, and one more where they raise the maximum. Few enough for sums in T.
template <int N, class T> CORE void add(Sum &sum, const T *x) {
    T largest = x[0];
UNROLL
    for (int i = 1; i < N; i++) largest = x[i] > largest ? x[i] : largest;
    if (largest > sum.m) {  // not where it is nan: then exp(nan) comes below
        const double m = largest < Limits<T>::most ? largest : Limits<T>::most;
        sum.s *= exp(sum.m - m);
        sum.m = m;
    }
    const T m = T(sum.m);
    T s = 0;
UNROLL
    for (int i = 0; i < N; i++) s += exp(x[i] - m);
    sum.s += s;
}

CORE Sum join(Sum a, Sum b) {
    const double m = a.m > b.m ? a.m : b.m;
    return {m, a.s * exp(a.m - m) + b.s * exp(b.m - m)};
}

CORE double result(Sum sum) { return sum.m + log(sum.s); }

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)

template <class T> struct Vector;
template <> struct Vector<float> {
    using type = float4;
};
template <> struct Vector<double> {
    using type = double2;
};

constexpr unsigned ALL = 0xffffffff;

// All threads of the block; the result is the first thread's.
CORE Sum join_block(Sum sum) {
    __shared__ Sum warps[32];
    for (int step = 16; step; step /= 2)
        sum = join(sum, {__shfl_down_sync(ALL, sum.m, step), __shfl_down_sync(ALL, sum.s, step)});
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) warps[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        sum = lane < blockDim.x / 32 ? warps[lane] : Sum{sum.m, 0.0};
        for (int step = 16; step; step /= 2)
            sum = join(sum, {__shfl_down_sync(ALL, sum.m, step), __shfl_down_sync(ALL, sum.s, step)});
    }
    return sum;
}

// Numbers first, first + step, ... of n, four vectors of 16 bytes at a time where they are aligned.
template <class T> CORE Sum reduce(const T *x, long long n, long long first, long long step) {
    using V = typename Vector<T>::type;
    constexpr int WIDTH = 16 / sizeof(T), VECTORS = 4, N = WIDTH * VECTORS;
    Sum sum = nothing<T>();
    long long start = 0;
    if (reinterpret_cast<unsigned long long>(x) % 16 == 0) {
        const V *v = reinterpret_cast<const V *>(x);
        const long long count = n / WIDTH;
        long long i = first;
        for (; i + (VECTORS - 1) * step < count; i += VECTORS * step) {
            V loaded[VECTORS];
            for (int k = 0; k < VECTORS; k++) loaded[k] = __ldcs(v + i + k * step);
            add<N>(sum, reinterpret_cast<const T *>(loaded));
        }
        for (; i < count; i += step) {
            const V loaded = __ldcs(v + i);
            add<WIDTH>(sum, reinterpret_cast<const T *>(&loaded));
        }
        start = count * WIDTH;
    }
    for (long long i = start + first; i < n; i += step) add<1>(sum, x + i);
    return sum;
}

// One (m, s) a block.
template <class T> CORE void parts(const T *x, long long n, double *out) {
    const long long first = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    const Sum sum = join_block(reduce(x, n, first, (long long)gridDim.x * blockDim.x));
    if (threadIdx.x == 0) {
        out[2 * blockIdx.x] = sum.m;
        out[2 * blockIdx.x + 1] = sum.s;
    }
}

// By one block.
template <class T> CORE void merge(const double *parts, long long count, T *out) {
    Sum sum = nothing<T>();
    for (long long i = threadIdx.x; i < count; i += blockDim.x)
        sum = join(sum, {parts[2 * i], parts[2 * i + 1]});
    sum = join_block(sum);
    if (threadIdx.x == 0) *out = T(result(sum));
}

enum Mode { LOGSUMEXP, SOFTMAX, LOG_SOFTMAX };

// A row a block; for both kinds of softmax the row is read again, from cache if it is short.
template <class T, Mode MODE> CORE void rows(const T *x, long long n, T *out) {
    __shared__ Sum shared;
    x += blockIdx.x * n;
    const Sum sum = join_block(reduce(x, n, threadIdx.x, blockDim.x));
    if (MODE == LOGSUMEXP) {
        if (threadIdx.x == 0) out[blockIdx.x] = T(result(sum));
        return;
    }
    if (threadIdx.x == 0) shared = sum;
    __syncthreads();
    const T m = T(shared.m), log_s = T(log(shared.s)), scale = T(1 / shared.s);
    const T undefined = scale - scale + (shared.s - shared.s);  // nan beside inf or nan, else 0
    out += blockIdx.x * n;
    for (long long i = threadIdx.x; i < n; i += blockDim.x) {
        const T d = x[i] - m;
        out[i] = MODE == SOFTMAX ? exp(d) * scale + undefined : d - log_s;
    }
}

#define KERNELS(NAME, T)                                                                        \
    extern "C" __global__ void parts_##NAME(const T *x, long long n, double *out) {             \
        parts(x, n, out);                                                                       \
    }                                                                                           \
    extern "C" __global__ void merge_##NAME(const double *x, long long n, T *out) {             \
        merge(x, n, out);                                                                       \
    }                                                                                           \
    extern "C" __global__ void logsumexp_rows_##NAME(const T *x, long long n, T *out) {         \
        rows<T, LOGSUMEXP>(x, n, out);                                                          \
    }                                                                                           \
    extern "C" __global__ void softmax_rows_##NAME(const T *x, long long n, T *out) {           \
        rows<T, SOFTMAX>(x, n, out);                                                            \
    }                                                                                           \
    extern "C" __global__ void log_softmax_rows_##NAME(const T *x, long long n, T *out) {       \
        rows<T, LOG_SOFTMAX>(x, n, out);                                                        \
    }

KERNELS(float32, float)
KERNELS(float64, double)

#endif
