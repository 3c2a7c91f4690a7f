import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { ClusterReport } from '../../src/cluster-check/report.ts'
import { good } from '../fixtures/home.ts'
import { until } from '../fixtures/terminal.ts'
import { describeWithApiServers } from './second-api-server.ts'
import { CheckGround, fromPage } from './check-ground.ts'
import { bootstrapToken, secretToken, signedCertificate } from './credentials.ts'
import { admin, describeWithPods, kubectls } from './fixture.ts'

const day = 86_400
const ground = new CheckGround()
beforeAll(() => ground.make())
afterAll(() => ground.undo())

const named = (what: string): string => ground.named(what)
const check = (context: string, ...args: string[]) => ground.check(context, ...args)
const withRights = (within: () => Promise<void>) => ground.withRights(within)

/** `rule place`, without those that other suites’ objects are. */
const found = ({ findings }: ClusterReport): string[] => findings.map(({ rule, place }) => `${rule} ${place}`)
const rulesOf = ({ findings }: ClusterReport): string[] => findings.map(({ rule }) => rule)

describe('objects of the cluster', () => {
  test('each gap is found where it was made, and gone where it was mended; nothing secret comes to us', async () => {
    const { namespace } = ground
    await admin(['create', 'serviceaccount', 'endless', '-n', namespace])
    const secret = await secretToken(namespace, 'endless')
    const tokens = await Promise.all([undefined, 3 * day * 1_000, 3_600_000].map(bootstrapToken))
    const [endless, long, short] = tokens.map(({ name }) => `secret kube-system/${name}`)
    await admin(['create', 'clusterrole', named('almighty'), '--verb=*', '--resource=*.*'])
    const bindings = [
      ['rolebinding', 'careless', '-n', namespace, '--clusterrole=view', '--user=system:anonymous'],
      [
        'clusterrolebinding',
        named('admin'),
        '--clusterrole=cluster-admin',
        `--serviceaccount=${namespace}:endless`,
      ],
      [
        'clusterrolebinding',
        named('all'),
        `--clusterrole=${named('almighty')}`,
        '--group=system:serviceaccounts:none',
      ],
    ] as const
    for (const binding of bindings) await admin(['create', ...binding])
    await signedCertificate(named('long'), 7 * day)
    await signedCertificate(named('short'), 3600)
    const gaps = [
      `token-secret secret ${namespace}/endless`,
      `bootstrap-token-endless ${endless}`,
      `bootstrap-token-long ${long}`,
      `anonymous-rights rolebinding ${namespace}/careless`,
      `cluster-admin clusterrolebinding ${named('admin')}`,
      `cluster-admin-for-all clusterrolebinding ${named('all')}`,
      `client-certificate-issued certificatesigningrequest ${named('long')}`,
    ]
    await withRights(async () => {
      const heard = listenToKubectl()
      const report = await check('dev')
      expect(found(report)).toEqual(expect.arrayContaining(gaps))
      expect(found(report).join('\n')).not.toContain(short)
      expect(found(report).join('\n')).not.toContain(named('short'))
      for (const token of [secret, ...tokens.map(({ token }) => token.split('.')[1] ?? '')]) {
        expect(heard()).not.toContain(token)
        expect(heard()).not.toContain(Buffer.from(token).toString('base64'))
      }
      // A JSON Web Token, in plain text or in base64: the one that TokenRequest gave, too.
      expect(heard()).not.toMatch(/eyJ|ZXlK/)
      expect(heard()).toContain(endless?.split('/')[1])

      await admin(['delete', 'secret', 'endless', '-n', namespace])
      for (const { name } of tokens) await admin(['delete', 'secret', name, '-n', 'kube-system'])
      for (const [kind, name] of bindings)
        await admin(['delete', kind, name, ...(kind === 'rolebinding' ? ['-n', namespace] : [])])
      await admin(['delete', 'clusterrole', named('almighty')])
      await admin(['delete', 'csr', named('long'), named('short')])
      const mended = found(await check('dev'))
      for (const gap of gaps) expect(mended).not.toContain(gap)
    })
  })

  /** Everything that kubectl prints passes a script that keeps it. @returns what was printed so far */
  function listenToKubectl(): () => string {
    const { home } = ground
    const folder = join(home.root, 'listening')
    const log = join(folder, 'log')
    mkdirSync(folder, { recursive: true })
    const real = kubectls[0]?.path
    writeFileSync(
      join(folder, 'kubectl'),
      `#!/bin/bash\n${real} "$@" > >(tee -a ${log}) 2> >(tee -a ${log} >&2)\n`,
    )
    chmodSync(join(folder, 'kubectl'), 0o755)
    const [shims = '', ...rest] = (home.env['PATH'] ?? '').split(delimiter)
    home.env['PATH'] = [shims, folder, ...rest.filter((each) => each !== folder)].join(delimiter)
    return () => {
      home.env['PATH'] = [shims, ...rest.filter((each) => each !== folder)].join(delimiter)
      return existsSync(log) ? readFileSync(log, 'utf8') : ''
    }
  }

  test('a policy of the page refuses long tokens where no flag can be set', async () => {
    const { namespace, home } = ground
    const api = named('short-tokens')
    const [policy = '', binding = ''] = fromPage('policy').replaceAll('short-tokens', api).split('---\n')
    // The cluster is shared: elsewhere others make tokens as they like.
    const here = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }
    const bound = parse(binding) as { spec: object }
    const long = `serviceaccount ${namespace}/checker`
    await withRights(async () => {
      expect(found(await check('dev'))).toContain(`token-request-long ${long}`)
      expect(found(await check('dev', '--token-of', `${namespace}/nobody`))).toContain(
        `token-request-long serviceaccount ${namespace}/nobody`,
      )
      await admin(['create', '-f', '-'], policy)
      await admin(
        ['create', '-f', '-'],
        stringify({ ...bound, spec: { ...bound.spec, matchResources: here } }),
      )
      try {
        const ask = ['create', 'token', 'checker', '-n', namespace, '--duration=25h', '--context=dev']
        await until('a refusal by the policy', async () => (await home.kubectl(ask)).code !== 0)
        const report = await check('dev')
        expect(rulesOf(report)).not.toContain('token-request-long')
        expect(report.notSeen.map(({ what }) => what)).not.toContain('TokenRequest’s longest grant')
        good(await home.kubectl([...ask.slice(0, 5), '--duration=1h', '--context=dev']))
      } finally {
        await admin(['delete', 'validatingadmissionpolicybinding', api])
        await admin(['delete', 'validatingadmissionpolicy', api])
      }
    })
  })

  test('pods of kube-system tell flags: the API server’s and the controller manager’s', async () => {
    const pod = (program: string, args: readonly string[]): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: named(program), namespace: 'kube-system', labels: { component: program } },
      spec: {
        // It never starts: what counts is what it says.
        schedulingGates: [{ name: 'kubeguard.dev/never' }],
        containers: [{ name: program, image: 'none', command: [program, ...args] }],
      },
    })
    const say = async (program: string, args: readonly string[]): Promise<void> => {
      await admin(['delete', 'pod', named(program), '-n', 'kube-system', '--ignore-not-found', '--force'])
      await admin(['create', '-f', '-'], JSON.stringify(pod(program, args)))
    }
    const ofFlags = ['pod-token-extended', 'audit-off', 'static-token-file', 'client-certificate-signing']
    await withRights(async () => {
      try {
        await say('kube-apiserver', ['--token-auth-file=/x', '--audit-log-path=/x'])
        await say('kube-controller-manager', ['--cluster-signing-duration=48h'])
        const report = await check('dev')
        expect(report.platform).toBe('kubeadm')
        expect(rulesOf(report)).toEqual(expect.arrayContaining(ofFlags))
        const audit = ['--audit-log-path=/x', '--audit-policy-file=/y']
        await say('kube-apiserver', ['--service-account-extend-token-expiration=false', ...audit])
        await say('kube-controller-manager', ['--cluster-signing-duration=24h0m0s'])
        const mended = rulesOf(await check('dev'))
        for (const rule of ofFlags) expect(mended).not.toContain(rule)
      } finally {
        for (const program of ['kube-apiserver', 'kube-controller-manager'])
          await admin(['delete', 'pod', named(program), '-n', 'kube-system', '--ignore-not-found', '--force'])
      }
    })
  })
})

describe('this very credential', () => {
  test('without rights nothing is found, and each thing that was not seen says what it needs', async () => {
    const { namespace } = ground
    const report = await check('nobody')
    expect(rulesOf(report).filter((rule) => rule !== 'anonymous-access')).toEqual([])
    expect(Object.fromEntries(report.notSeen.map(({ what, needs }) => [what, needs]))).toMatchObject({
      'TokenRequest’s longest grant': expect.stringContaining(
        `create on serviceaccounts/token in ${namespace}`,
      ),
      'extended pod tokens': expect.stringContaining('list on pods in kube-system'),
      'service account tokens in Secrets': 'list on secrets',
      'bootstrap tokens': 'list on secrets in kube-system',
      'rights of who shows no credential': 'list on rolebindings',
      'who holds cluster-admin': 'list on clusterrolebindings',
      'client certificates in use': 'get on the path /metrics',
      'client certificates signed in the last hour': 'list on certificatesigningrequests',
      'the kubelets’ time-out of streams': 'list on nodes',
      'audit logging': expect.stringContaining('get on the path /metrics'),
    })
    expect((await ground.run('nobody', '--fail-on', 'high', '--fail-on-unseen')).code).toBe(1)
  })

  test('what a copy of it could do, in one namespace and in all', async () => {
    const { namespace } = ground
    const leaks = async (): Promise<string[]> =>
      (await check('dev')).findings
        .filter(({ rule }) => rule.startsWith('leak-'))
        .map(({ rule, severity, evidence }) => `${severity} ${rule} ${evidence.split(':')[0]}`)
    expect(await leaks()).toEqual([])
    const binding = ['rolebinding', 'edits', '-n', namespace]
    await admin(['create', ...binding, '--clusterrole=edit', `--serviceaccount=${namespace}:checker`])
    const here = `in ${namespace}`
    expect(await leaks()).toEqual(
      ['leak-secrets', 'leak-exec', 'leak-workloads', 'leak-tokens', 'leak-impersonate'].map(
        (rule) => `medium ${rule} ${here}`,
      ),
    )
    await admin(['delete', ...binding])
    await withRights(async () => {
      expect(await leaks()).toEqual(
        ['leak-secrets', 'leak-tokens', 'leak-nodes'].map((rule) => `high ${rule} in the whole cluster`),
      )
    })
  })

  test('a client certificate is one, a token is none', async () => {
    expect(found(await check('certificate'))).toContain(`credential-certificate user ${named('person')}`)
    expect(rulesOf(await check('nobody'))).not.toContain('credential-certificate')
  })
})

describeWithPods('nodes', () => {
  test('a kubelet that says for how long it keeps idle streams open, or that can’t be reached', async () => {
    await withRights(async () => {
      const { findings, notSeen } = await check('dev')
      const found = findings.find(({ rule }) => rule === 'kubelet-streams')
      // Ours listens on loopback, where an API server leads nobody.
      const unseen = notSeen.find(({ what }) => what.startsWith('the kubelets’ time-out of streams'))
      if (found === undefined) expect(unseen?.needs).toMatch(/^an answer: .*address not allowed/)
      else expect(found.evidence).toMatch(/^streamingConnectionIdleTimeout: /)
    })
  })
})

describeWithApiServers('flags of the API server', () => {
  const ofFlags = ['oidc-flags', 'static-token-file', 'pod-token-extended', 'audit-off', 'anonymous-access']

  test('as it says them at /flagz: open, and closed', async () => {
    await withRights(async () => {
      expect(rulesOf(await check('dev-open'))).toEqual(
        expect.arrayContaining([...ofFlags, 'token-request-long']),
      )
      const report = await check('dev-closed', '--authentication-config', ground.authenticationFile)
      for (const rule of [...ofFlags, 'token-request-long']) expect(rulesOf(report)).not.toContain(rule)
      // Neither is told by an API server; ours leads nobody to a kubelet on loopback.
      for (const { what } of report.notSeen)
        expect(what).toMatch(/^how long the cluster signs |^the kubelets’ time-out of streams at /)
    })
  })

  test('where they are not to be seen, the audit log shows in what was counted', async () => {
    await withRights(async () => {
      const { findings, notSeen } = await check('dev-silent')
      expect(findings.find(({ rule }) => rule === 'audit-off')?.evidence).toMatch(/^0 events/)
      // Somebody has asked it whether it is ready, with the administrator’s own certificate.
      expect(findings.find(({ rule }) => rule === 'client-certificate-in-use')?.evidence).toMatch(
        /^\d+ of \d+ log-ins/,
      )
      expect(notSeen.map(({ what }) => what)).toEqual(
        expect.arrayContaining(['extended pod tokens', 'a lifetime rule of structured authentication']),
      )
    })
  })

  test('system:masters, and everything; of nobody’s account a token is asked for', async () => {
    const report = await check('masters-open')
    expect(rulesOf(report)).toEqual(expect.arrayContaining(['system-masters', 'leak-everything']))
    expect(report.findings.find(({ rule }) => rule === 'token-request-long')?.evidence).toMatch(
      /^--service-account-max-token-expiration(=0s?| is not set)/,
    )
    expect((await ground.run('masters-open')).code).toBe(1)
  })
})
