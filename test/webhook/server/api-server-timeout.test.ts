import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiServerTimeout } from '../../../webhook/server/api-server-timeout.ts';

test('the timeout is that of the API server, 10 s where it says none that can be read, 30 s at most', () => {
  assert.equal(apiServerTimeout('/mutate?timeout=1s'), 1_000);
  assert.equal(apiServerTimeout('/mutate?a=b&timeout=2500ms&c'), 2_500);
  assert.equal(apiServerTimeout('/mutate?timeout=5m'), 30_000);
  for (const url of ['/mutate', '/mutate?', '/mutate?timeout=', '/mutate?timeout=soon', '/mutate?timeout'])
    assert.equal(apiServerTimeout(url), 10_000, url);
});

test('the timeout is read from the query parameter of that very name', () => {
  assert.equal(apiServerTimeout('/mutate?idle-timeout=1s'), 10_000);
  assert.equal(apiServerTimeout('/mutate?idle-timeout=1s&timeout=20s'), 20_000);
  assert.equal(apiServerTimeout('/timeout=1s'), 10_000);
  assert.equal(apiServerTimeout('/mutate?x=timeout=1s'), 10_000);
});
