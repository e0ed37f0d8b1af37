#include "pushforward/base/checksum.hpp"

#include <openssl/evp.h>

#include <boost/crc.hpp>
#include <new>

#include "pushforward/base/errors.hpp"

namespace pushforward {

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
}

void Sha256::update(Bytes bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
        throw Error(1, "SHA-256: libcrypto failed");
}

std::string Sha256::hex() {
    unsigned char digest[32];
    if (EVP_DigestFinal_ex(context_.get(), digest, nullptr) != 1)
        throw Error(1, "SHA-256: libcrypto failed");
    std::string out;
    for (const unsigned char byte : digest) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

std::string sha256(Bytes bytes) {
    Sha256 digest;
    digest.update(bytes);
    return digest.hex();
}

std::string sha256_file(const FilePath& path) {
    return sha256(map_file(path).bytes);
}

std::uint32_t crc32c(Bytes bytes) {
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

}  // namespace pushforward
