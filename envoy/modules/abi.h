/* The part of Envoy 1.40's dynamic module ABI that our modules use: what Envoy calls, and what it offers.
 *
 * Envoy refuses a module whose version string differs from its own, so a change of envoy/VERSION begins here: compare
 * with source/extensions/dynamic_modules/abi/abi.h of that release. Names are Envoy's, shortened only in types.
 */
#ifndef POINTSMAN_ABI_H
#define POINTSMAN_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ABI_VERSION "v0.2.0"
#define EXPORT __attribute__((visibility("default")))

/* Bytes that belong to Envoy or to us; never ended by NUL, and ptr may be NULL where length is 0. */
typedef struct {
  const char *ptr;
  size_t length;
} buffer;

typedef enum { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_CRITICAL, LOG_OFF } log_level;

/* Of envoy_dynamic_module_type_attribute_id those that we ask for. */
typedef enum { SOURCE_ADDRESS = 24, PEER_DNS_NAME = 35, PEER_URI = 37 } attribute;

/* Called by Envoy. */
EXPORT const char *envoy_dynamic_module_on_program_init(void);
EXPORT void *envoy_dynamic_module_on_early_header_mutation_config_new(void *envoy, buffer name, buffer config);
EXPORT void envoy_dynamic_module_on_early_header_mutation_config_destroy(void *config);
EXPORT bool envoy_dynamic_module_on_early_header_mutation_mutate(const void *config, void *request);
EXPORT void *envoy_dynamic_module_on_cluster_specifier_config_new(void *envoy, buffer name, buffer config);
EXPORT void envoy_dynamic_module_on_cluster_specifier_config_destroy(void *config);
EXPORT bool envoy_dynamic_module_on_cluster_specifier_select(const void *config, void *request);

/* Offered by Envoy. */
void envoy_dynamic_module_callback_log(log_level level, buffer message);
bool envoy_dynamic_module_callback_early_header_mutation_get_header_value(void *request, buffer key, buffer *value, size_t index,
                                                                          size_t *count);
bool envoy_dynamic_module_callback_early_header_mutation_get_attribute_string(void *request, attribute id, buffer *value);
bool envoy_dynamic_module_callback_early_header_mutation_set_header(void *request, buffer key, buffer value);
bool envoy_dynamic_module_callback_early_header_mutation_remove_header(void *request, buffer key);
bool envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(void *request, buffer key, buffer *value, size_t index,
                                                                              size_t *count);
bool envoy_dynamic_module_callback_cluster_specifier_get_cluster_host_count(void *request, buffer cluster, uint32_t priority,
                                                                            size_t *total, size_t *healthy, size_t *degraded);
bool envoy_dynamic_module_callback_cluster_specifier_get_attribute_string(void *request, attribute id, buffer *value);
uint64_t envoy_dynamic_module_callback_cluster_specifier_get_random_value(void *request);
void envoy_dynamic_module_callback_cluster_specifier_set_cluster_name(void *request, buffer cluster);

#endif
