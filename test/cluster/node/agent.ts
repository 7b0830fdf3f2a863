/**
 * The agent of a node in a virtual machine: does there what node.ts asks for. Started by rig/vm-init as `node agent.ts ADDRESS PORT`. It serves HTTP
 * on the one net that the machine has, to the enclosure's processes and pods alike; there is nothing to protect.
 *
 * GET /              204
 * GET /events        the lines of `ctr events`, until the client goes
 * GET /logs          a tar of the logs of the node's programs and of pods
 * POST /NAME         calls a function, with the body as its only argument; 200 and its result in JSON, or 500 and the error's text
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as local from './local.ts';

const STATE = process.env.STATE ?? '';

/** What can be called. */
const CALLS: Record<string, (argument: string) => unknown> = {
  killContainer: local.killContainer,
  removeContainer: local.removeContainer,
  sandboxesOf: local.sandboxesOf,
  killPod: local.killPod,
  stopProgram: (name) => local.stopProgram(program(name)),
  startProgram: (name) => local.startProgram(program(name)),
  awaitProgram: (name) => local.awaitProgram(program(name)),
};

function program(name: string): local.Program {
  const found = local.PROGRAMS.find((item) => item === name);
  if (found === undefined) throw new Error(`there is no program ${name}`);
  return found;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = request.url?.slice(1) ?? '';
  if (request.method === 'GET' && name === '') {
    response.writeHead(204).end();
  } else if (request.method === 'GET' && name === 'events') {
    const events = local.containerdEvents();
    response.once('close', () => events.kill());
    response.flushHeaders();
    events.stdout.pipe(response);
  } else if (request.method === 'GET' && name === 'logs') {
    const pods = existsSync('/var/log/pods') ? ['-C', '/var/log', 'pods'] : [];
    const tar = spawn('tar', ['-c', '-C', join(STATE, 'log'), '.', ...pods], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    tar.stdout.pipe(response);
  } else {
    const call = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
    if (request.method !== 'POST' || call === undefined) throw new Error(`cannot ${request.method} /${name}`);
    const result = await call(await text(request));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result ?? null));
  }
}

const [address = '', port = ''] = process.argv.slice(2);
createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end(String(error));
  });
}).listen(Number(port), address);
