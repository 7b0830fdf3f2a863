/*
 * Memory for the engine. QuickJS builds its world from some 3,000 small blocks; musl's allocator, made for hardening,
 * takes them in pages of their own (80 mmap calls, a quarter of the shim's start-up). Here blocks are cut from chunks
 * and kept by size when they are freed: a process of one thread that lives on few, ever the same, sizes needs no more.
 * `npm run bench -- --only start` with it and with musl's malloc, in one run: 1.5 and 2.3 ms added to a bare exec, tini 0.53 ms.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "quickjs.h"

/* In front of each block: its size, this header included. */
#define HEADER sizeof(size_t)
/* Blocks are aligned to this, and so are their sizes. */
#define UNIT 16
#define CHUNK (64 * 1024)
/* Larger blocks are musl's. */
#define LARGEST (16 * 1024)
/* Sizes up to 128 are multiples of UNIT; each doubling above has four sizes. */
#define FINE 128
#define SIZES (FINE / UNIT + 4 * 7 + 1)

static void *freed[SIZES];
static char *chunk, *chunk_end;

static size_t header_of(const void *block) { return ((const size_t *)block)[-1]; }

/* The bytes that a block can hold. */
static size_t usable(const void *block) { return block ? header_of(block) - HEADER : 0; }

/* Which of the sizes holds `*total` bytes; rounds `*total` up to it. */
static unsigned size_index(size_t *total) {
  size_t units = (*total + UNIT - 1) / UNIT;
  if (units <= FINE / UNIT) {
    *total = units * UNIT;
    return (unsigned)units;
  }
  /* 2^top < units - 1 < 2^(top+1): a quarter of 2^top is the step */
  unsigned top = 63 - (unsigned)__builtin_clzll(units - 1);
  size_t step = (size_t)1 << (top - 2);
  size_t steps = (units + step - 1) / step; /* 5 to 8 */
  *total = steps * step * UNIT;
  return (unsigned)(FINE / UNIT + 4 * (top - 3) + steps - 4);
}

static void *from_chunk(size_t total) {
  if ((size_t)(chunk_end - chunk) < total) {
    /* What is left of the old chunk is lost: at most a quarter of the new one. */
    /* All pages at once: the start needs four chunks, and a fault for each page costs 60 us. */
    char *fresh = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (fresh == MAP_FAILED) return NULL;
    chunk = fresh + UNIT - HEADER;
    chunk_end = fresh + CHUNK;
  }
  char *block = chunk + HEADER;
  chunk += total;
  return block;
}

static void *take(size_t size) {
  size_t total = size + HEADER;
  void *block;
  if (total > LARGEST) {
    char *base = malloc(size + UNIT);
    if (!base) return NULL;
    block = base + UNIT;
  } else {
    void **list = &freed[size_index(&total)];
    block = *list;
    if (block)
      memcpy(list, block, sizeof(void *));
    else
      block = from_chunk(total);
    if (!block) return NULL;
  }
  ((size_t *)block)[-1] = total;
  return block;
}

static void give_back(void *block) {
  size_t total = header_of(block);
  if (total > LARGEST) {
    free((char *)block - UNIT);
    return;
  }
  void **list = &freed[size_index(&total)];
  memcpy(block, list, sizeof(void *));
  *list = block;
}

static void *js_malloc_block(JSMallocState *state, size_t size) {
  if (size > state->malloc_limit || state->malloc_size > state->malloc_limit - size) return NULL;
  void *block = take(size);
  if (!block) return NULL;
  state->malloc_count++;
  state->malloc_size += header_of(block);
  return block;
}

static void js_free_block(JSMallocState *state, void *block) {
  if (!block) return;
  state->malloc_count--;
  state->malloc_size -= header_of(block);
  give_back(block);
}

static void *js_realloc_block(JSMallocState *state, void *block, size_t size) {
  if (!block) return size ? js_malloc_block(state, size) : NULL;
  if (!size) {
    js_free_block(state, block);
    return NULL;
  }
  size_t held = usable(block);
  if (size <= held && size >= held / 2) return block;
  void *moved = js_malloc_block(state, size);
  if (!moved) return NULL;
  memcpy(moved, block, size < held ? size : held);
  js_free_block(state, block);
  return moved;
}

const JSMallocFunctions shim_memory = {js_malloc_block, js_free_block, js_realloc_block, usable};
