/* Cluster specifier `rules`: which requests of a key its forks take, where they take not all. It sends no request anywhere: its
 * configuration is what `fork` and `key` look up, so that rules of one more key are one more resource and no route changes.
 *
 * Configuration, a StringValue of lines:
 *   fork=<prefix><key>             whose rules follow, in their order; the cluster of the first is <prefix><key>/0, of the next …/1
 *   rule=<0 to 100>                of 100 requests that fit, how many go to its cluster; the others go to the baseline
 *   sticky=header <name>           right behind its rule: which of them these are goes by this value, where it is there
 *   sticky=cookie <name>
 *   sticky=source                  the address of the client
 *   path=<prefix>                  one of these fits, in whole segments, or one of the exact ones; without any all paths fit
 *   exact=<path>
 *   header=<name> <value>          all of these are there, once and with this value
 *   host=<group> <host> <key>      requests to this host have this key, where `key` reads those of this group
 *
 * Several configurations may say the same name: the newest counts, until it is gone. Envoy makes them on its main thread, and
 * forgets them on any; workers ask. So all of it is behind one lock, which is not even looked at while there are no rules.
 *
 * A share that is sticky takes the values whose number is below it. The number is of the key and the value alone, so it is the same
 * wherever and whenever it is asked for, and a share that grows lets none go. translator/envoy_v3/keyrules.py computes the same; tests
 * hold both to one another.
 */
#define _POSIX_C_SOURCE 200809L /* read-write locks */
#include "roles.h"
#include "text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 8192 };

typedef enum { FORK, HOST, RULE, PATH, EXACT, HEADER, STICKY } kind;
typedef enum { BY_HEADER, BY_COOKIE, BY_SOURCE } stickiness;

typedef struct step {
  kind kind;
  buffer name, value; /* of a fork its name; of a host group and host, and the key */
  uint64_t number;   /* of a rule its share; what it is sticky by */
  struct step *next; /* in its bucket: of forks and hosts only */
} step;

typedef struct {
  size_t count;
  step steps[]; /* and behind them the text that they point into */
} settings;

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static step *buckets[BUCKETS];
static atomic_size_t known[2]; /* forks, hosts */

static const uint64_t BASIS = 0xcbf29ce484222325;

/* FNV-1a, 64 bits */
static uint64_t hashed(uint64_t digest, buffer text) {
  for (size_t i = 0; i < text.length; i++) digest = (digest ^ (uint8_t)text.ptr[i]) * 0x100000001b3;
  return digest;
}

static step **bucket(kind of, buffer name) { return &buckets[hashed(BASIS ^ of, name) % BUCKETS]; }

static const step *found(kind of, buffer name) {
  for (const step *one = *bucket(of, name); one != NULL; one = one->next)
    if (one->kind == of && equal(one->name, name)) return one;
  return NULL;
}

/* Asking */

static bool has_header(void *request, const step *wanted) {
  buffer value;
  size_t count = 0;
  return envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(request, wanted->name, &value, 0, &count) && count == 1 &&
         equal(value, wanted->value);
}

static bool fits_path(buffer path, const step *wanted) {
  buffer prefix = wanted->value;
  if (wanted->kind == EXACT) return equal(path, prefix);
  if (prefix.length > 0 && prefix.ptr[prefix.length - 1] == '/') prefix.length--;
  return path.length >= prefix.length && equal((buffer){path.ptr, prefix.length}, prefix) &&
         (path.length == prefix.length || path.ptr[prefix.length] == '/');
}

/* Whether a request fits the rule whose parts begin here. */
static bool fits(void *request, buffer path, const step *part, const step *end) {
  bool asked = false, fitting = false;
  for (; part < end && part->kind > RULE; part++) {
    if (part->kind == STICKY) continue;
    if (part->kind == HEADER) {
      if (!has_header(request, part)) return false;
      continue;
    }
    asked = true;
    fitting = fitting || fits_path(path, part);
  }
  return fitting || !asked;
}

/* Of several with this name the first, as the more special path comes first (RFC 6265 5.4). */
static bool cookie_of(void *request, buffer name, buffer *value) {
  buffer line;
  for (size_t i = 0; envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(request, TEXT("cookie"), &line, i, NULL); i++)
    while (line.length > 0) {
      buffer one = trimmed(taken(&line, ';'));
      if (split(&one, '=', value) && equal(one, name)) return true;
    }
  return false;
}

static bool sticky_value(void *request, const step *by, buffer *value) {
  size_t count = 0;
  *value = (buffer){NULL, 0};
  switch ((stickiness)by->number) {
  case BY_HEADER:
    return envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(request, by->value, value, 0, &count) &&
           value->length > 0 && count == 1;
  case BY_COOKIE:
    return cookie_of(request, by->value, value) && value->length > 0;
  default:
    if (!envoy_dynamic_module_callback_cluster_specifier_get_attribute_string(request, SOURCE_ADDRESS, value)) return false;
    *value = without_port(*value);
    return value->length > 0;
  }
}

/* From 0 to 99. FNV-1a of <key>/<value>, its bits mixed as MurmurHash3 ends, for texts that are nearly alike. */
static uint64_t number_of_value(buffer fork, buffer value) {
  size_t start = after_last(fork, '/');
  uint64_t digest = hashed(hashed(hashed(BASIS, (buffer){fork.ptr + start, fork.length - start}), TEXT("/")), value);
  digest = (digest ^ digest >> 33) * 0xff51afd7ed558ccd;
  digest = (digest ^ digest >> 33) * 0xc4ceb9fe1a85ec53;
  return (digest ^ digest >> 33) % 100;
}

/* Whether the share of a rule takes this request. */
static bool shares(void *request, const step *fork, const step *rule, const step *end) {
  buffer value;
  const step *by = rule + 1;
  if (rule->number == 100) return true;
  if (by < end && by->kind == STICKY && sticky_value(request, by, &value)) return number_of_value(fork->name, value) < rule->number;
  return envoy_dynamic_module_callback_cluster_specifier_get_random_value(request) % 100 < rule->number;
}

static ruling ruled(const step *fork, void *request, size_t *place) {
  buffer path = {NULL, 0};
  envoy_dynamic_module_callback_cluster_specifier_get_request_header_value(request, TEXT(":path"), &path, 0, NULL);
  path = taken(&path, '?');
  const settings *of = (const settings *)(uintptr_t)fork->number;
  const step *end = of->steps + of->count;
  *place = 0;
  for (const step *one = fork + 1; one < end && one->kind > HOST; one++) {
    if (one->kind != RULE) continue;
    if (fits(request, path, one + 1, end)) return shares(request, fork, one, end) ? TAKEN : LEFT;
    ++*place;
  }
  return LEFT;
}

ruling rules_of(buffer fork, void *request, size_t *place) {
  if (atomic_load_explicit(&known[FORK], memory_order_acquire) == 0) return UNRULED;
  pthread_rwlock_rdlock(&lock);
  const step *one = found(FORK, fork);
  ruling answer = one == NULL ? UNRULED : ruled(one, request, place);
  pthread_rwlock_unlock(&lock);
  return answer;
}

size_t key_of_host(buffer group_and_host, char *key) {
  if (atomic_load_explicit(&known[HOST], memory_order_acquire) == 0) return 0;
  pthread_rwlock_rdlock(&lock);
  const step *one = found(HOST, group_and_host);
  size_t length = one == NULL ? 0 : one->value.length;
  if (length > 0) memcpy(key, one->value.ptr, length);
  pthread_rwlock_unlock(&lock);
  return length;
}

/* The configuration */

static const char *read_sticky(step *into, const step *before) {
  if (before == NULL || before->kind != RULE) return "sticky does not follow a rule";
  into->number = BY_SOURCE;
  if (equal(into->value, TEXT("source"))) return NULL;
  if (!split(&into->name, ' ', &into->value) || !is_visible(into->value)) return "sticky is neither source nor a word and a name";
  into->number = equal(into->name, TEXT("header")) ? BY_HEADER : BY_COOKIE;
  return into->number == BY_HEADER || equal(into->name, TEXT("cookie")) ? NULL : "sticky is none of header, cookie and source";
}

static const char *read_step(step *into, const step *before, buffer word, buffer value) {
  static const struct {
    const char *word;
    kind kind;
  } WORDS[] = {{"fork", FORK}, {"host", HOST}, {"rule", RULE}, {"path", PATH}, {"exact", EXACT}, {"header", HEADER}, {"sticky", STICKY}};
  size_t which = 0;
  while (which < sizeof WORDS / sizeof *WORDS && !equal(word, (buffer){WORDS[which].word, strlen(WORDS[which].word)})) which++;
  if (which == sizeof WORDS / sizeof *WORDS) return "a line is none of fork, rule, path, exact, header, sticky, host";
  *into = (step){.kind = WORDS[which].kind, .name = value, .value = value};
  switch (into->kind) {
  case FORK:
    return is_visible(value) ? NULL : "fork is not visible ASCII characters";
  case HOST: {
    size_t end = after_last(value, ' ');
    if (end < 2) return "host is not a group, a host and a key";
    into->name.length = end - 1;
    into->value = (buffer){value.ptr + end, value.length - end};
    return is_key(into->value) ? NULL : "the key of a host is none";
  }
  case RULE:
    if (before == NULL || before->kind == HOST) return "rule does not follow a fork";
    return number_of(value, 3, &into->number) && into->number <= 100 ? NULL : "rule is not a number from 0 to 100";
  case STICKY:
    return read_sticky(into, before);
  default:
    if (before == NULL || before->kind < RULE) return "a condition does not follow a rule";
    if (into->kind != HEADER) return value.length > 0 && value.ptr[0] == '/' ? NULL : "a path does not begin with /";
    return split(&into->name, ' ', &into->value) && is_visible(into->name) ? NULL : "header is not a name and a value";
  }
}

static const char *read_settings(settings *into, buffer text) {
  while (text.length > 0) {
    buffer value = taken(&text, '\n'), word = value;
    if (!split(&word, '=', &value)) return "a line is not key=value";
    const step *before = into->count > 0 ? &into->steps[into->count - 1] : NULL;
    const char *reason = read_step(&into->steps[into->count], before, word, value);
    if (reason != NULL) return reason;
    into->count++;
  }
  return into->count > 0 ? NULL : "it is empty";
}

static void enlist(settings *all) {
  pthread_rwlock_wrlock(&lock);
  for (step *one = all->steps; one < all->steps + all->count; one++) {
    if (one->kind > HOST) continue;
    if (one->kind == FORK) one->number = (uint64_t)(uintptr_t)all;
    step **at = bucket(one->kind, one->name);
    one->next = *at;
    *at = one;
    atomic_fetch_add_explicit(&known[one->kind], 1, memory_order_release);
  }
  pthread_rwlock_unlock(&lock);
}

void rules_forget(void *config) {
  settings *all = config;
  pthread_rwlock_wrlock(&lock);
  for (step *one = all->steps; one < all->steps + all->count; one++) {
    if (one->kind > HOST) continue;
    step **at = bucket(one->kind, one->name);
    while (*at != one) at = &(*at)->next;
    *at = one->next;
    atomic_fetch_sub_explicit(&known[one->kind], 1, memory_order_release);
  }
  pthread_rwlock_unlock(&lock);
  free(all);
}

void *rules_settings(buffer config, const char **reason) {
  size_t lines = 1;
  for (size_t i = 0; i < config.length; i++) lines += config.ptr[i] == '\n';
  settings *read = calloc(1, sizeof *read + lines * sizeof *read->steps + config.length);
  *reason = "out of memory";
  if (read == NULL) return NULL;
  char *text = (char *)(read->steps + lines);
  if (config.length > 0) memcpy(text, config.ptr, config.length);
  *reason = read_settings(read, (buffer){text, config.length});
  if (*reason == NULL) {
    enlist(read);
    return read;
  }
  free(read);
  return NULL;
}

void rules_request(const void *config, void *request) {
  (void)config;
  (void)request;
}
