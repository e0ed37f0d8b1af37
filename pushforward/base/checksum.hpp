#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pushforward/base/file.hpp"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace pushforward {

/// SHA-256 (FIPS 180-4) of what is fed to it, as 64 lower-case hexadecimal digits.
class Sha256 {
public:
    Sha256();
    void update(Bytes bytes);
    std::string hex();  ///< ends the digest; call once

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256(Bytes bytes);
std::string sha256_file(const FilePath& path);

/// CRC-32C (Castagnoli; RFC 3720, 2004, appendix B.4): crc32c("123456789") = 0xe3069283.
std::uint32_t crc32c(Bytes bytes);

}  // namespace pushforward
