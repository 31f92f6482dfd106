/* Cluster specifier `fork`: sends a request with a key to the fork of its cluster where there is one, else as without a key.
 *
 * The fork of a cluster for a key is the cluster <prefix><key>, if it exists and has a healthy host. So one more key is one more
 * cluster, and no route changes. Where the fork has rules (rules.c), they say which of its clusters takes the request, if any. A
 * request that is tried again goes to the baseline: its fork has just failed it.
 *
 * Configuration, a StringValue of lines:
 *   header=<header>                the canonical spelling that `key` writes
 *   share=<0 to 100>               of 100 requests with a key, how many go to a fork; once at most, all if absent
 *   base=<weight> <cluster>        up to 16: where requests go by weight, 1 to 1000000
 *   fork=<prefix>                  of the forks of the base in the line before; the first that has one for the key takes it
 */
#include "roles.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASES = 16, WEIGHT = 1000000, LONGEST_PREFIX = 1024, PLACE = 8 };

typedef struct {
  buffer cluster, prefix;
  uint64_t weight;
} base;

typedef struct {
  buffer header;
  base bases[BASES];
  size_t count;
  uint64_t weights, share;
  bool shared;
  char text[]; /* what the buffers above point into */
} settings;

/* The key of a request that is not tried again. */
static bool has_key(const settings *set, void *request, buffer *key) {
  buffer attempt;
  size_t count = 0;
  if (envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(request, TEXT(ATTEMPTS), &attempt, 0, NULL)) return false;
  bool found = envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(request, set->header, key, 0, &count);
  return found && count == 1 && is_key(*key);
}

static bool drawn(const settings *set, void *request) {
  return set->share == 100 || envoy_dynamic_module_callback_cluster_specifier_get_random_value(request) % 100 < set->share;
}

static bool has_healthy_host(void *request, buffer cluster) {
  size_t healthy = 0;
  return envoy_dynamic_module_callback_cluster_specifier_get_cluster_host_count(request, cluster, 0, NULL, &healthy, NULL) && healthy > 0;
}

/* Behind the name of a fork: / and the place of one of its rules. */
static size_t put_place(char *end, size_t place) {
  int length = snprintf(end, PLACE, "/%zu", place);
  return length > 0 && length < PLACE ? (size_t)length : 0;
}

/* Once a rule decides, it does so for good: a fork of another base would be another answer than the one that was asked for. */
static bool chose_fork(const settings *set, void *request, buffer key) {
  char name[LONGEST_PREFIX + LONGEST_ROUTE_KEY + PLACE];
  for (size_t i = 0; i < set->count; i++) {
    buffer prefix = set->bases[i].prefix;
    if (prefix.length == 0) continue;
    memcpy(name, prefix.ptr, prefix.length);
    memcpy(name + prefix.length, key.ptr, key.length);
    buffer cluster = {name, prefix.length + key.length};
    size_t place = 0;
    ruling said = rules_of(cluster, request, &place);
    if (said == LEFT) return false;
    if (said == TAKEN) cluster.length += put_place(name + cluster.length, place);
    if (!has_healthy_host(request, cluster)) {
      if (said == TAKEN) return false;
      continue;
    }
    envoy_dynamic_module_callback_cluster_specifier_set_cluster_name(request, cluster);
    return true;
  }
  return false;
}

static void choose_base(const settings *set, void *request) {
  uint64_t left = set->count == 1 ? 0 : envoy_dynamic_module_callback_cluster_specifier_get_random_value(request) % set->weights;
  const base *one = set->bases;
  while (left >= one->weight) left -= (one++)->weight;
  envoy_dynamic_module_callback_cluster_specifier_set_cluster_name(request, one->cluster);
}

void fork_request(const void *config, void *request) {
  const settings *set = config;
  buffer key;
  if (!has_key(set, request, &key) || !drawn(set, request) || !chose_fork(set, request, key)) choose_base(set, request);
}

/* The configuration */

static const char *read_base(settings *into, buffer weight) {
  buffer cluster;
  base *one = &into->bases[into->count];
  if (into->count == BASES || !split(&weight, ' ', &cluster)) return "base is not a weight and a cluster, or one of more than 16";
  if (!number_of(weight, 7, &one->weight) || one->weight < 1 || one->weight > WEIGHT) return "a weight is not a number from 1 to 1000000";
  if (!is_visible(cluster)) return "a cluster is not named by visible ASCII characters";
  one->cluster = cluster;
  into->weights += one->weight;
  into->count++;
  return NULL;
}

static const char *read_prefix(settings *into, buffer prefix) {
  if (into->count == 0 || into->bases[into->count - 1].prefix.length > 0) return "fork does not follow a base";
  if (!is_visible(prefix) || prefix.length > LONGEST_PREFIX) return "fork is not 1 to 1024 visible ASCII characters";
  into->bases[into->count - 1].prefix = prefix;
  return NULL;
}

static const char *read_line(settings *into, buffer key, buffer value) {
  if (equal(key, TEXT("base"))) return read_base(into, value);
  if (equal(key, TEXT("fork"))) return read_prefix(into, value);
  if (equal(key, TEXT("header"))) {
    if (into->header.length > 0 || !is_visible(value)) return "header is not one header";
    into->header = value;
    return NULL;
  }
  if (!equal(key, TEXT("share"))) return "a line is none of header, share, base, fork";
  if (into->shared || !number_of(value, 3, &into->share) || into->share > 100) return "share is not one number from 0 to 100";
  into->shared = true;
  return NULL;
}

static const char *read_settings(settings *into, buffer text) {
  into->share = 100;
  while (text.length > 0) {
    buffer value = taken(&text, '\n'), key = value;
    const char *reason = split(&key, '=', &value) ? read_line(into, key, value) : "a line is not key=value";
    if (reason != NULL) return reason;
  }
  return into->header.length == 0 ? "header is missing" : into->count == 0 ? "base is missing" : NULL;
}

void *fork_settings(buffer config, const char **reason) {
  settings *read = calloc(1, sizeof *read + config.length);
  *reason = "out of memory";
  if (read == NULL) return NULL;
  if (config.length > 0) memcpy(read->text, config.ptr, config.length);
  *reason = read_settings(read, (buffer){read->text, config.length});
  if (*reason == NULL) return read;
  free(read);
  return NULL;
}
