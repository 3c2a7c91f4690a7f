import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { enterAsPerson, reaches, sessionOf } from '../../fixtures/held-home.ts'
import { isRunning, passphrase } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { policyFile, writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { expectLock, expectOpen, groundForAll, isRoot } from '../leave/leaving-home.ts'

/** Rules for every context, as the organisation would write them. */
const forAll = (fields: string): string =>
  `apiVersion: kubeguard.dev/v1\npolicies:\n  - name: all\n    contexts: ["*"]\n    ${fields}\n`

const file = '/etc/kubeguard/config.yaml'

interface Explained {
  readonly policy: string
  readonly decided: readonly { rule: string; value: string; by: readonly string[] }[]
}

/** As a throw-away account: root is the organisation. */
describe.runIf(isRoot)('the organisation’s rules', () => {
  const ground = groundForAll({
    buses: false,
    rules: { idle: '20m', lifetime: '2h', more: '    materialize: true\n' },
  })
  afterEach(async () => {
    await ground.machine.organisation(undefined)
    await ground.home.lock()
  })

  test('explain says of each rule which file decided it', async () => {
    const { home, machine } = ground
    await machine.organisation(forAll('idle: 5m\n    hold: never\n    lockOn: [disconnect]'))
    const own = policyFile(home)
    const json = JSON.parse(
      (await home.kubeguard(['policy', 'explain', 'playground', '--json'])).stdout,
    ) as Explained
    expect(json.policy).toBe('default')
    expect(json.decided).toEqual(
      expect.arrayContaining([
        { rule: 'idle', value: '5m', by: [file] },
        { rule: 'lifetime', value: '2h', by: [own] },
        { rule: 'hold', value: 'never', by: [file] },
        { rule: 'holders', value: 'expire', by: [] },
        { rule: 'materialize', value: 'true', by: [own] },
        { rule: 'lockOn', value: 'suspend, screen-lock, logout, disconnect', by: [file] },
      ]),
    )
    const { stdout } = await home.kubeguard(['policy', 'explain', 'playground'])
    expect(stdout).toMatch(/^idle\s+5m\s+\/etc\/kubeguard\/config\.yaml$/m)
  })

  test('a limit that is past already locks a session that runs, with the next request', async () => {
    const { home, machine } = ground
    await home.unlock('default')
    const unlockedMs = performance.now()
    await until('a session that is older than the limit', () => performance.now() > unlockedMs + 1_500)
    await machine.organisation(forAll('lifetime: 1s\n    idle: 1s'))
    const { code, stderr } = await home.kubectl(['get', 'pods'])
    expect(code).toBe(77)
    expect(stderr).toContain('the policy became stricter')
    await expectLock(ground, 'policy-changed')
  })

  test('without a request too; no credential stays in plain text, and no job is held any more', async () => {
    const { home, machine } = ground
    await home.unlock('default')
    const token = await until(
      'a token in plain text',
      () => /token: (\S+)/.exec(readFileSync(home.kubeconfig, 'utf8'))?.[1],
    )
    using person = await personIn(home)
    await home.kubectl(['get', 'pods'])
    await enterAsPerson(person, 'kubeguard hold 5m -- sleep 600', /may run until/)
    await machine.organisation(forAll('materialize: false\n    hold: never\n    holders: end'))
    await until('the token to be taken out', () => !readFileSync(home.kubeconfig, 'utf8').includes(token))
    await expectOpen(ground)
    const { stdout } = await home.kubeguard(['status', '--json'])
    expect(JSON.parse(stdout).sessions.flatMap(({ holds }: { holds: unknown[] }) => holds)).toEqual([])
    person.type('\x03')
  })

  test('scope: terminal locks what is open for the account, at once, and has nobody unlock without a terminal', async () => {
    const { home, machine } = ground
    await home.unlock('default')
    await machine.organisation(forAll('scope: terminal'))
    expect(await sessionOf(home)).toMatchObject({ state: 'locked', lockReason: 'policy-changed' })
    const again = await home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], { fd3: passphrase })
    expect(again.code).toBe(77)
    expect(again.stderr).toContain('this command has none')
  })

  test.each([
    ['scope: terminal', /one port, for one session/],
    ['credential: ephemeral\n    ephemeral: {roles: [view]}', /no ephemeral session/],
    [
      'unlock: [oidc]\n    oidc: {issuer: "https://id.example.com", clientId: kubernetes}',
      /what a log-in gives/,
    ],
  ])(
    'beside access: gateway in one’s own file, %s opens nothing, and says what is to go',
    async (rule, why) => {
      const { home, machine } = ground
      const own = readFileSync(policyFile(home), 'utf8')
      writePolicy(home, { idle: '20m', lifetime: '2h', more: '    access: gateway\n' })
      try {
        await machine.organisation(forAll(rule))
        using person = await personIn(home)
        await enterAsPerson(person, 'kubeguard unlock default; echo code=$?', /code=78/)
        expect(person.output).toMatch(why)
        expect(person.output).toContain('one of them is to go, from your own file')
        await reaches(home, 'locked')
      } finally {
        writeFileSync(policyFile(home), own)
      }
    },
  )

  test('holders: end ends a client of a session that was open before', async () => {
    const { home, machine } = ground
    await home.unlock('default')
    const python = `import subprocess, time, json; subprocess.run(json.loads('''${pluginOf(home.kubeconfig)}''')); time.sleep(600)`
    const holder = home.start('/usr/bin/python3', ['-c', python])
    await until('the holder', async () => (await home.kubeguard(['ps'])).stdout.includes('python'))
    await machine.organisation(forAll('holders: end'))
    await home.kubeguard(['status'])
    await machine.organisation(undefined)
    await home.lock('default')
    await until('its end', () => !isRunning(holder))
  })

  test.each([
    ['is not root’s', forAll('idle: 23h'), '644', 'nobody', /is not root’s/],
    ['others can write', forAll('idle: 23h'), '666', '0', /others than root may write/],
    ['has a mistake', forAll('idle: for ever'), '644', '0', /no duration/],
  ])('a file that %s is refused, and loosens nothing', async (_name, text, mode, owner, message) => {
    const { home, machine } = ground
    await machine.organisation(text, mode, owner)
    const { code, stdout } = await home.kubeguard(['policy', 'check'])
    expect(code).toBe(78)
    expect(stdout).toMatch(message)
    expect(stdout).toContain(`${file}:`)
    const [policy] = JSON.parse((await home.kubeguard(['policy', 'show', '--json'])).stdout).policies
    expect(policy).toMatchObject({ idleMs: 300_000, lifetimeMs: 7_200_000, materialize: false })
    await reaches(home, 'locked')
  })
})

/** The command of our plugin in a kubeconfig, as JSON. */
function pluginOf(kubeconfig: string): string {
  const text = readFileSync(kubeconfig, 'utf8')
  const command = /command: (\S+)/.exec(text)?.[1] as string
  const credential = /- (default\.\S+)/.exec(text)?.[1] as string
  return JSON.stringify([command, '--policy', 'default', '--credential', credential])
}
