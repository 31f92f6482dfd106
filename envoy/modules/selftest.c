/* The module without Envoy: driven through the same calls, from a pipe.
 *
 * Reads frames from stdin, each a length (4 bytes, little end first) and so many bytes: the role, its configuration, then any
 * number of requests. In front may stand `rules` with its configurations, and `forget` for each that is to be gone again. A request is a frame of frames: name and value of each header, in their order. Writes for each request a
 * frame of the same form. A mutation answers with the headers as they are then. A cluster specifier answers with the cluster
 * it chose; its requests say with the name `healthy` which clusters there are, as <hosts>=<cluster>, and with `random` the
 * numbers to draw. What the module logs goes to stderr. Exit: 0, 1 if the configuration was refused, 2 if the input broke off.
 */
#include "roles.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS = 256, NOW = 1000000000, RULES = 16 };

typedef struct {
  buffer name, value;
} header;

typedef struct {
  header headers[HEADERS];
  size_t count, draws;
  buffer chosen;
} request;

uint64_t seconds_now(void) { return NOW; }

void envoy_dynamic_module_callback_log(log_level level, buffer message) {
  fprintf(stderr, "%d %.*s\n", (int)level, (int)message.length, message.ptr);
}

/* In memory of exactly its size, so that a sanitizer sees a step beyond it. */
static buffer kept(buffer text) {
  char *bytes = text.length == 0 ? NULL : malloc(text.length);
  if (text.length > 0 && bytes == NULL) exit(2);
  if (bytes != NULL) memcpy(bytes, text.ptr, text.length);
  return (buffer){bytes, text.length};
}

static void forget(buffer text) { free((void *)(uintptr_t)text.ptr); }

static bool value_of(const request *asked, buffer key, buffer *value, size_t index, size_t *count) {
  size_t seen = 0;
  *value = (buffer){NULL, 0};
  for (size_t i = 0; i < asked->count; i++)
    if (equal(asked->headers[i].name, key) && seen++ == index) *value = asked->headers[i].value;
  if (count != NULL) *count = seen;
  return index < seen;
}

bool envoy_dynamic_module_callback_early_header_mutation_get_header_value(void *context, buffer key, buffer *value, size_t index,
                                                                          size_t *count) {
  return value_of(context, key, value, index, count);
}

/* Told by headers that no client can send. */
bool envoy_dynamic_module_callback_early_header_mutation_get_attribute_string(void *context, attribute id, buffer *value) {
  return value_of(context, id == SOURCE_ADDRESS ? TEXT("source address") : id == PEER_URI ? TEXT("peer uri") : TEXT("peer name"), value, 0, NULL);
}

bool envoy_dynamic_module_callback_early_header_mutation_remove_header(void *context, buffer key) {
  request *asked = context;
  size_t left = 0;
  for (size_t i = 0; i < asked->count; i++) {
    if (equal(asked->headers[i].name, key)) {
      forget(asked->headers[i].name);
      forget(asked->headers[i].value);
    } else {
      asked->headers[left++] = asked->headers[i];
    }
  }
  asked->count = left;
  return true;
}

bool envoy_dynamic_module_callback_early_header_mutation_set_header(void *context, buffer key, buffer value) {
  request *asked = context;
  header set = {kept(key), kept(value)};
  envoy_dynamic_module_callback_early_header_mutation_remove_header(context, key);
  if (asked->count == HEADERS) exit(2);
  asked->headers[asked->count++] = set;
  return true;
}

bool envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(void *context, buffer key, buffer *value, size_t index,
                                                                              size_t *count) {
  return value_of(context, key, value, index, count);
}

bool envoy_dynamic_module_callback_cluster_specifier_get_cluster_host_count(void *context, buffer cluster, uint32_t priority,
                                                                            size_t *total, size_t *healthy, size_t *degraded) {
  buffer hosts, name;
  for (size_t i = 0; value_of(context, TEXT("healthy"), &hosts, i, NULL); i++) {
    uint64_t number = 0;
    if (!split(&hosts, '=', &name) || !equal(name, cluster) || !number_of(hosts, 9, &number)) continue;
    if (total != NULL) *total = number;
    if (healthy != NULL) *healthy = priority == 0 ? number : 0;
    if (degraded != NULL) *degraded = 0;
    return true;
  }
  return false;
}

bool envoy_dynamic_module_callback_cluster_specifier_get_attribute_string(void *context, attribute id, buffer *value) {
  return envoy_dynamic_module_callback_early_header_mutation_get_attribute_string(context, id, value);
}

uint64_t envoy_dynamic_module_callback_cluster_specifier_get_random_value(void *context) {
  request *asked = context;
  buffer drawn;
  uint64_t number = 0;
  if (!value_of(asked, TEXT("random"), &drawn, asked->draws++, NULL) || !number_of(drawn, 19, &number)) exit(2);
  return number;
}

void envoy_dynamic_module_callback_cluster_specifier_set_cluster_name(void *context, buffer cluster) {
  request *asked = context;
  forget(asked->chosen);
  asked->chosen = kept(cluster);
}

static uint32_t length_at(const char *bytes) {
  uint32_t length = 0;
  for (int i = 0; i < 4; i++) length |= (uint32_t)(uint8_t)bytes[i] << (8 * i);
  return length;
}

static bool read_frame(buffer *frame) {
  char head[4];
  size_t got = fread(head, 1, sizeof head, stdin);
  if (got == 0) return false;
  uint32_t length = got < sizeof head ? 0 : length_at(head);
  char *bytes = malloc((size_t)length + 1);
  if (got < sizeof head || bytes == NULL || fread(bytes, 1, length, stdin) < length) exit(2);
  *frame = kept((buffer){bytes, length});
  free(bytes);
  return true;
}

static buffer inner_frame(buffer *frame) {
  if (frame->length < 4 || frame->length - 4 < length_at(frame->ptr)) exit(2);
  buffer inner = {frame->ptr + 4, length_at(frame->ptr)};
  *frame = (buffer){inner.ptr + inner.length, frame->length - 4 - inner.length};
  return kept(inner);
}

static void write_number(size_t number) {
  for (int i = 0; i < 4; i++) putchar((int)(number >> (8 * i) & 255));
}

static void write_frame(buffer text) {
  write_number(text.length);
  fwrite(text.ptr == NULL ? "" : text.ptr, 1, text.length, stdout);
}

static void answer(const request *asked, bool mutation) {
  size_t length = mutation ? 0 : 4 + asked->chosen.length;
  for (size_t i = 0; mutation && i < asked->count; i++) length += 8 + asked->headers[i].name.length + asked->headers[i].value.length;
  write_number(length);
  if (!mutation) write_frame(asked->chosen);
  for (size_t i = 0; mutation && i < asked->count; i++) {
    write_frame(asked->headers[i].name);
    write_frame(asked->headers[i].value);
  }
}

static void serve(const void *config, bool mutation, buffer frame) {
  request asked = {.count = 0};
  buffer left = frame;
  while (left.length > 0) {
    if (asked.count == HEADERS) exit(2);
    asked.headers[asked.count].name = inner_frame(&left);
    asked.headers[asked.count++].value = inner_frame(&left);
  }
  if (mutation)
    envoy_dynamic_module_on_early_header_mutation_mutate(config, &asked);
  else
    envoy_dynamic_module_on_cluster_specifier_select(config, &asked);
  answer(&asked, mutation);
  for (size_t i = 0; i < asked.count; i++) {
    forget(asked.headers[i].name);
    forget(asked.headers[i].value);
  }
  forget(asked.chosen);
}

static void *made_rules[RULES];

/* Rules that stand beside the role. Answers whether one of them was refused. */
static bool read_rules(buffer *name, buffer *text) {
  size_t count = 0;
  while (equal(*name, TEXT("rules")) || equal(*name, TEXT("forget"))) {
    bool refused = false;
    uint64_t which = 0;
    if (equal(*name, TEXT("rules")) && count < RULES) {
      made_rules[count] = envoy_dynamic_module_on_cluster_specifier_config_new(NULL, *name, *text);
      refused = made_rules[count++] == NULL;
    } else if (number_of(*text, 2, &which) && which < count && made_rules[which] != NULL) {
      envoy_dynamic_module_on_cluster_specifier_config_destroy(made_rules[which]);
      made_rules[which] = NULL;
    }
    forget(*name);
    forget(*text);
    *name = *text = (buffer){NULL, 0};
    if (refused || !read_frame(name) || !read_frame(text)) return !refused;
  }
  return true;
}

static void forget_rules(void) {
  for (size_t i = 0; i < RULES; i++)
    if (made_rules[i] != NULL) envoy_dynamic_module_on_cluster_specifier_config_destroy(made_rules[i]);
}

static int serve_role(buffer name, buffer text) {
  bool mutation = !equal(name, TEXT("fork"));
  void *config = mutation ? envoy_dynamic_module_on_early_header_mutation_config_new(NULL, name, text)
                          : envoy_dynamic_module_on_cluster_specifier_config_new(NULL, name, text);
  buffer frame;
  forget(name);
  forget(text);
  if (config == NULL) return 1;
  while (read_frame(&frame)) {
    serve(config, mutation, frame);
    forget(frame);
  }
  if (mutation)
    envoy_dynamic_module_on_early_header_mutation_config_destroy(config);
  else
    envoy_dynamic_module_on_cluster_specifier_config_destroy(config);
  return 0;
}

int main(void) {
  buffer name, text;
  if (!read_frame(&name) || !read_frame(&text)) return 2;
  int left = read_rules(&name, &text) ? serve_role(name, text) : 1;
  forget_rules();
  return left;
}
