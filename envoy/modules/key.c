/* Early header mutation `key`: reads the routing key of a request in all its spellings, and writes the one that was found.
 *
 * The request has a key if all spellings that are there, and the label in front of a preview host, say one and the same valid
 * key. Then every spelling is written anew from it, so that whoever reads any of them further on reads the same. If they
 * differ, or one is not valid, there is no key: all spellings go, and x-route-key-error says so where that is asked for.
 * translator/envoy_v3/keys.py says the same in Python; tests hold both to one another.
 *
 * Configuration, a StringValue of lines; the first spelling is the header that `fork` reads:
 *   spelling=<header>              a header whose value is the key
 *   member=<header>/<name>         a member of a list, as in W3C baggage and tracestate
 *   host=.<suffix>                 a preview host: the label in front of this suffix is a key
 *   hosts=<group>                  hosts and their keys are looked up among those of this group (rules.c), before the suffixes
 *   wrong=reject|strip             whether x-route-key-error is set
 *   admit=all|signed|none          of spellings; `none` takes them away whatever they say. A preview host is always read
 *   source=<address>/<bits>        clients whose connection comes from there are admitted whatever admit says, up to 32
 *   peer=<name>                    and those whose certificate has this as its first DNS name or URI, up to 32
 *   secret=<file>                  with signed: the name of a file in the folder $POINTSMAN_KEYS, up to four
 *   audience=<text>                with signed: whom keys must be signed for, up to 253 characters
 *
 * A signed key is <key>.<seconds since 1970>.<HMAC-SHA256, 64 lower hex digits>; what is signed is all before the last dot, and with
 * an audience a dot and that behind it. A secret that cannot be read signs nothing, and is told in the log: a listener must not fall
 * with a file.
 */
#include "clients.h"
#include "roles.h"
#include "sha256.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 63, SPELLINGS = 16, HOSTS = 8, SECRETS = 4, SHORTEST_SECRET = 16, EXPIRY = 12, AUDIENCE = 253, LIST = 65536, FOLDER = 4096, HOST = 512 };

typedef struct {
  buffer header, member; /* without a member the header is the key */
} spelling;

typedef enum { UNSAID, ALL, SIGNED, NONE } admission;

typedef struct {
  spelling spellings[SPELLINGS];
  buffer hosts[HOSTS], group, audience;
  clients trusted;
  hmac_key secrets[SECRETS];
  size_t spelling_count, host_count, secret_count, named_secrets;
  admission admit;
  enum { UNTOLD, REJECT, STRIP } wrong;
  char text[]; /* what the buffers above point into */
} settings;

/* What is known of a request so far. */
typedef struct {
  char key[LONGEST];
  size_t length;
  admission admit; /* of this client */
  bool wrong;
  bool present[SPELLINGS];
} finding;

bool is_key(buffer text) {
  if (text.length == 0 || text.length > LONGEST || text.ptr[0] == '-' || text.ptr[text.length - 1] == '-') return false;
  for (size_t i = 0; i < text.length; i++) {
    char byte = text.ptr[i];
    if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-')) return false;
  }
  return true;
}

/* Signed keys */

static int nibble(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* In constant time: how much of a forged code is right must not be seen. */
static bool is_signature(const hmac_key *secret, buffer message, const char *hex) {
  uint8_t digest[DIGEST];
  unsigned difference = 0;
  hmac(secret, message, digest);
  for (int i = 0; i < DIGEST; i++) {
    int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
    difference |= (unsigned)(high < 0) | (unsigned)(low < 0) | (digest[i] ^ (((unsigned)high & 15) << 4 | ((unsigned)low & 15)));
  }
  return difference == 0;
}

typedef struct {
  char bytes[LONGEST + 1 + EXPIRY + 1 + AUDIENCE];
} whole_text;

/* What is signed; `into` holds it where there is an audience. The message is a key and a time, and no longer than these can be. */
static buffer signed_text(const settings *set, buffer message, whole_text *into) {
  if (set->audience.length == 0) return message;
  memcpy(into->bytes, message.ptr, message.length);
  into->bytes[message.length] = '.';
  memcpy(into->bytes + message.length + 1, set->audience.ptr, set->audience.length);
  return (buffer){into->bytes, message.length + 1 + set->audience.length};
}

_Static_assert(sizeof(whole_text) <= LONGEST_MESSAGE, "all of what is signed is hashed");

/* Leaves the key of a signed one. false: it is not signed, or not any more. */
static bool is_signed(const settings *set, buffer *value) {
  size_t end = after_last(*value, '.');
  if (end == 0 || value->length - end != 2 * DIGEST) return false;
  buffer message = {value->ptr, end - 1}, key = message, expiry;
  uint64_t until = 0;
  if (!split(&key, '.', &expiry) || !is_key(key) || !number_of(expiry, EXPIRY, &until) || until < seconds_now()) return false;
  whole_text whole;
  bool good = false;
  message = signed_text(set, message, &whole);
  for (size_t i = 0; i < set->secret_count; i++) good |= is_signature(&set->secrets[i], message, value->ptr + end);
  *value = key;
  return good;
}

/* Reading */

static void take(finding *found, buffer key) {
  if (!is_key(key) || (found->length > 0 && !equal(key, (buffer){found->key, found->length}))) {
    found->wrong = true;
    return;
  }
  memcpy(found->key, key.ptr, key.length);
  found->length = key.length;
}

static void take_spelled(const settings *set, finding *found, buffer value) {
  value = trimmed(value);
  if (found->admit == SIGNED && !is_signed(set, &value))
    found->wrong = true;
  else
    take(found, value);
}

/* The value of a member of a list if it has this name. Properties behind a ; are no part of it. */
static bool is_member(buffer item, buffer name, buffer *value) {
  if (!split(&item, '=', value) || !equal(trimmed(item), name)) return false;
  *value = taken(value, ';');
  return true;
}

static bool line(void *request, buffer header, size_t index, buffer *value) {
  return envoy_dynamic_module_callback_early_header_mutation_get_header_value(request, header, value, index, NULL);
}

static bool read_list(const settings *set, const spelling *from, buffer list, finding *found) {
  bool present = false;
  while (list.length > 0) {
    buffer value, item = taken(&list, ',');
    if (!is_member(item, from->member, &value)) continue;
    present = true;
    if (found->admit != NONE) take_spelled(set, found, value);
  }
  return present;
}

static void read_spellings(const settings *set, void *request, finding *found) {
  for (size_t i = 0; i < set->spelling_count; i++) {
    const spelling *one = &set->spellings[i];
    buffer value;
    for (size_t index = 0; line(request, one->header, index, &value); index++) {
      if (one->member.length > 0) {
        found->present[i] |= read_list(set, one, value, found);
        continue;
      }
      found->present[i] = true;
      if (found->admit != NONE) take_spelled(set, found, value);
    }
  }
}

static bool ends_with(buffer host, buffer suffix) {
  if (host.length <= suffix.length) return false;
  const char *end = host.ptr + host.length - suffix.length;
  for (size_t i = 0; i < suffix.length; i++)
    if (lower(end[i]) != (uint8_t)suffix.ptr[i]) return false;
  return true;
}

static bool read_named_host(const settings *set, buffer host, finding *found) {
  char name[HOST], key[LONGEST_ROUTE_KEY];
  size_t length = set->group.length + 1 + host.length;
  if (set->group.length == 0 || length > HOST) return false;
  memcpy(name, set->group.ptr, set->group.length);
  name[set->group.length] = ' ';
  for (size_t i = 0; i < host.length; i++) name[set->group.length + 1 + i] = (char)lower(host.ptr[i]);
  size_t known = key_of_host((buffer){name, length}, key);
  if (known > 0) take(found, (buffer){key, known});
  return known > 0;
}

static void read_host(const settings *set, void *request, finding *found) {
  buffer host;
  if ((set->host_count == 0 && set->group.length == 0) || !line(request, TEXT(":authority"), 0, &host)) return;
  host = without_dot(without_port(host));
  if (read_named_host(set, host, found)) return; /* what is told of this very host goes before a suffix */
  for (size_t i = 0; i < set->host_count; i++) {
    if (!ends_with(host, set->hosts[i])) continue;
    size_t length = host.length - set->hosts[i].length;
    char label[LONGEST];
    if (length > LONGEST) {
      found->wrong = true;
      return;
    }
    for (size_t at = 0; at < length; at++) label[at] = (char)lower(host.ptr[at]);
    take(found, (buffer){label, length});
    return;
  }
}

/* Writing */

static void put(void *request, buffer header, buffer value) {
  envoy_dynamic_module_callback_early_header_mutation_set_header(request, header, value);
}

static void away(void *request, buffer header) { envoy_dynamic_module_callback_early_header_mutation_remove_header(request, header); }

typedef struct {
  char bytes[LIST];
  size_t length;
  bool full;
} list;

static void append(list *to, buffer text) {
  to->full |= text.length > LIST - to->length;
  if (to->full) return;
  if (text.length > 0) memcpy(to->bytes + to->length, text.ptr, text.length);
  to->length += text.length;
}

/* All lines of the header as one list: ours in front, as tracestate wants what was changed last, then the members of others. */
static void write_list(void *request, const spelling *to, buffer key) {
  list out;
  out.length = 0;
  out.full = false;
  if (key.length > 0) {
    append(&out, to->member);
    append(&out, TEXT("="));
    append(&out, key);
  }
  buffer value;
  for (size_t index = 0; line(request, to->header, index, &value); index++) {
    while (value.length > 0) {
      buffer mine, item = trimmed(taken(&value, ','));
      if (item.length == 0 || is_member(item, to->member, &mine)) continue;
      if (out.length > 0) append(&out, TEXT(","));
      append(&out, item);
    }
  }
  if (out.length > 0 && !out.full)
    put(request, to->header, (buffer){out.bytes, out.length});
  else
    away(request, to->header); /* Envoy takes in no headers that long */
}

static void write_spellings(const settings *set, void *request, const finding *found) {
  buffer key = {found->key, found->wrong ? 0 : found->length};
  for (size_t i = 0; i < set->spelling_count; i++) {
    const spelling *one = &set->spellings[i];
    if (key.length == 0 && !found->present[i]) continue;
    if (one->member.length > 0)
      write_list(request, one, key);
    else if (key.length > 0)
      put(request, one->header, key);
    else
      away(request, one->header);
  }
}

void key_request(const void *config, void *request) {
  const settings *set = config;
  finding found = {.admit = is_trusted(&set->trusted, request) ? ALL : set->admit};
  read_spellings(set, request, &found);
  read_host(set, request, &found);
  away(request, TEXT(ROUTE_KEY_ERROR));
  away(request, TEXT(ATTEMPTS));
  write_spellings(set, request, &found);
  if (found.wrong && set->wrong == REJECT) put(request, TEXT(ROUTE_KEY_ERROR), TEXT("1"));
}

/* The configuration */

static bool is_name(buffer text) {
  for (size_t i = 0; i < text.length; i++) {
    char byte = text.ptr[i];
    if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.')) return false;
  }
  return text.length > 0 && text.ptr[0] != '.';
}

static void read_secret(settings *into, buffer name) {
  char path[FOLDER], content[LONGEST_KEY + 2];
  const char *folder = getenv("POINTSMAN_KEYS");
  int length = snprintf(path, sizeof path, "%s/%.*s", folder == NULL ? "" : folder, (int)name.length, name.ptr);
  FILE *file = folder == NULL || length < 0 || (size_t)length >= sizeof path ? NULL : fopen(path, "rb");
  buffer secret = {content, file == NULL ? 0 : fread(content, 1, sizeof content, file)};
  if (file != NULL) fclose(file);
  while (secret.length > 0 && (secret.ptr[secret.length - 1] == '\n' || secret.ptr[secret.length - 1] == '\r')) secret.length--;
  if (secret.length >= SHORTEST_SECRET && secret.length <= LONGEST_KEY)
    hmac_prepare(&into->secrets[into->secret_count++], (const uint8_t *)content, secret.length);
  else
    envoy_dynamic_module_callback_log(LOG_ERROR, TEXT("pointsman key: a secret is not 16 to 64 bytes of a file in $POINTSMAN_KEYS"));
}

static bool read_spelling(settings *into, buffer header, buffer member) {
  if (into->spelling_count == SPELLINGS || !is_name(header)) return false;
  into->spellings[into->spelling_count++] = (spelling){header, member};
  return true;
}

static bool read_choice(buffer value, const char *const *words, int *choice) {
  for (int i = 0; *choice == 0 && words[i] != NULL; i++)
    if (equal(value, (buffer){words[i], strlen(words[i])})) {
      *choice = i + 1;
      return true;
    }
  return false;
}

static const char *read_line(settings *into, buffer key, buffer value) {
  static const char *const ADMIT[] = {"all", "signed", "none", NULL}, *const WRONG[] = {"reject", "strip", NULL};
  int admit = (int)into->admit, wrong = (int)into->wrong;
  buffer header = value, member;
  if (equal(key, TEXT("spelling"))) {
    if (!read_spelling(into, value, (buffer){NULL, 0})) return "spelling is no header in lower case, or one of more than 16";
  } else if (equal(key, TEXT("member"))) {
    if (!split(&header, '/', &member) || !is_name(member) || !read_spelling(into, header, member))
      return "member is not header/name in lower case, or one of more than 16";
  } else if (equal(key, TEXT("host"))) {
    if (into->host_count == HOSTS || value.length < 2 || value.ptr[0] != '.' || !is_name((buffer){value.ptr + 1, value.length - 1}))
      return "host is not .suffix in lower case, or one of more than 8";
    into->hosts[into->host_count++] = value;
  } else if (equal(key, TEXT("hosts"))) {
    if (into->group.length > 0 || !is_visible(value)) return "hosts is not the name of one group";
    into->group = value;
  } else if (equal(key, TEXT("admit"))) {
    if (!read_choice(value, ADMIT, &admit)) return "admit is not all, signed or none, once";
  } else if (equal(key, TEXT("wrong"))) {
    if (!read_choice(value, WRONG, &wrong)) return "wrong is not reject or strip, once";
  } else if (equal(key, TEXT("source"))) {
    if (!read_source(&into->trusted, value)) return "source is no range of addresses, or one of more than 32";
  } else if (equal(key, TEXT("peer"))) {
    if (!read_peer(&into->trusted, value)) return "peer is no name, or one of more than 32";
  } else if (equal(key, TEXT("secret"))) {
    if (into->named_secrets++ == SECRETS || !is_name(value)) return "secret is no name of a file, or one of more than 4";
    read_secret(into, value);
  } else if (equal(key, TEXT("audience"))) {
    if (into->audience.length > 0 || value.length > AUDIENCE || !is_visible(value)) return "audience is not 1 to 253 visible ASCII characters, once";
    into->audience = value;
  } else {
    return "a line is none of spelling, member, host, hosts, wrong, admit, source, peer, secret, audience";
  }
  into->admit = (admission)admit;
  into->wrong = (unsigned)wrong;
  return NULL;
}

static const char *read_settings(settings *into, buffer text) {
  while (text.length > 0) {
    buffer value = taken(&text, '\n'), key = value;
    const char *reason = split(&key, '=', &value) ? read_line(into, key, value) : "a line is not key=value";
    if (reason != NULL) return reason;
  }
  if (into->spelling_count == 0 || into->spellings[0].member.length > 0) return "the first spelling is missing";
  if (into->admit == UNSAID || into->wrong == UNTOLD) return "admit or wrong is missing";
  if (into->audience.length > 0 && into->admit != SIGNED) return "audience is for admit=signed";
  return (into->admit == SIGNED) == (into->named_secrets > 0) ? NULL : "secrets are for admit=signed, and it needs one";
}

void *key_settings(buffer config, const char **reason) {
  settings *read = calloc(1, sizeof *read + config.length);
  *reason = "out of memory";
  if (read == NULL) return NULL;
  if (config.length > 0) memcpy(read->text, config.ptr, config.length);
  *reason = read_settings(read, (buffer){read->text, config.length});
  if (*reason == NULL) return read;
  free(read);
  return NULL;
}
