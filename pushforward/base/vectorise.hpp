#pragma once

// Plain loops are left to the compiler's vectoriser: a function marked PF_CLONES is compiled for
// three instruction sets and the loader picks one; what it calls is marked PF_INLINE, so that it
// is compiled with it.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define PF_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define PF_CLONES
#endif
#define PF_INLINE inline __attribute__((always_inline))
