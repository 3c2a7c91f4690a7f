import { describe, expect, it } from 'vitest'
import { defaultPolicies, loosestPolicy, proposedPolicies } from '../../../../src/domain/policy.ts'
import type { Policy } from '../../../../src/domain/policy.ts'
import { parsePolicyFile } from '../../../../src/platform/policy-file/parse-policy-file.ts'
import { renderPolicyFile } from '../../../../src/platform/policy-file/render-policy-file.ts'

const read = (text: string) => parsePolicyFile(text, 'config.yaml')
const file = (policy: string) =>
  `apiVersion: kubeguard.dev/v1\npolicies:\n  - name: prod\n    contexts: ["prod-*"]\n${policy}`

/** The library reports most deep nesting, and throws at this. */
const endless = `${'- '.repeat(10_000)}x\na: b\n`

it('that is nested too deep has an error with its place', () => {
  const [problem] = read(endless).problems
  expect(problem).toMatchObject({ file: 'config.yaml', line: 1, message: 'it is nested too deep here' })
  expect(read(endless).policies).toBeUndefined()
})

describe('a policy file', () => {
  it('is read whole, and completed by what matches the rest', () => {
    const { policies, problems } = read(
      file(
        '    idle: 5m\n    lifetime: 4h\n    warn: 30s\n    notify: off\n    escape: ^]\n    scope: user\n    live: suspend\n    suspendFor: 5m\n    holders: end\n    hold: never\n    finish: 5m\n    absorb: warn\n    wipe: [tsh, ~/.cache/x/*]\n    onLock: [aws sso logout]\n    lockOutAfter: 5\n    lockOutFor: 1h\n    onMisuse: [mail me]\n    pinentry: /usr/bin/pinentry\n    materialize: true\n    lockOn: [logout, suspend]\n    unlock: [passphrase]\n',
      ),
    )
    expect(problems).toEqual([])
    expect(policies).toEqual([
      {
        name: 'prod',
        contexts: ['prod-*'],
        idleMs: 300_000,
        lifetimeMs: 14_400_000,
        warnMs: 30_000,
        notify: 'off',
        escape: '^]',
        scope: 'user',
        live: 'suspend',
        suspendForMs: 300_000,
        holders: 'end',
        env: [],
        hold: 'never',
        finishMs: 300_000,
        absorb: 'warn',
        wipe: ['tsh', '~/.cache/x/*'],
        onLock: ['aws sso logout'],
        lockOutAfter: 5,
        lockOutForMs: 3_600_000,
        onMisuse: ['mail me'],
        pinentry: '/usr/bin/pinentry',
        materialize: true,
        access: 'plugin',
        deny: [],
        impersonate: 'never',
        lockOn: ['suspend', 'logout'],
        unlock: [{ factor: 'passphrase' }],
      },
      ...defaultPolicies(),
    ])
  })

  it('says what does not go together with a gateway', () => {
    const gateway = '    access: gateway\n    deny: [{verbs: [delete], resources: [namespaces]}]\n'
    expect(read(file(gateway))).toMatchObject({
      policies: [{ access: 'gateway', deny: [{ verbs: ['delete'], resources: ['namespaces'] }] }, {}],
      problems: [],
    })
    const said = (more: string): string[] => read(file(more)).problems.map(({ message }) => message)
    expect(said('    access: gateway\n    materialize: true\n')).toEqual([
      'access: gateway keeps what materialize would write down',
    ])
    expect(
      said('    access: gateway\n    credential: ephemeral\n    ephemeral: { roles: [view] }\n'),
    ).toEqual(['access: gateway does not serve ephemeral sessions'])
    const [policy] = read(file('    access: gateway\n    impersonate: allow\n')).policies ?? []
    expect(policy?.impersonate).toBe('allow')
    expect(said('    impersonate: allow\n')).toEqual(['impersonate: only a gateway stands in its way'])
    expect(said('    impersonate: never\n')).toEqual([
      'impersonate: nothing but a gateway sees what a client asks for',
    ])
    expect(said('    access: gateway\n    scope: terminal\n')).toEqual([
      'access: gateway has one port, for one session (scope: terminal)',
    ])
    expect(said('    deny: [{verbs: [get], resources: [pods]}]\n')).toEqual([
      'deny: nothing but a gateway sees what a client asks for',
    ])
  })

  it('may leave limits out', () => {
    expect(read(file('')).policies?.[0]).toMatchObject({
      idleMs: 840_000,
      lifetimeMs: 43_200_000,
      warnMs: 60_000,
    })
    expect(read(file('    lifetime: 2m\n')).policies?.[0]).toMatchObject({
      idleMs: 120_000,
      lifetimeMs: 120_000,
    })
    expect(read(file('    env: [AWS_SESSION_TOKEN, T]\n')).policies?.[0]?.env).toEqual([
      'AWS_SESSION_TOKEN',
      'T',
    ])
    expect(read(file('    idle: 40s\n')).policies?.[0]).toMatchObject({ idleMs: 40_000, warnMs: 20_000 })
  })

  it('is read again as it was written', () => {
    for (const policies of [
      defaultPolicies(),
      [
        {
          ...(defaultPolicies()[0] as Policy),
          notify: 'off' as const,
          escape: '#',
          hold: 'never' as const,
          finishMs: 90_000,
          absorb: 'off' as const,
          env: ['AWS_SESSION_TOKEN'],
          wipe: ['aws-sso', '~/.cache/*/x y'],
          onLock: ['a "b" # c', 'd: e'],
          lockOutAfter: 4,
          lockOutForMs: 90_000,
          onMisuse: ['f # g'],
          pinentry: '/opt/a b/pin # entry',
        },
      ],
      proposedPolicies(['a: b', '*', 'prod # 1', "x'y", 'arn:aws:eks:eu:1:cluster/c']),
    ]) {
      const found = read(renderPolicyFile(policies))
      expect(found.problems.filter(({ severity }) => severity !== 'warning')).toEqual([])
      expect(found.policies?.slice(0, policies.length)).toEqual(
        found.policies?.length === policies.length ? policies : policies.slice(0, 1),
      )
    }
  })

  it.each<[string, string, number, number, RegExp, RegExp]>([
    ['an unknown key', file('    idel: 5m\n'), 5, 5, /"idel" is not known/, /did you mean idle\?/],
    [
      'a top key of a later version',
      `notify: [desktop]\n${file('')}`,
      1,
      1,
      /notify is not available/,
      /remove it/,
    ],
    [
      'a field of a policy at the top',
      `wipe: [tsh]\n${file('')}`,
      1,
      1,
      /wipe stands in a policy, not at the top/,
      /move it into each policy/,
    ],
    [
      'a value that is not known',
      file('    live: freeze\n'),
      5,
      5,
      /live: "freeze" is not known/,
      /choose kill or suspend/,
    ],
    [
      'a flag that is none',
      file('    materialize: yes please\n'),
      5,
      5,
      /materialize: .* is neither true nor false/,
      /write true or false/,
    ],
    [
      'another scope',
      file('    scope: pane\n'),
      5,
      5,
      /scope: .*pane.* is not known/,
      /choose user or terminal/,
    ],
    [
      'plain text on disk for one terminal',
      file('    scope: terminal\n    materialize: true\n'),
      6,
      5,
      /is there for every terminal/,
      /remove it/,
    ],
    [
      'another factor',
      file('    unlock: [passphrase, fingerprint]\n'),
      5,
      5,
      /unlock: .* is no factor/,
      /choose among: passphrase/,
    ],
    [
      'an unknown value',
      file('    holders: kill\n'),
      5,
      5,
      /holders: "kill" is not known/,
      /choose expire or end/,
    ],
    ['an escape of two keys', file('    escape: "~~"\n'), 5, 5, /escape: "~~" is no key/, /escape: none/],
    ['env that is no list', file('    env: AWS_PROFILE\n'), 5, 5, /env must be a list/, /AWS_SESSION_TOKEN/],
    ['env with no name', file('    env: [A, "B=c"]\n'), 5, 14, /"B=c" is no variable's name/, /env:/],
    ['env with what a shell needs', file('    env: [PATH]\n'), 5, 11, /a shell needs PATH/, /take it out/],
    ['no unit', file('    idle: 30\n'), 5, 5, /idle: "30" is no duration/, /write the unit: 30s/],
    ['a broken duration', file('    idle: soon\n'), 5, 5, /"soon" is no duration/, /14m/],
    ['an idle limit too long', file('    idle: 25h\n'), 5, 5, /out of range/, /from 1s to 1d/],
    ['an idle limit of nothing', file('    idle: 0s\n'), 5, 5, /out of range/, /from 1s to 1d/],
    ['a lifetime too long', file('    lifetime: 8d\n'), 5, 5, /out of range/, /7d/],
    [
      'a lifetime under idle',
      file('    idle: 5m\n    lifetime: 4m\n'),
      6,
      5,
      /lifetime 4m is shorter than idle 5m/,
      /at least 5m/,
    ],
    [
      'a warning before idle',
      file('    idle: 5m\n    warn: 5m\n'),
      6,
      5,
      /warn 5m is not shorter/,
      /shorter/,
    ],
    [
      'no contexts',
      'apiVersion: kubeguard.dev/v1\npolicies:\n  - name: prod\n',
      3,
      5,
      /names no contexts/,
      /contexts:/,
    ],
    [
      'a context that is no text',
      'apiVersion: kubeguard.dev/v1\npolicies:\n  - name: prod\n    contexts: [a, 5]\n',
      4,
      19,
      /"5" is no glob/,
      /contexts/,
    ],
    [
      'a bad name',
      'apiVersion: kubeguard.dev/v1\npolicies:\n  - name: ../x\n    contexts: [a]\n',
      3,
      5,
      /can't be a policy's name/,
      /small letters/,
    ],
    [
      'the same name twice',
      file('  - name: prod\n    contexts: [b]\n'),
      5,
      5,
      /two policies are named "prod"/,
      /another name/,
    ],
    [
      'another version',
      'apiVersion: kubeguard.dev/v2\npolicies: [{name: a, contexts: ["*"]}]\n',
      1,
      1,
      /"kubeguard.dev\/v2" is not known/,
      /kubeguard.dev\/v1/,
    ],
    [
      'no version',
      'policies: [{name: a, contexts: ["*"]}]\n',
      1,
      1,
      /apiVersion is missing/,
      /kubeguard.dev\/v1/,
    ],
    ['no policies', 'apiVersion: kubeguard.dev/v1\n', 1, 1, /policies is missing/, /policy show/],
    ['nothing', '', 1, 1, /holds no policies/, /begin it with/],
    ['a list', '- a\n', 1, 1, /holds no policies/, /begin it with/],
    ['broken YAML', 'apiVersion: [\n', 2, 1, /./, /mend the YAML/],
    [
      'a key twice',
      'apiVersion: kubeguard.dev/v1\napiVersion: kubeguard.dev/v1\n',
      2,
      1,
      /unique/,
      /mend the YAML/,
    ],
    [
      'a default that is not',
      'apiVersion: kubeguard.dev/v1\npolicies:\n  - name: default\n    contexts: [a]\n',
      4,
      5,
      /must match the rest/,
      /\["\*"\]/,
    ],
  ])('tells the place and the cure of %s', (_name, text, line, column, message, cure) => {
    const { policies, problems } = read(text)
    expect(policies).toBeUndefined()
    const errors = problems.filter(({ severity }) => severity === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ file: 'config.yaml', line, column })
    expect(errors[0]?.message).toMatch(message)
    expect(errors[0]?.cure).toMatch(cure)
  })

  it('is used where there are only warnings', () => {
    const short = read(file('    idle: 3s\n'))
    expect(short.problems).toMatchObject([
      { severity: 'warning', line: 5, message: 'idle 3s locks while you read' },
    ])
    expect(short.policies?.[0]).toMatchObject({ idleMs: 3_000, warnMs: 1_500 })
    const hidden = read(
      'apiVersion: kubeguard.dev/v1\npolicies:\n  - name: all\n    contexts: ["*"]\n  - name: b\n    contexts: [b]\n',
    )
    expect(hidden.problems).toMatchObject([{ severity: 'warning', line: 5 }])
    expect(hidden.policies?.map(({ name }) => name)).toEqual(['all'])
  })

  it.each([
    ['scope: terminal'],
    ['unlock: [oidc]\n    oidc: { issuer: "https://id.example", clientId: kubernetes }'],
  ])('of an organisation that leaves materialize open beside %s allows none', (rule) => {
    const { policies, problems } = parsePolicyFile(file(`    ${rule}\n`), 'config.yaml', loosestPolicy)
    expect(problems).toEqual([])
    expect(policies?.[0]?.materialize).toBe(false)
  })

  it('tells all problems at once', () => {
    expect(read(file('    idle: x\n    lifetime: y\n    foo: z\n')).problems).toHaveLength(3)
  })

  it('never shows control characters of the file', () => {
    const { problems } = read(file('    "\\e[2Jidle": 5m\n    holders: "\\u202eend\\n"\n'))
    expect(problems).toHaveLength(2)
    for (const { message, cure } of problems)
      expect(`${message}${cure}`).toMatch(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u)
  })

  it('is not blown up by aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [name, before] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg']) {
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`)
    }
    expect(read(bomb.join('\n')).policies).toBeUndefined()
  })
})
