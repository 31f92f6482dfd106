/* The module without Envoy: driven through the same calls, from a pipe.
 *
 * Reads frames from stdin, each a length (4 bytes, little end first) and so many bytes: the mutation's name, its
 * configuration, then any number of hosts; the length 0xffffffff is a request without :authority. Writes for each host the
 * value of x-shard and a newline; what the module logs goes to stderr. Exit: 0, 1 if the configuration was refused, 2 if the
 * input broke off.
 */
#include "abi.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  bool present;
  buffer host;
} request;

void envoy_dynamic_module_callback_log(log_level level, buffer message) {
  fprintf(stderr, "%d %.*s\n", (int)level, (int)message.length, message.ptr);
}

bool envoy_dynamic_module_callback_early_header_mutation_get_header_value(void *context, buffer key, buffer *value, size_t index,
                                                                          size_t *count) {
  const request *asked = context;
  if (count != NULL) *count = asked->present;
  bool found = asked->present && index == 0 && key.length == 10 && memcmp(key.ptr, ":authority", 10) == 0;
  *value = found ? asked->host : (buffer){NULL, 0};
  return found;
}

bool envoy_dynamic_module_callback_early_header_mutation_set_header(void *context, buffer key, buffer value) {
  (void)context;
  if (key.length != 7 || memcmp(key.ptr, "x-shard", 7) != 0) return false;
  printf("%.*s\n", (int)value.length, value.ptr);
  return true;
}

/* A frame in memory of exactly its size, so that a sanitizer sees a step beyond it. false: no more input. */
static bool read_frame(request *frame) {
  uint8_t head[4];
  size_t got = fread(head, 1, sizeof head, stdin);
  if (got == 0) return false;
  if (got < sizeof head) exit(2);
  uint32_t length = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
  *frame = (request){length != UINT32_MAX, {NULL, 0}};
  if (!frame->present || length == 0) return true;
  char *bytes = malloc(length);
  if (bytes == NULL || fread(bytes, 1, length, stdin) < length) exit(2);
  frame->host = (buffer){bytes, length};
  return true;
}

static void forget(request *frame) { free((void *)(uintptr_t)frame->host.ptr); }

int main(void) {
  request name, text, asked;
  if (!read_frame(&name) || !read_frame(&text)) return 2;
  void *config = envoy_dynamic_module_on_early_header_mutation_config_new(NULL, name.host, text.host);
  forget(&name);
  forget(&text);
  if (config == NULL) return 1;
  while (read_frame(&asked)) {
    envoy_dynamic_module_on_early_header_mutation_mutate(config, &asked);
    forget(&asked);
  }
  envoy_dynamic_module_on_early_header_mutation_config_destroy(config);
  return 0;
}
