/* HMAC-SHA256: what sha256.h says. FIPS 180-4 gives the names of variables and the constants. */
#include "sha256.h"

#include <string.h>

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
enum { BLOCK = 64 };

static uint32_t right(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void schedule(uint32_t w[64], const uint8_t block[BLOCK]) {
  for (int i = 0; i < 16; i++, block += 4)
    w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | (uint32_t)block[3];
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
}

static void compress(uint32_t state[8], const uint8_t block[BLOCK]) {
  uint32_t w[64], v[8];
  schedule(w, block);
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t t1 = v[7] + (right(v[4], 6) ^ right(v[4], 11) ^ right(v[4], 25)) + choice + K[i] + w[i];
    uint32_t t2 = (right(v[0], 2) ^ right(v[0], 13) ^ right(v[0], 22)) + majority;
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

/* The digest of a pad that `state` has taken in already, and of the message behind it. */
static void finish(const uint32_t pad[8], const void *message, size_t length, uint8_t digest[DIGEST]) {
  uint8_t blocks[BLOCKS * BLOCK] = {0};
  uint32_t state[8];
  memcpy(state, pad, sizeof state);
  memcpy(blocks, message, length);
  blocks[length] = 0x80;
  size_t end = ((length + 8) / BLOCK + 1) * BLOCK; /* behind the message a bit, and in the last 8 bytes its length */
  uint64_t bits = (BLOCK + length) * 8;
  for (size_t i = 0; i < 8; i++) blocks[end - 1 - i] = (uint8_t)(bits >> (8 * i));
  for (size_t at = 0; at < end; at += BLOCK) compress(state, blocks + at);
  for (int i = 0; i < DIGEST; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static void prepare(uint32_t state[8], const uint8_t *key, size_t length, uint8_t with) {
  uint8_t pad[BLOCK] = {0};
  memcpy(pad, key, length);
  for (size_t i = 0; i < BLOCK; i++) pad[i] ^= with;
  memcpy(state, START, sizeof START);
  compress(state, pad);
}

void hmac_prepare(hmac_key *into, const uint8_t *key, size_t length) {
  prepare(into->inner, key, length, 0x36);
  prepare(into->outer, key, length, 0x5c);
}

void hmac(const hmac_key *key, buffer message, uint8_t digest[DIGEST]) {
  uint8_t inner[DIGEST];
  finish(key->inner, message.ptr, message.length, inner);
  finish(key->outer, inner, DIGEST, digest);
}
