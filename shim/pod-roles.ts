/**
 * The shim's program for all that concerns the whole pod: `curfew-shim install|status ...`, and its help. Apart from `main.ts`, whose bytecode is
 * read whenever a container starts.
 */
import host from 'host';
import { failed } from './failed.ts';
import { unknownRole } from './flags.ts';
import { help } from './help.ts';
import { install } from './install.ts';
import { EXIT_UNUSABLE } from './lifecycle.ts';
import { NO_MESSAGE } from './paths.ts';
import { parseInstall, parseStatus } from './pod-arguments.ts';
import { printStatus } from './status.ts';

function main(): never {
  const args = host.args();
  const role = args[0];
  try {
    if (role === undefined || role === '--help' || role === 'help') {
      host.write(1, help(), -1);
      return host.exit(role === undefined ? EXIT_UNUSABLE : 0);
    }
    if (role === 'install') install(parseInstall(args));
    else if (role === 'status') printStatus(parseStatus(args));
    else throw unknownRole(role);
    return host.exit(0);
  } catch (error) {
    // The init container's own message. Whatever else runs here runs beside a command, whose message it leaves alone.
    return failed(error, role === 'install' ? undefined : NO_MESSAGE);
  }
}

main();
