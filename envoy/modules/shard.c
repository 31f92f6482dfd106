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
#include "abi.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BUCKETS = 1000000, MAX_PREFIX = 1024, MAX_DIGITS = 7 };

typedef struct {
  uint32_t buckets;
  size_t prefix_length;
  char prefix[MAX_PREFIX];
} settings;

#define TEXT(literal) ((buffer){(literal), sizeof(literal) - 1})

static bool equal(buffer a, buffer b) { return a.length == b.length && (a.length == 0 || memcmp(a.ptr, b.ptr, a.length) == 0); }

/* The host */

/* Where the last such byte stands, counted from 1; 0 if nowhere. */
static size_t after_last(buffer text, char byte) {
  size_t end = text.length;
  while (end > 0 && text.ptr[end - 1] != byte) end--;
  return end;
}

/* Envoy's HeaderUtility::getPortStart: the last colon begins the port, unless a ] stands behind it. */
static buffer without_port(buffer host) {
  size_t colon = after_last(host, ':');
  if (colon > after_last(host, ']')) host.length = colon - 1;
  return host;
}

static buffer without_dot(buffer host) {
  if (host.length > 0 && host.ptr[host.length - 1] == '.') host.length--;
  return host;
}

/* Only ASCII: Envoy does not lower other bytes, and the locale is none of our business. */
static uint8_t lower(char byte) { return (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte); }

static uint32_t slot_of(buffer host, uint32_t buckets) {
  uint64_t digest = 0xcbf29ce484222325u;
  host = without_dot(without_port(host));
  for (size_t i = 0; i < host.length; i++) digest = (digest ^ lower(host.ptr[i])) * 0x100000001b3u;
  return (uint32_t)(digest % buckets);
}

/* The configuration */

static bool read_buckets(settings *into, buffer value) {
  uint32_t number = 0;
  if (value.length == 0 || value.length > MAX_DIGITS) return false;
  for (size_t i = 0; i < value.length; i++) {
    if (value.ptr[i] < '0' || value.ptr[i] > '9') return false;
    number = number * 10 + (uint32_t)(value.ptr[i] - '0');
  }
  into->buckets = number;
  return number >= 1 && number <= MAX_BUCKETS;
}

static bool read_prefix(settings *into, buffer value) {
  if (value.length == 0 || value.length > MAX_PREFIX) return false;
  for (size_t i = 0; i < value.length; i++)
    if (value.ptr[i] <= ' ' || value.ptr[i] > '~') return false;
  memcpy(into->prefix, value.ptr, value.length);
  into->prefix_length = value.length;
  return true;
}

/* Takes the next line off the text; its last one needs no newline. */
static buffer next_line(buffer *text) {
  buffer line = {text->ptr, 0};
  while (line.length < text->length && line.ptr[line.length] != '\n') line.length++;
  size_t taken = line.length < text->length ? line.length + 1 : line.length;
  text->ptr += taken;
  text->length -= taken;
  return line;
}

/* What is wrong with the configuration; NULL if nothing. */
static const char *read_settings(settings *into, buffer text) {
  while (text.length > 0) {
    buffer key = next_line(&text);
    const char *equals = memchr(key.ptr, '=', key.length);
    if (equals == NULL) return "a line is not key=value";
    buffer value = {equals + 1, key.length - (size_t)(equals - key.ptr) - 1};
    key.length = (size_t)(equals - key.ptr);
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

static void *refuse(settings *half_read, const char *reason) {
  char line[128] = "pointsman shard: configuration refused: ";
  strncat(line, reason, sizeof line - strlen(line) - 1);
  envoy_dynamic_module_callback_log(LOG_ERROR, (buffer){line, strlen(line)});
  free(half_read);
  return NULL;
}

/* What Envoy calls */

const char *envoy_dynamic_module_on_program_init(void) { return ABI_VERSION; }

void *envoy_dynamic_module_on_early_header_mutation_config_new(void *envoy, buffer name, buffer config) {
  (void)envoy;
  if (!equal(name, TEXT("shard"))) return refuse(NULL, "early_header_mutation_name is not shard");
  settings *read = calloc(1, sizeof *read);
  if (read == NULL) return refuse(NULL, "out of memory");
  const char *reason = read_settings(read, config);
  return reason != NULL ? refuse(read, reason) : read;
}

void envoy_dynamic_module_on_early_header_mutation_config_destroy(void *config) { free(config); }

bool envoy_dynamic_module_on_early_header_mutation_mutate(const void *config, void *request) {
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
  return true; /* later mutations run too */
}
