/*
 * The shim's `main`: a QuickJS engine with nothing in it but what the shim uses, the C module `host`, and the
 * shim's own JavaScript as bytecode: one program for the roles that run in a container's own process, another for the
 * rest. No policy lives here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "quickjs.h"

/* shim/host.c */
void host_early(int argc, char **argv);
ssize_t host_say(const char *text, size_t length);
JSModuleDef *js_init_module_host(JSContext *ctx, const char *name);

/* shim/memory.c */
extern const JSMallocFunctions shim_memory;

/* made by qjsc: shim/main.ts, which is read whenever a container starts, and shim/pod-roles.ts */
extern const uint8_t main_program[], pod_roles[];
extern const uint32_t main_program_size, pod_roles_size;

/* The exit code of a shim that cannot do its work; 126 and 127 tell of the command (rule P2). */
#define EXIT_INTERNAL 125
/* A bug that eats memory must end the shim, not its container's whole memory limit. */
#define MEMORY_LIMIT (32 * 1024 * 1024)
/* QuickJS allows itself 1 MB; a container may have been given a smaller stack (RLIMIT_STACK). */
#define STACK_LIMIT (256 * 1024)
/* The engine's own 256 KB are about what the start takes: a collection in the middle of it costs 70 us and finds
 * nothing. */
#define FIRST_COLLECTION (512 * 1024)

/* A deep recursion's stack is not worth more. */
#define STACK_LINES 12

/* One line that says what was thrown, then where from; never returns. */
static _Noreturn void fail(JSContext *ctx, JSValue thrown) {
  static char words[4096];
  const char *message = JS_ToCString(ctx, thrown);
  int said = snprintf(words, sizeof words / 4, "curfew: internal error: %s\n", message ? message : "out of memory");
  host_say(words, said < (int)sizeof words / 4 ? (size_t)said : sizeof words / 4 - 1);
  if (JS_IsObject(thrown)) {
    JSValue stack = JS_GetPropertyStr(ctx, thrown, "stack");
    const char *text = JS_IsString(stack) ? JS_ToCString(ctx, stack) : NULL;
    size_t length = 0;
    for (int lines = 0; text && text[length] && lines < STACK_LINES; length++) lines += text[length] == '\n';
    if (text) host_say(text, length < sizeof words ? length : sizeof words);
  }
  _exit(EXIT_INTERNAL);
}

static _Noreturn void fail_pending(JSContext *ctx) { fail(ctx, JS_GetException(ctx)); }

static _Noreturn void fail_start(void) {
  static const char message[] = "curfew: internal error: no memory to start\n";
  host_say(message, sizeof(message) - 1);
  _exit(EXIT_INTERNAL);
}

/*
 * Only what the language of the shim needs. Left out, so that the linker drops them: the parser (eval), RegExp,
 * Date, Proxy, typed arrays, weak references, string normalization. Promise stays: a module's evaluation is one.
 */
static JSContext *new_context(JSRuntime *rt) {
  JSContext *ctx = JS_NewContextRaw(rt);
  if (!ctx) fail_start();
  JS_AddIntrinsicBaseObjects(ctx);
  JS_AddIntrinsicJSON(ctx);
  JS_AddIntrinsicMapSet(ctx);
  JS_AddIntrinsicPromise(ctx);
  return ctx;
}

/* Whether this is a role of shim/main.ts. */
static int is_containers(const char *role) {
  return !strcmp(role, "main") || !strcmp(role, "sidecar") || !strcmp(role, "started");
}

/* Run a program, a module, to its end. */
static void run(JSContext *ctx, const uint8_t *program, size_t size) {
  JSValue module = JS_ReadObject(ctx, program, size, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module) || JS_ResolveModule(ctx, module) < 0) fail_pending(ctx);
  JSValue evaluated = JS_EvalFunction(ctx, module);
  if (JS_IsException(evaluated)) fail_pending(ctx);
  JSContext *job;
  int done;
  while ((done = JS_ExecutePendingJob(JS_GetRuntime(ctx), &job)) > 0)
    ;
  if (done < 0) fail_pending(job);
  if (JS_PromiseState(ctx, evaluated) == JS_PROMISE_REJECTED) fail(ctx, JS_PromiseResult(ctx, evaluated));
}

int main(int argc, char **argv) {
  int one = argc > 1 && is_containers(argv[1]);
  host_early(argc, argv);
  JSRuntime *rt = JS_NewRuntime2(&shim_memory, NULL);
  if (!rt) fail_start();
  JS_SetMemoryLimit(rt, MEMORY_LIMIT);
  JS_SetMaxStackSize(rt, STACK_LIMIT);
  JS_SetGCThreshold(rt, FIRST_COLLECTION);
  JSContext *ctx = new_context(rt);
  if (!js_init_module_host(ctx, "host")) fail_pending(ctx);
  if (one)
    run(ctx, main_program, main_program_size);
  else
    run(ctx, pod_roles, pod_roles_size);
  return 0;
}
