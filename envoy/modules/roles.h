/* What the library can do: each role reads a configuration once and then acts on requests. module.c gives them to Envoy.
 *
 * `..._settings` answers NULL and a reason where it does not understand the configuration to the last word.
 */
#ifndef POINTSMAN_ROLES_H
#define POINTSMAN_ROLES_H

#include "abi.h"

void *shard_settings(buffer config, const char **reason);
void shard_request(const void *settings, void *request);

void *key_settings(buffer config, const char **reason);
void key_request(const void *settings, void *request);

void *fork_settings(buffer config, const char **reason);
void fork_request(const void *settings, void *request);

/* Whether this is a routing key: 1 to 63 of a-z, 0-9 and -, with neither end a -. */
bool is_key(buffer text);

/* Seconds since 1970. */
uint64_t seconds_now(void);

#define ROUTE_KEY_ERROR "x-route-key-error" /* set instead of a key where a request has none that is right */
#define ATTEMPTS "x-envoy-attempt-count"    /* set by Envoy once a request is on its way: whoever has it is tried again */

#endif
