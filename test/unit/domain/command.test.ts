import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classify } from '../../../src/domain/command.ts'
import type { VerbClass } from '../../../src/domain/command.ts'

const words = (line: string): string[] => ['kubectl', ...line.split(' ').filter((word) => word !== '')]
const classOf = (line: string): VerbClass => classify(words(line)).verbClass

const lines: Record<VerbClass, readonly string[]> = {
  local: [
    '',
    '--context x',
    '-h',
    '--help',
    'help',
    'help exec',
    'options',
    'completion zsh',
    'kustomize .',
    'plugin list',
    'plugin',
    'version --client',
    'version --client=true --output=json',
    'config view',
    'config view --raw',
    'config use-context x',
    'config set-credentials me --token x',
    '-n x config current-context',
    'config',
    'alpha kuberc view',
    'kuberc set --section defaults',
    'get -h',
    'get pods --help',
    'exec -it --help pod -- sh',
    'logs -fh pod',
    'rollout status -h',
    'rollout',
    'create secret -h',
    'auth',
    'alpha',
    'top',
    '-- get pods',
    'get --help=false --help pods',
  ],
  unary: [
    'get pods',
    'get',
    'get pods -w=false',
    'get pods --watch=false --watch-only=0',
    'get pods -w --watch=false',
    'get -o wide -n kube-system pods',
    'get pods -n -w',
    'get pods -nw',
    'get pods -lw',
    'get pods -l -w',
    'get pods -- -w',
    'get --raw /version',
    '-n -h get pods',
    'get pods --namespace --help',
    'describe pod x',
    'explain pod.spec',
    'logs pod',
    'logs -c f pod',
    'logs pod -c -f',
    'logs pod -cf',
    'logs pod --follow=false',
    'logs -f pod --follow=false',
    'logs -pf=false pod',
    'apply -f file',
    'apply -f -f',
    'apply view-last-applied -f x',
    'delete -i pod x',
    'delete pod x --wait',
    'create -f x',
    'create ns x',
    'create secret generic x',
    'create svc clusterip x --tcp 5678:8080',
    'create deployment x --image i -r 3 -- sleep 5',
    'create token default',
    'run x --image i',
    'run x --image i -- sh -it',
    'run x --image=i -i --attach=false',
    'run -i -t --attach=false x --image i',
    'debug node/x --image i',
    'debug pod/x --image i -it --attach=false',
    'rollout status deploy/x -w=false',
    'rollout status deploy/x --watch=false',
    'rollout restart deploy/x',
    'rollout undo deploy/x --to-revision 2',
    'set image deploy/x c=i',
    'set env deploy/x --list',
    'set env deploy/x --prefix -w',
    'certificate approve x',
    'cluster-info',
    'cluster-info dump',
    'auth can-i get pods',
    'auth whoami',
    'auth reconcile -f x',
    'api-resources',
    'api-versions',
    'top pod',
    'top nodes',
    'scale --replicas 3 deploy/x',
    'autoscale deploy x --max 3',
    'label pod x a=b',
    'annotate pod x a=b',
    'patch pod x -p {}',
    'taint node x a=b:NoSchedule',
    'cordon x',
    'expose pod x --port 80',
    'diff -f x',
    'events',
    'version',
    'version --client=false',
    'version --client --client=f',
    'replace -f x',
    '__complete get po',
    '__completeNoDesc exec -it p',
  ],
  live: [
    'get pods -w',
    'get -w pods',
    'get pods --watch',
    'get pods --watch-only',
    'get pods --watch_only',
    'get pods --watch=true',
    'get pods --watch=maybe',
    'get pods --watch=false -w',
    'get pods -Aw',
    'get pods -wA',
    'get pods -wn x',
    'get pods -nx -w',
    'get pods -own -w -h=false',
    '--watch=true get pods',
    'get --raw /api/v1/pods?watch=1',
    'get --raw=/api/v1/namespaces/x/pods/y/log?follow=true&tailLines=1',
    'get --raw /api/v1/watch/pods',
    'get --raw /api/v1/pods?watch',
    'get --raw /api/v1/pods?watch&limit=1',
    'get --raw /api/v1/pods?w%61tch=1',
    'get --raw /api/v1/w%61tch/pods',
    'get --raw /api/v1/pods?%',
    'events -w',
    'events --watch --for pod/x',
    'logs -f pod',
    'logs pod -f',
    'logs pod -pf',
    'logs pod --follow',
    'logs --follow=true pod',
    'logs -ft pod --tail 5',
    'exec pod -- ls',
    'exec pod ls',
    'exec -i pod -- cat',
    'exec -t pod -- cat',
    'exec --stdin pod -- cat',
    'exec -it=false pod -- sh',
    'exec pod -- sh -it',
    'exec -f file -- ls',
    'exec -n -it pod -- ls',
    'attach pod',
    'attach -i pod',
    'run x --image i -i',
    'run x --image i --attach',
    'run x --image i --attach=true',
    'run --rm -i x --image i',
    'debug pod/x --image i -i',
    'debug pod/x --image i --attach',
    'port-forward pod/x 80',
    'port-forward --address 0.0.0.0 pod/x 80',
    '-n x port-forward pod/x 80',
    'proxy',
    'proxy -p 8001 -w /tmp',
    'cp x:/a b',
    'edit pod x',
    'wait --for=condition=Ready pod/x',
    'rollout status deploy/x',
    '-n x rollout status deploy/x',
    'rollout -n x status deploy/x',
    'rollout status deploy/x --timeout 5s',
    'drain x',
    'apply edit-last-applied pod x',
    'create -f x --edit',
    'create secret generic x --edit',
  ],
  interactive: [
    'exec -it pod -- sh',
    'exec -ti pod -- sh',
    'exec -i -t pod -- sh',
    'exec -i --tty pod -- sh',
    'exec --stdin --tty pod sh',
    'exec --stdin=true --tty=1 pod -- sh',
    'exec pod -it -- sh -h',
    'exec pod -itn x -- sh',
    'exec pod -itnx -- sh',
    'exec pod -itcmain -- sh',
    'exec -qit pod -- sh',
    'exec -i=false -i -t pod -- sh',
    '-it exec pod -- sh',
    '--stdin=true --tty=true exec pod -- sh',
    'attach -it pod',
    'run x --image i -it',
    'run -it --rm x --image i -- sh',
    'run x --image i -it --attach=true --restart Never',
    'debug -it pod/x --image i --target c',
    'debug node/x -it --image i --profile sysadmin',
  ],
  plugin: [
    'foo',
    'foo --help',
    'foo get pods',
    'my_plugin -w',
    'krew list',
    'ns',
    'create foo',
    'alpha debug pod/x',
    'rollout foo',
    '-n x foo',
    '--no-such-flag config view',
    '--no-such-flag get pods',
    'config view --no-such-flag --help',
  ],
}

describe.each(Object.entries(lines))('%s', (verbClass, list) => {
  it.each(list)('kubectl %s', (line) => {
    expect(classOf(line)).toBe(verbClass)
  })
})

describe('completion', () => {
  it.each([
    ['__complete get', 'local'],
    ['__completeNoDesc ', 'local'],
    ['__complete config use-context x', 'local'],
    ['__complete get -', 'local'],
    ['__complete get --n', 'local'],
    ['__complete get pods', 'unary'],
    ['__complete exec -it x', 'unary'],
    ['__complete logs -f x', 'unary'],
    ['__complete get --namespace=', 'unary'],
    ['__complete get --namespace x', 'unary'],
    ['__complete foo x', 'unary'],
    ['__complete', 'local'],
  ])('kubectl %s', (line, verbClass) => {
    expect(classify(words(line))).toMatchObject({ completion: true, verbClass })
  })

  it('is known by its context too, and only where it is the verb', () => {
    expect(classify(words('__complete --context a -n b get pods '))).toMatchObject({
      context: 'a',
      namespace: 'b',
    })
    expect(classify(words('get __complete')).completion).toBe(false)
    expect(classify(['kubectl', '__complete', 'get', 'pods', '']).verbClass).toBe('unary')
    expect(classify(['kubectl', '__complete', '-n', '']).verbClass).toBe('unary')
    expect(classify(['kubectl', '__complete', '']).verbClass).toBe('local')
  })
})

describe('what is really used', () => {
  it.each<[string, object]>([
    [
      'get pods',
      { verb: 'get', context: undefined, kubeconfig: undefined, token: false, namespace: undefined },
    ],
    ['--context a get pods', { context: 'a' }],
    ['--context=a get pods --context b', { context: 'b' }],
    ['get pods --context= ', { context: '' }],
    ['get pods -- --context x', { context: undefined }],
    ['exec p -- kubectl --context x', { context: undefined }],
    ['-nx get pods', { namespace: 'x' }],
    ['-n=x get pods', { namespace: 'x' }],
    ['get pods -An x', { namespace: 'x' }],
    ['-s https://x get pods', { server: 'https://x' }],
    ['--kubeconfig k --user u --cluster c get pods', { kubeconfig: 'k', user: 'u', cluster: 'c' }],
    ['--token t get pods', { token: true }],
    ['--token= get pods', { token: false }],
    ['--context get pods', { context: 'get', verb: 'pods' }],
    ['get pods --context', { context: '' }],
    ['rollout --context c status x', { verb: 'rollout status', context: 'c' }],
    ['foo --context c', { verb: 'foo', context: 'c' }],
    ['create secret --context c generic x', { verb: 'create secret generic', context: 'c' }],
  ])('kubectl %s', (line, expected) => {
    expect(classify(words(line))).toMatchObject(expected)
  })

  it('stands for any program name, and none', () => {
    expect(classify(['/opt/x/kubectl', 'get', 'pods'])).toMatchObject({ verb: 'get', verbClass: 'unary' })
    expect(classify([])).toMatchObject({ verb: undefined, verbClass: 'local' })
  })
})

describe('properties', () => {
  const globals = fc.constantFrom<string[][]>(
    ['-n', 'x'],
    ['-nx'],
    ['--context', 'c'],
    ['--context=c'],
    ['-v', '9'],
    ['--request-timeout', '5s'],
    ['--insecure-skip-tls-verify'],
  )
  const own: Record<string, readonly (readonly string[])[]> = {
    'get': [
      ['-w'],
      ['-A'],
      ['-o', 'wide'],
      ['-oyaml'],
      ['--watch=false'],
      ['-l', 'a=b'],
      ['--show-labels'],
      ['--sort-by', 'x'],
    ],
    'logs': [['-f'], ['-p'], ['-c', 'x'], ['--tail', '5'], ['--since=1h'], ['--timestamps']],
    'exec': [['-i'], ['-t'], ['-c', 'main'], ['-q'], ['--pod-running-timeout', '1m']],
    'rollout status': [['--timeout', '5s'], ['--revision=2'], ['-f', 'x'], ['-R']],
    'apply': [['-f', 'x'], ['--dry-run'], ['--server-side'], ['--prune'], ['-k', '.']],
  }
  const command = fc.constantFrom(...Object.keys(own)).chain((verb) =>
    fc.record({
      verb: fc.constant(verb),
      // Each flag at most once: of repeated ones the last wins, so their order means something.
      flags: fc.uniqueArray(fc.constantFrom(...(own[verb] ?? [])), {
        selector: ([flag]) => flag?.replace(/=.*/, '').replace('--watch', '-w'),
        maxLength: 4,
      }),
      globals: fc.uniqueArray(globals, {
        selector: ([flag]) => (flag as string).slice(0, 4).replace('-nx', '-n'),
        maxLength: 3,
      }),
    }),
  )

  it('the order of flags does not change the class', () => {
    const placed = command.chain((parts) =>
      fc.record({
        parts: fc.constant(parts),
        before: fc.shuffledSubarray(parts.globals),
        order: fc.shuffledSubarray([['operand'], ...parts.flags, ...parts.globals], {
          minLength: 1 + parts.flags.length + parts.globals.length,
        }),
      }),
    )
    fc.assert(
      fc.property(placed, ({ parts, before, order }) => {
        const verb = parts.verb.split(' ')
        const rest = order.filter((unit) => !before.includes(unit as string[]))
        const straight = classify([
          'kubectl',
          ...parts.globals.flat(),
          ...verb,
          ...parts.flags.flat(),
          'operand',
        ])
        const shuffled = classify(['kubectl', ...before.flat(), ...verb, ...rest.flat()])
        expect(shuffled).toEqual(straight)
      }),
      { numRuns: 1_000 },
    )
  })

  it('what follows -- changes nothing', () => {
    fc.assert(
      fc.property(
        command,
        fc.array(fc.constantFrom('-w', '-f', '-it', '--context=z', '-h', 'x', '--')),
        ({ verb, flags }, after) => {
          const line = ['kubectl', ...verb.split(' '), 'operand', ...flags.flat()]
          expect(classify([...line, '--', ...after])).toEqual(classify(line))
        },
      ),
    )
  })

  it('never fails, whatever the arguments', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'get',
        'exec',
        '-',
        '--',
        '-it',
        '--=',
        '-=',
        '---',
        '-n',
        '--context',
        '__complete',
        'create',
        'rollout',
        '\0',
      ),
    )
    fc.assert(
      fc.property(fc.array(word), (args) => {
        expect(['local', 'unary', 'live', 'interactive', 'plugin']).toContain(
          classify(['kubectl', ...args]).verbClass,
        )
      }),
      { numRuns: 2_000 },
    )
  })
})
