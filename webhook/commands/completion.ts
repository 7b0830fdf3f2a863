/**
 * `curfew completion`: the completion functions of the shells. They know no flag: at each tab they ask the program itself, so that they
 * never grow old.
 */
import { UsageError } from '../shared/usage-error.ts';
import type { Flags } from './flags.ts';
import { parseArguments } from './options.ts';
import type { Terminal } from './terminal.ts';

export const summary = 'print the completion for bash, zsh, fish or kubectl';

export const options = {} as const satisfies Flags;

const BASH = `# bash completion for curfew
_curfew() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default 2>/dev/null ;;
      :words) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _curfew curfew kubectl-curfew
`;

const ZSH = `#compdef curfew kubectl-curfew
# zsh completion for curfew
_curfew() {
  local -a found
  local line files
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :files) files=yes ;;
      :words|'') ;;
      *) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#found )) && _describe -t curfew curfew found
  [[ -n $files ]] && _files
  return 0
}
if [[ $funcstack[1] == _curfew ]]; then
  _curfew "$@"
else
  compdef _curfew curfew kubectl-curfew
fi
`;

const FISH = `# fish completion for curfew
function __curfew_complete
    set -l words (commandline -opc) "$(commandline -ct)"
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$(commandline -ct)"
            case :words
            case '*'
                echo $line
        end
    end
end
complete -c curfew -f -a '(__curfew_complete)'
complete -c kubectl-curfew -f -a '(__curfew_complete)'
`;

/** kubectl 1.26 and newer run it for \`kubectl curfew <tab>\`: an executable that is called kubectl_complete-curfew. */
const KUBECTL = `#!/bin/sh
exec kubectl-curfew __complete --kubectl -- "$@"
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH, kubectl: KUBECTL };

export const positionals = Object.keys(SCRIPTS);

export const usage = () => `curfew completion bash|zsh|fish|kubectl

Print the completion for a shell.

  bash     source <(curfew completion bash)                                     (in ~/.bashrc)
  zsh      curfew completion zsh >"\${fpath[1]}/_curfew"                          (then a new shell)
  fish     curfew completion fish >~/.config/fish/completions/curfew.fish
  kubectl  curfew completion kubectl >/usr/local/bin/kubectl_complete-curfew    (and chmod +x; kubectl 1.26 and newer)

As a plugin of kubectl: an executable kubectl-curfew on the PATH, which is curfew itself.

  ln -s "$(command -v curfew)" /usr/local/bin/kubectl-curfew
  kubectl curfew why job/migrate
`;

/** Print it. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const [shell] = parseArguments('completion', args, options, 1).positionals;
  const script = shell !== undefined && Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined)
    throw new UsageError(
      `name a shell: ${positionals.join(', ')}; "curfew completion --help" tells where it goes`,
    );
  terminal.print(script);
  return 0;
}
