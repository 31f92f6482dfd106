/* HMAC-SHA256 (RFC 2104, FIPS 180-4) of short messages with one key, whose pads are hashed once. */
#ifndef POINTSMAN_SHA256_H
#define POINTSMAN_SHA256_H

#include "abi.h"

enum { DIGEST = 32, BLOCKS = 6, LONGEST_MESSAGE = BLOCKS * 64 - 9, LONGEST_KEY = 64 };

typedef struct {
  uint32_t inner[8], outer[8];
} hmac_key;

/* At most LONGEST_KEY bytes: a longer key would have to be hashed first. */
void hmac_prepare(hmac_key *into, const uint8_t *key, size_t length);

/* Of at most LONGEST_MESSAGE bytes: so many blocks with the padding. */
void hmac(const hmac_key *key, buffer message, uint8_t digest[DIGEST]);

#endif
