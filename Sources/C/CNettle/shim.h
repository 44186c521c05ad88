// nettle renames its functions by macros and casts between cipher types, neither of which Swift can import.
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/hmac.h>
#include <nettle/sha1.h>
#include <string.h>

static inline void cnettle_aes256_cbc_decrypt(
    const uint8_t *key, uint8_t *iv, size_t length, uint8_t *out, const uint8_t *in) {
    struct aes256_ctx context;
    aes256_set_decrypt_key(&context, key);
    cbc_decrypt(&context, (nettle_cipher_func *)aes256_decrypt, AES_BLOCK_SIZE, iv, length, out, in);
    explicit_bzero(&context, sizeof context);
}

static inline void cnettle_sha1_init(struct sha1_ctx *context) { sha1_init(context); }

static inline void cnettle_sha1_update(struct sha1_ctx *context, size_t length, const uint8_t *bytes) {
    sha1_update(context, length, bytes);
}

static inline void cnettle_sha1_digest(struct sha1_ctx *context, uint8_t *digest) {
    sha1_digest(context, SHA1_DIGEST_SIZE, digest);
    explicit_bzero(context, sizeof *context);
}

static inline void cnettle_hmac_sha256(
    size_t key_length, const uint8_t *key, size_t first_length, const uint8_t *first, size_t second_length,
    const uint8_t *second, uint8_t *digest) {
    struct hmac_sha256_ctx context;
    hmac_sha256_set_key(&context, key_length, key);
    hmac_sha256_update(&context, first_length, first);
    hmac_sha256_update(&context, second_length, second);
    hmac_sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
    explicit_bzero(&context, sizeof context);
}
