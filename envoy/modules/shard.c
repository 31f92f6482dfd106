/* Early header mutation `shard`: names the scope of a request before Envoy selects its route table.
 *
 * Sets x-shard to <prefix><slot>, slot = FNV-1a64(canonical host) % buckets. The canonical host is :authority in lower-case
 * ASCII, without its port and without one trailing dot. translator/envoy_v3/sharding.py computes the same for the hosts of
 * virtual hosts, and says why it is exact; tests hold both to one another.
 *
 * Configuration, a StringValue of two lines, in any order, each exactly once:
 *   buckets=<1 to 1000000>
 *   prefix=<1 to 1024 visible ASCII characters>
 * Anything else is refused with a log line, and Envoy then refuses the listener.
 *
 * Per request: no allocation, no lock, no state, and no limit to the length of a host.
 */
#include "roles.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BUCKETS = 1000000, MAX_PREFIX = 1024, MAX_DIGITS = 7 };

typedef struct {
  uint32_t buckets;
  size_t prefix_length;
  char prefix[MAX_PREFIX];
} settings;

/* The host */

static uint32_t slot_of(buffer host, uint32_t buckets) {
  uint64_t digest = 0xcbf29ce484222325u;
  host = without_dot(without_port(host));
  for (size_t i = 0; i < host.length; i++) digest = (digest ^ lower(host.ptr[i])) * 0x100000001b3u;
  return (uint32_t)(digest % buckets);
}

/* The configuration */

static bool read_buckets(settings *into, buffer value) {
  uint64_t number = 0;
  if (!number_of(value, MAX_DIGITS, &number)) return false;
  into->buckets = (uint32_t)number;
  return number >= 1 && number <= MAX_BUCKETS;
}

static bool read_prefix(settings *into, buffer value) {
  if (value.length > MAX_PREFIX || !is_visible(value)) return false;
  memcpy(into->prefix, value.ptr, value.length);
  into->prefix_length = value.length;
  return true;
}

/* What is wrong with the configuration; NULL if nothing. */
static const char *read_settings(settings *into, buffer text) {
  while (text.length > 0) {
    buffer value = taken(&text, '\n'), key = value;
    if (!split(&key, '=', &value)) return "a line is not key=value";
    if (equal(key, TEXT("buckets"))) {
      if (into->buckets != 0) return "buckets is given twice";
      if (!read_buckets(into, value)) return "buckets is not a number from 1 to 1000000";
    } else if (equal(key, TEXT("prefix"))) {
      if (into->prefix_length != 0) return "prefix is given twice";
      if (!read_prefix(into, value)) return "prefix is not 1 to 1024 visible ASCII characters";
    } else {
      return "a key is neither buckets nor prefix";
    }
  }
  return into->buckets == 0 ? "buckets is missing" : into->prefix_length == 0 ? "prefix is missing" : NULL;
}

void *shard_settings(buffer config, const char **reason) {
  settings *read = calloc(1, sizeof *read);
  *reason = read == NULL ? "out of memory" : read_settings(read, config);
  if (*reason == NULL) return read;
  free(read);
  return NULL;
}

void shard_request(const void *config, void *request) {
  const settings *set = config;
  buffer host = {NULL, 0};
  if (!envoy_dynamic_module_callback_early_header_mutation_get_header_value(request, TEXT(":authority"), &host, 0, NULL))
    host.length = 0; /* HTTP/1.0 without Host: the scope of the empty host */
  char value[MAX_PREFIX + MAX_DIGITS], *digit = value + sizeof value;
  uint32_t slot = slot_of(host, set->buckets);
  do *--digit = (char)('0' + slot % 10);
  while ((slot /= 10) > 0);
  char *start = digit - set->prefix_length;
  memcpy(start, set->prefix, set->prefix_length);
  size_t length = (size_t)(value + sizeof value - start);
  envoy_dynamic_module_callback_early_header_mutation_set_header(request, TEXT("x-shard"), (buffer){start, length});
}
