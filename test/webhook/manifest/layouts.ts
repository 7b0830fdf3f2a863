/** Pods as people write them: every one has a sidecar `p`, and none has a layout that cannot be kept. */

const HEAD = `apiVersion: v1
kind: Pod
metadata: {name: a, annotations: {curfew.dev/sidecars: p}}
spec:
  restartPolicy: Never
`;

/** Makes a pod's containers move (W10). */
const HOOK = 'lifecycle: {postStart: {exec: {command: [sh, -c, x]}}}';

/** @param main the lines of its second container */
const withMain = (main: string) =>
  `${HEAD}  containers:\n  - {name: p, image: x, command: [a]}\n  - name: m\n    image: x\n${main}`;

export const LAYOUTS: Readonly<Record<string, string>> = {
  'comments between the words of a command': withMain(
    '    command:\n    # why -c\n    - sh\n    - -c   # one line\n    - echo hi\n    # last\n  # after\n',
  ),
  'comments within a flow command': withMain(
    '    command: ["/proxy", "-instances=I=tcp:3306",\n      # "-ip_address_types=PRIVATE",\n      "-credential_file=/secrets/key.json" # key\n    ]\n',
  ),
  'comments within a flow command and flow args': withMain(
    '    command: [ # shell\n      sh, # c\n      -c # d\n    ]\n    args: ["x", # e\n      # f\n      z\n      # g\n    ]\n',
  ),
  'a comment between a tag and its word': withMain(
    '    command: [!!str # shell\n      sh, # c\n      -c\n    ]\n    args: ["x"] # d\n',
  ),
  'comments after the keys': withMain(
    '    command: # the shell\n    - sh\n    args: # its script\n    # and more\n    - ls # all\n',
  ),
  'block scalars of every sort': withMain(
    '    command:\n    - sh\n    - |+\n      keep\n\n\n    - >-\n      folded\n      text\n\n      para\n    - |2\n        indented\n       less\n    - >2-\n       x\n    - "dq \\\n       continued"\n    # final\n  # after\n',
  ),
  'a block scalar that ends with the text': withMain(
    '    command: [sh, -c]\n    args:\n    - |\n      echo hi',
  ),
  'a kept block scalar that ends with the text': withMain(
    '    command:\n    - sh\n    - |+\n      echo hi\n\n',
  ),
  'a quoted text at the margin': withMain(
    '    command:\n    - sh\n    - "exec kafka \\\n--override a=b"\n    - \'one\ntwo\'\n',
  ),
  'a plain text over several lines': withMain(
    '    command:\n    - sh\n    - echo\n      one\n\n      two # end\n',
  ),
  'a flow list at the margin': withMain('    command: [\n"sh",\n"-c"\n]\n'),
  'a comment that follows a quote at once': withMain('    command: ["x"]#c\n    args:\n    - "y"#d\n'),
  'control characters and line separators': withMain(
    '    command: [echo, "\\x7f", "a\\x80b", "wait\\x85 done", "a \\u2028 b", "\\uFEFF", "\\e[0m"]\n',
  ),
  'a command and args, both blocks': withMain(
    '    command:\n    - sh\n    # dash\n    - -c\n    args:\n    # script\n    - |\n      ls\n',
  ),
  'a flow command before block args': withMain(
    '    command: [sh, -c, "a\n      b"]\n    args:\n      - ls # all\n',
  ),
  'a block command before flow args': withMain(
    '    command:\n    - sh\n    - |\n      ls\n    args: [x, "y"] # last\n',
  ),
  'args before a command, deeper': withMain(
    '    args:\n        - |\n          ls\n    env: []\n    command:\n    - sh\n    - >\n      x\n      y\n',
  ),
  'empty args and an empty command': withMain('    command: [sh]\n    args: []\n    ports:\n'),
  'keys in quotes': withMain('    "command": [sh]\n    \'args\': ["-c"]\n'),
  'explicit keys': withMain('    ? command\n    : - sh\n      - -c\n    ? volumeMounts\n    : []\n'),
  'a command first': `${HEAD}  containers:\n  - {name: p, image: x, command: [a]}\n  - command: [sh, # first\n      -c]\n    name: m\n    image: x\n`,
  'a container that begins below its dash': `${HEAD}  containers:\n  -\n    # the main\n    command: [sh]\n    name: m\n    image: x\n  - {name: p, image: x, command: [a]}\n`,
  'init containers with a comment above': withMain(
    '    command: [sh]\n  initContainers:\n  # the first\n  - {name: i, image: x, command: [i]}\n  volumes: # none\n  - {name: v, emptyDir: {}}\n',
  ),
  'init containers further in than the containers': `${HEAD}  initContainers:\n    # the first\n    -   name: i\n        image: x\n        command: [i] # alone\n    # after it\n  containers:\n  - {name: p, image: x, # its image\n     command: [a]} # p\n  # the main\n  - name: m\n    image: x\n    command:\n    - sh\n    - |\n      one\n         \n      two\n    # below\n    args: [\n  b ]\n`,
  'containers further in than the init containers': `${HEAD}  containers:\n      - {name: p, image: x, command: [a]}\n      # the main\n      - name: m\n        image: x\n        command:\n        - |\n          one\n\n           two\n  initContainers:\n  - name: i\n    image: x\n    command: [i]\n`,
  'comments above lists, in other columns': withMain(
    '    command:\n# at the margin\n    - sh\n        # further in\n    volumeMounts: [{name: v, mountPath: /v}]\n  initContainers:\n# - name: none\n     # either\n  - {name: i, image: x, command: [i]}\n  volumes:\n    # the only one\n  - {name: v, emptyDir: {}}\n',
  ),
  'keys in braces without a value': `${HEAD}  containers:\n  - {name: p, image: x, args: , command: [a], env: }\n  - {name: m, image: x, command: [b], ports}\n`,
  'volumes that are null': withMain(
    '    command: [sh]\n    volumeMounts: null\n  initContainers: ~\n  volumes:\n',
  ),
  'collections that are empty': withMain(
    '    command: [sh]\n    volumeMounts: []\n    args: [ # no args\n    ]\n  initContainers: [] # none\n  volumes: [\n    # nor here\n  ]\n',
  ).replace('{curfew.dev/sidecars: p}', '&e {curfew.dev/sidecars: p}'),
  'an empty document around': withMain('    command: [sh]\n').replace(
    'metadata: {name: a, ',
    'x: {} # x\nmetadata: {name: a, labels: {}, ',
  ),
  'tabs between words': withMain('    command:\t[sh,\t-c]\t# tab\n    args:\t# tab\n    - ls\t\n'),
  'a main with a hook before its sidecar': `${HEAD}  containers:\n  # the work\n  - name: m # main\n    image: x\n    command: [sh]\n    securityContext: {runAsUser: 9007199254740993} # more than a double holds\n    ${HOOK}\n    # below\n\n  # the proxy,\n  # in two lines\n  - name: p # proxy\n    image: x\n    command:\n    # its program\n    - a # at its end\n  # after\n`,
  'a main with a hook before two sidecars, and more after them':
    `${HEAD}  containers:\r\n    - ${HOOK}\r\n      name: m\r\n      image: x\r\n      command: [sh]\r\n    - {name: p, image: x, command: [a]} # first\r\n    # other\r\n    - name: q\r\n      image: x\r\n      args:\r\n        - |\r\n          b\r\n      command: [sh]\r\n  volumes: []\r\n`
      .replaceAll(/(?<!\r)\n/g, '\r\n')
      .replace('sidecars: p', 'sidecars: "p,q"'),
  'a main with a hook before its sidecar, in brackets': `${HEAD}  containers: [ # both\n    {name: m, image: x, command: [sh], ${HOOK}}, # main\n    # proxy\n    {name: p, image: x, # its image\n      command: [a]} # last\n  ]\n`,
  'a main with a hook before its sidecar, in JSON': JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', annotations: { 'curfew.dev/sidecars': 'p' } },
      spec: {
        restartPolicy: 'Never',
        containers: [
          { name: 'm', image: 'x', command: ['sh'], lifecycle: { postStart: { exec: { command: ['x'] } } } },
          { name: 'p', image: 'x', command: ['a'] },
        ],
      },
    },
    null,
    2,
  ),
  'an anchor that containers share': `${HEAD}  securityContext: {runAsUser: 9007199254740993}
  containers:
  -   name: p   # the sidecar
      image: x
      command: [a]
  -   name: m
      image: x
      command: &cmd [sh, -c, ls]   # cmd
      volumeMounts: &vm
      -   {name: w, mountPath: /w}
  initContainers:
  -   name: i
      image: x
      command: *cmd       # same command
      volumeMounts: *vm   # same mounts
  volumes:
  -   name: w
      secret:
          secretName: s
          defaultMode: 0400   # octal
`,
  'aliases for a command and args': `${HEAD}  initContainers:\n  - {name: i, image: x, command: &c [sh, -c], args: &a [ls]}\n  containers:\n  - {name: p, image: x, command: [a]}\n  - {name: m, image: x, command: *c, args: *a}\n`,
  'an alias for a command, and args': `${HEAD}  initContainers:\n  - {name: i, image: x, command: &c [sh, -c]}\n  containers:\n  - {name: p, image: x, command: [a]}\n  - name: m\n    image: x\n    command: *c # shared\n    args:\n    - ls\n`,
  'words that are anchored and aliases': withMain('    command: [&s sh, -c, *s]\n    args: [*s]\n'),
  'a container merged into another': `${HEAD}  containers:\n  - &base\n    name: p # base\n    image: x\n    command: [a]\n    volumeMounts: [{name: v, mountPath: /v}]\n  - <<: *base # as above\n    name: m\n  volumes: [{name: v, emptyDir: {}}]\n`,
  'a merge key after explicit keys': withMain(
    '    # mine is lost\n    command: [mine]\n    <<: {command: [theirs], workingDir: /w}\n',
  ),
  'merged maps in a list': withMain(
    '    <<: [{command: [one], workingDir: /w}, {command: [two], args: [x]}]\n',
  ),
  'a key that stands twice': withMain('    command: [one]\n    command: [two] # counts\n'),
  'CRLF line ends': withMain('    command:\n    - sh # shell\n    - |\n      a\n      b\n').replaceAll(
    '\n',
    '\r\n',
  ),
  tags: withMain('    command: [!!str 5, !!str "x", ! y]\n    args: !!seq\n    - !!str true\n'),
  'numbers of every sort': withMain(
    '    command: [sh]\n    x: [0x10, 0b11, 017, 0o17, 1_000, 1e3, -.5, +12, 08, 18446744073709551615, 1.5e300]\n    y: [y, "on", 2020-01-01, 12:30:45, .5, 1., ~, .x, -]\n    z: {on: off, 1: 2, 1.5: x}\n',
  ),
  'values like comments': withMain(
    "    command: [sh]\n    env:\n    - {name: A, value: \"#no comment\"}\n    - {name: B, value: a#b}\n    - {name: C, value: 'it''s'}\n    - {name: D, value: http://x:80/a=b}\n",
  ),
  'JSON on one line': `${JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', annotations: { 'curfew.dev/sidecars': 'p' } },
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'p', image: 'x', command: ['a'] },
        { name: 'm', image: 'x', command: ['sh', '\u2028\u007f/😀'], args: ['a'] },
      ],
    },
  })}\n`,
  'JSON with an odd layout': `{"apiVersion":"v1","kind":"Pod",\n "metadata":{"name":"a","annotations":{"curfew.dev\\/sidecars":"p"}},"spec":\n{"restartPolicy":"Never","terminationGracePeriodSeconds":30, "x":9007199254740993,\n  "containers":[{"name":"p","image":"x","command":["a"]}\n  ,{"name":"m","image":"x","command":["\\ud83d\\ude00",\n "b"]}]}}`,
};
