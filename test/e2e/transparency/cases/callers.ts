import type { Case } from '../observe.ts'

/** Puts a program into a folder of its own, which `$here` names, first on PATH behind the shim. */
const withProgram = (
  name: string,
  script: string,
  line: string,
): string => `mkdir -p here; cat >here/${name} <<'END'
${script}
END
chmod +x here/${name}; here=$PWD/here; shims=\${PATH%%:*}; rest=\${PATH#*:}
PATH=$shims:$here:$rest; export PATH
${line}`

const get = 'kubectl get pod "$POD" -o name'

/** As asdf makes them: the shim asks asdf, which runs the version that the folder's file names. */
const asdf = withProgram(
  'kubectl',
  '#!/usr/bin/env bash\n# asdf-plugin: kubectl 1.35.2\nexec asdf exec "kubectl" "$@"',
  `cat >here/asdf <<'END'
#!/usr/bin/env bash
read -r _ version <.tool-versions
export PATH="$PWD/installs/$version/bin:$PATH" ASDF_KUBECTL_VERSION=$version
shift 2
exec "$PWD/installs/$version/bin/kubectl" "$@"
END
chmod +x here/asdf; mkdir -p installs/1.35.2/bin; ln -s "$WITNESS" installs/1.35.2/bin/kubectl
echo kubectl 1.35.2 >.tool-versions; ${get}; kubectl get pod nothing; echo "code $?"`,
)

/** As mise, pyenv and rbenv have it: takes its own folder from PATH, then looks for the same name once more. */
const takesItselfAway = withProgram(
  'kubectl',
  `#!/bin/sh
own=\${0%/*}
PATH=$(printf %s "$PATH" | tr : '\\n' | grep -vxF "$own" | paste -sd:) exec kubectl "$@"`,
  `${get}; kubectl get pod nothing; echo "code $?"`,
)

export const callers: readonly Case[] = [
  {
    name: 'a plugin that calls kubectl',
    line: withProgram(
      'kubectl-hello',
      '#!/bin/sh\necho "hello $*"\nkubectl get pod "$POD" -o name',
      'kubectl hello --name "a b" --context=x; kubectl plugin list; echo "code $?"',
    ),
    shows: /hello --name a b[^]*pod\//,
  },
  {
    name: 'a plugin that calls kubectl with its own arguments',
    line: withProgram(
      'kubectl-again',
      '#!/bin/sh\n[ "$1" = deeper ] || exec kubectl again deeper "$@"\nkubectl get pod "$POD" -o name',
      'kubectl again; kubectl again more',
    ),
    shows: /pod\//,
  },
  {
    name: 'a plugin that fails, and one that a signal ends',
    line: withProgram(
      'kubectl-fail',
      '#!/bin/sh\n[ "$1" = die ] && kill -TERM $$\nexit 42',
      'kubectl fail; echo $?; kubectl fail die; echo $?',
    ),
    shows: /42/,
  },
  { name: 'behind it asdf’s shim', line: asdf, shows: /pod\/[^]*code 1/ },
  {
    name: 'behind it a shim that takes itself from PATH and looks again',
    line: takesItselfAway,
    shows: /pod\/[^]*code 1/,
  },
  {
    name: 'behind it a dispatcher that chooses by the server and runs another kubectl by its path',
    line: withProgram('kubectl', '#!/bin/bash\nexec -a kubectl "$WITNESS" "$@"', get),
    shows: /pod\//,
  },
  {
    name: 'behind it a wrapper that runs kubectl as a child, and looks at its output',
    line: withProgram(
      'kubectl',
      '#!/bin/sh\necho "asked: $*" >&2\n"$WITNESS" "$@" | sed s/pod/POD/\nexit 5',
      `${get}; echo "code $?"`,
    ),
    shows: /POD\/[^]*code 5/,
  },
  {
    name: 'behind it one that asks kubectl for its version first',
    line: withProgram(
      'kubectl',
      '#!/bin/sh\n"$WITNESS" version --client >/dev/null || exit 9\nexec "$WITNESS" "$@"',
      get,
    ),
    shows: /pod\//,
  },
  {
    name: 'behind it a script without a first line',
    line: withProgram('kubectl', 'echo "plain $1"', 'kubectl "a b"; echo $?'),
    shows: /plain a b/,
  },
  {
    name: 'a link of another name',
    line: 'ln -s "$(command -v kubectl)" k; ./k get pod "$POD" -o name',
    shows: /^pod\/\S+\n$/,
    differs: {
      because: 'the kernel names a process after the file that it runs',
      shows: { native: /^pod\/\S+\n$/, fallback: /^pod\/\S+\n$/ },
    },
  },
  {
    name: 'command -v',
    shell: 'bash',
    line: 'command -v kubectl; type kubectl',
    shows: /kubectl/,
    differs: {
      because: 'the shim is what PATH finds',
      shows: {
        direct: /^\S+\/path\/kubectl\nkubectl is \S+\/path\/kubectl\n$/,
        native: /^\S+\/shims\/kubectl\nkubectl is \S+\/shims\/kubectl\n$/,
        fallback: /^\S+\/shims\/kubectl\nkubectl is \S+\/shims\/kubectl\n$/,
      },
    },
  },
  {
    name: 'env -i with what kubectl needs',
    line: `env -i HOME="$HOME" PATH="$PATH" KUBEGUARD_HOME="$KUBEGUARD_HOME" kubectl get pods -o name`,
    shows: /pod\//,
  },
  {
    name: 'env -i and its full path',
    line: `env -i KUBEGUARD_HOME="$KUBEGUARD_HOME" "$(command -v kubectl)" version --client -o json`,
    shows: /clientVersion/,
    differs: {
      because: 'without PATH nothing says where kubectl is',
      shows: {
        native: /^kubeguard: no kubectl is on PATH behind the shim\ninstall it, or put it on PATH\n$/,
        fallback: /^kubeguard: no kubectl is on PATH behind the shim\ninstall it, or put it on PATH\n$/,
      },
    },
  },
  {
    name: 'xargs -P16',
    line: `seq 1 32 | xargs -P16 -I{} kubectl get pod "$POD" -o name | sort`,
    shows: /(pod\/\S+\n){32}/,
  },
  {
    name: 'xargs with a failure',
    line: 'echo nothing "$POD" | xargs -n1 kubectl get pod -o name; echo "code $?"',
    shows: /code 123/,
  },
  {
    name: 'xargs -0 and odd names',
    line: `printf 'a\\nb\\0%s\\0' "$POD" | xargs -0 -n1 kubectl get pod -o name; echo "code $?"`,
    shows: /code 123/,
  },
  {
    name: 'make, its job server and its errors',
    line: `printf 'all: one two\\none two: ; @+kubectl get pod "$$POD" -o name\\nfail: ; kubectl get pod nothing\\n' >Makefile; make -s -j2 all; make fail; echo "code $?"`,
    shows: /pod\/[^]*code 2[^]*Error 1/,
  },
  {
    name: 'Python’s subprocess',
    line: `/usr/bin/python3 -c 'import os, subprocess, sys
ran = subprocess.run(["kubectl", "get", "pod", os.environ["POD"], "-o", "name"], capture_output=True)
print(ran)
print(subprocess.run(["kubectl", "get", "pod", "nothing"], stdin=subprocess.DEVNULL).returncode)
print(os.spawnlp(os.P_WAIT, "kubectl", "kubectl", "get", "pod", "nothing"))'`,
    shows: /returncode=0[^]*1\n/,
  },
  {
    name: 'find -exec',
    line: `touch web-0; find . -name 'web*' -exec basename {} \\; -exec kubectl get pod "$POD" -o name \\;`,
    shows: /pod\//,
  },
  {
    name: 'as in CI: no terminal, no home of use, an empty input',
    line: `CI=true TERM=dumb setsid -w ${get} </dev/null 2>&1 | cat`,
    shows: /pod\//,
  },
  {
    name: 'time, stdbuf, flock',
    shell: 'bash',
    line: `stdbuf -oL flock lock ${get}; TIMEFORMAT=; time ${get}`,
    shows: /pod\/[^]*pod\//,
  },
  { name: 'in zsh', shell: 'zsh', line: `${get}; kubectl get pod nothing; print $?`, shows: /pod\/[^]*1\n/ },
  {
    name: 'in fish',
    shell: 'fish',
    line: `${get}; kubectl get pod nothing; echo $status`,
    shows: /pod\/[^]*1\n/,
  },
]
