import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePlatform } from '../../../webhook/registry/platform.ts';

const offered = (...names: string[]) =>
  names.map((name) => {
    const [os = '', architecture = '', variant = ''] = name.split('/');
    return { name, platform: { os, architecture, variant } };
  });

const CHOICES: [machine: 'amd64' | 'arm64', offers: string[], choice: string | undefined][] = [
  ['amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
  ['amd64', ['windows/amd64', 'linux/amd64'], 'linux/amd64'],
  ['amd64', ['linux/386'], 'linux/386'],
  ['amd64', ['linux/386', 'linux/amd64/v2'], 'linux/amd64/v2'],
  ['amd64', ['linux/arm64', 'linux/s390x'], undefined],
  ['arm64', ['linux/amd64', 'linux/arm64'], 'linux/arm64'],
  ['arm64', ['linux/arm64', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['arm64', ['linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7'],
  ['arm64', ['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['arm64', ['linux/amd64'], undefined],
];

for (const [machine, offers, choice] of CHOICES)
  test(`${machine} runs ${choice} of ${offers.join(', ')}`, () => {
    assert.equal(choosePlatform(machine, offered(...offers))?.name, choice);
  });
