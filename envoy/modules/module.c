/* What Envoy calls: roles found by name, made from their configuration, asked for each request. Knows nothing of what they do. */
#include "roles.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  void *(*settings)(buffer config, const char **reason);
  void (*request)(const void *settings, void *request);
  void (*forget)(void *settings);
} role;

typedef struct {
  const role *as;
  void *settings;
} configured;

static const role MUTATIONS[] = {{"shard", shard_settings, shard_request, free}, {"key", key_settings, key_request, free}};
static const role SPECIFIERS[] = {{"fork", fork_settings, fork_request, free}, {"rules", rules_settings, rules_request, rules_forget}};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void say(const char *name, const char *reason) {
  char line[192] = "pointsman ";
  strncat(line, name, 16);
  strcat(line, ": configuration refused: ");
  strncat(line, reason, sizeof line - strlen(line) - 1);
  envoy_dynamic_module_callback_log(LOG_ERROR, (buffer){line, strlen(line)});
}

/* Configuration that is not understood is refused with a log line, and Envoy then refuses what holds it. */
static void *configure(const role *roles, size_t count, buffer name, buffer config) {
  for (size_t i = 0; i < count; i++) {
    if (!equal(name, (buffer){roles[i].name, strlen(roles[i].name)})) continue;
    const char *reason = "out of memory";
    configured *one = malloc(sizeof *one);
    void *settings = one == NULL ? NULL : roles[i].settings(config, &reason);
    if (settings != NULL) {
      *one = (configured){&roles[i], settings};
      return one;
    }
    free(one);
    say(roles[i].name, reason);
    return NULL;
  }
  say("module", "no role of this name is known");
  return NULL;
}

static void forget(void *config) {
  configured *one = config;
  one->as->forget(one->settings);
  free(one);
}

static void act(const void *config, void *request) {
  const configured *one = config;
  one->as->request(one->settings, request);
}

const char *envoy_dynamic_module_on_program_init(void) { return ABI_VERSION; }

void *envoy_dynamic_module_on_early_header_mutation_config_new(void *envoy, buffer name, buffer config) {
  (void)envoy;
  return configure(MUTATIONS, COUNT(MUTATIONS), name, config);
}

void envoy_dynamic_module_on_early_header_mutation_config_destroy(void *config) { forget(config); }

bool envoy_dynamic_module_on_early_header_mutation_mutate(const void *config, void *request) {
  act(config, request);
  return true; /* later mutations run too */
}

void *envoy_dynamic_module_on_cluster_specifier_config_new(void *envoy, buffer name, buffer config) {
  (void)envoy;
  return configure(SPECIFIERS, COUNT(SPECIFIERS), name, config);
}

void envoy_dynamic_module_on_cluster_specifier_config_destroy(void *config) { forget(config); }

bool envoy_dynamic_module_on_cluster_specifier_select(const void *config, void *request) {
  act(config, request);
  return true;
}
