#define _POSIX_C_SOURCE 200809L /* inet_pton */
#include "clients.h"
#include "text.h"

#include <arpa/inet.h>
#include <string.h>

enum { ADDRESS = 64 };

static bool in_range(const uint8_t *address, const range *of) {
  for (unsigned bit = 0; bit < of->bits; bit += 8) {
    unsigned left = of->bits - bit, mask = left >= 8 ? 255 : 255u << (8 - left) & 255;
    if ((address[bit / 8] ^ of->address[bit / 8]) & mask) return false;
  }
  return true;
}

static bool read_address(buffer text, uint8_t *address) {
  char ended[ADDRESS];
  static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};
  if (text.length == 0 || text.length >= ADDRESS) return false;
  memcpy(ended, text.ptr, text.length);
  ended[text.length] = 0;
  if (inet_pton(AF_INET6, ended, address) == 1) return true;
  memcpy(address, MAPPED, sizeof MAPPED);
  return inet_pton(AF_INET, ended, address + sizeof MAPPED) == 1;
}

static bool comes_from(const clients *set, void *request) {
  buffer text;
  uint8_t address[16];
  if (set->source_count == 0 || !envoy_dynamic_module_callback_early_header_mutation_get_attribute_string(request, SOURCE_ADDRESS, &text))
    return false;
  text = without_port(text);
  if (text.length > 1 && text.ptr[0] == '[') text = (buffer){text.ptr + 1, text.length - 2};
  if (!read_address(text, address)) return false;
  for (size_t i = 0; i < set->source_count; i++)
    if (in_range(address, &set->sources[i])) return true;
  return false;
}

bool is_trusted(const clients *set, void *request) {
  static const attribute NAMES[] = {PEER_DNS_NAME, PEER_URI};
  if (comes_from(set, request)) return true;
  for (size_t name = 0; set->peer_count > 0 && name < sizeof NAMES / sizeof *NAMES; name++) {
    buffer shown;
    if (!envoy_dynamic_module_callback_early_header_mutation_get_attribute_string(request, NAMES[name], &shown)) continue;
    for (size_t i = 0; i < set->peer_count; i++)
      if (equal(shown, set->peers[i])) return true;
  }
  return false;
}

bool read_source(clients *into, buffer text) {
  buffer bits = text;
  uint64_t length = 0;
  range *one = &into->sources[into->source_count];
  if (into->source_count == SOURCES || !split(&text, '/', &bits) || !read_address(text, one->address) || !number_of(bits, 3, &length))
    return false;
  bool short_form = memchr(text.ptr, ':', text.length) == NULL;
  one->bits = (unsigned)length + (short_form ? 96 : 0);
  into->source_count++;
  return length <= (short_form ? 32 : 128);
}

bool read_peer(clients *into, buffer name) {
  if (into->peer_count == PEERS || !is_visible(name)) return false;
  into->peers[into->peer_count++] = name;
  return true;
}
