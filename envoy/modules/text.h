/* Texts that are no C strings: bytes with a length, taken apart in place. Nothing here allocates, and nothing depends on a locale. */
#ifndef POINTSMAN_TEXT_H
#define POINTSMAN_TEXT_H

#include "abi.h"

#include <string.h>

#define TEXT(literal) ((buffer){(literal), sizeof(literal) - 1})

static inline bool equal(buffer a, buffer b) { return a.length == b.length && (a.length == 0 || memcmp(a.ptr, b.ptr, a.length) == 0); }

/* Only ASCII: Envoy does not lower other bytes. */
static inline uint8_t lower(char byte) { return (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte); }

/* Takes what stands before the first such byte off the text, and the byte itself; all of it where there is none. */
static inline buffer taken(buffer *text, char byte) {
  buffer part = {text->ptr, 0};
  while (part.length < text->length && part.ptr[part.length] != byte) part.length++;
  size_t gone = part.length < text->length ? part.length + 1 : part.length;
  if (gone > 0) text->ptr += gone;
  text->length -= gone;
  return part;
}

/* `text` becomes what stands before the first such byte, `rest` what stands behind it. false: there is none. */
static inline bool split(buffer *text, char byte, buffer *rest) {
  buffer all = *text, before = taken(&all, byte);
  if (before.length == text->length) return false;
  *rest = all;
  *text = before;
  return true;
}

static inline bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }

static inline buffer trimmed(buffer text) {
  while (text.length > 0 && is_blank(text.ptr[0])) text.ptr++, text.length--;
  while (text.length > 0 && is_blank(text.ptr[text.length - 1])) text.length--;
  return text;
}

/* Where the last such byte stands, counted from 1; 0 if nowhere. */
static inline size_t after_last(buffer text, char byte) {
  size_t end = text.length;
  while (end > 0 && text.ptr[end - 1] != byte) end--;
  return end;
}

/* Envoy's HeaderUtility::getPortStart: the last colon begins the port, unless a ] stands behind it. */
static inline buffer without_port(buffer host) {
  size_t colon = after_last(host, ':');
  if (colon > after_last(host, ']')) host.length = colon - 1;
  return host;
}

static inline buffer without_dot(buffer host) {
  if (host.length > 0 && host.ptr[host.length - 1] == '.') host.length--;
  return host;
}

/* A decimal number of at most so many digits, which must not be more than 19. */
static inline bool number_of(buffer text, size_t digits, uint64_t *number) {
  if (text.length == 0 || text.length > digits) return false;
  *number = 0;
  for (size_t i = 0; i < text.length; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    *number = *number * 10 + (uint64_t)(text.ptr[i] - '0');
  }
  return true;
}

static inline bool is_visible(buffer text) {
  for (size_t i = 0; i < text.length; i++)
    if (text.ptr[i] <= ' ' || text.ptr[i] > '~') return false;
  return text.length > 0;
}

#endif
