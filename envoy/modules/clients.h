/* Clients that are known by where their connection comes from, or by their certificate. */
#ifndef POINTSMAN_CLIENTS_H
#define POINTSMAN_CLIENTS_H

#include "abi.h"

enum { SOURCES = 32, PEERS = 32 };

typedef struct {
  uint8_t address[16]; /* of IPv4 as IPv6 has them (RFC 4291 2.5.5.2) */
  unsigned bits;
} range;

typedef struct {
  range sources[SOURCES];
  buffer peers[PEERS]; /* names in certificates; they point into what was read */
  size_t source_count, peer_count;
} clients;

/* Of an early header mutation. The address is that of the connection, not what a header says. */
bool is_trusted(const clients *set, void *request);

/* <address>/<bits>, and a name. false: it is none, or one too many. */
bool read_source(clients *into, buffer text);
bool read_peer(clients *into, buffer name);

#endif
