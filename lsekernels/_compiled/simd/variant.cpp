// The kernels for one instruction set, VARIANT of the list in variant.hpp.

#include "kernel.hpp"
#include "weighted.hpp"

#if X86_64
using arch_avx512 = xsimd::avx512bw;
using arch_avx2 = xsimd::fma3<xsimd::avx2>;
using arch_sse2 = xsimd::sse2;
#if XSIMD_VERSION_MAJOR >= 13
using arch_plain = xsimd::emulated<128>;
#else  // headers that have no such thing
using arch_plain = xsimd::sse2;
#endif
#elif defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
using arch_baseline = xsimd::emulated<128>;  // scalar code
#else
using arch_baseline = xsimd::default_arch;  // 64-bit Arm: NEON
#endif

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

using Arch = JOIN(arch_, VARIANT);

extern const Variant JOIN(variant_, VARIANT);
const Variant JOIN(variant_, VARIANT) = {
    TEXT(VARIANT),
    Kernel<Arch, double>::functions(),
    Kernel<Arch, float>::functions(),
    Exp<Arch, double>::FUSED ? Weighted<Arch>::add_up : nullptr,
};
