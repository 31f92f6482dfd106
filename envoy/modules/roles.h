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

void *rules_settings(buffer config, const char **reason);
void rules_request(const void *settings, void *request);
void rules_forget(void *settings);

/* What the rules of a fork say of a request: there are none, its cluster <fork>/<place> takes it, or it is left to the baseline. */
typedef enum { UNRULED, TAKEN, LEFT } ruling;
ruling rules_of(buffer fork, void *request, size_t *place);

/* The key of requests to a host, given as <group> <host>: its length, at most LONGEST_ROUTE_KEY, and 0 if there is none. */
enum { LONGEST_ROUTE_KEY = 63 };
size_t key_of_host(buffer group_and_host, char *key);

/* Whether this is a routing key: 1 to 63 of a-z, 0-9 and -, with neither end a -. */
bool is_key(buffer text);

/* Seconds since 1970. */
uint64_t seconds_now(void);

#define ROUTE_KEY_ERROR "x-route-key-error" /* set instead of a key where a request has none that is right */
#define ATTEMPTS "x-envoy-attempt-count"    /* set by Envoy once a request is on its way: whoever has it is tried again */

#endif
