import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { guardedHome, reaches, sessionOf } from '../../fixtures/held-home.ts'
import { isRunning } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { until } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'

/** Programs that hold a credential, or start what does: IDEs, terraform. */

/** Fetches its credential again and again, as each of its clients would, and notes what came of it. */
const asksOn = `
def ask_on(plugin, log):
    while True:
        run = subprocess.run(plugin, capture_output=True, text=True)
        print('served' if 'ExecCredential' in run.stdout else 'refused', file=open(log, 'a'), flush=True)
        time.sleep(0.3)
`
const extensionHost = `import subprocess, sys, time
${asksOn}
real, *plugin = sys.argv[1:]
for kubectl in ['kubectl', real]: subprocess.Popen([kubectl, 'get', 'pods', '-w'], stdout=subprocess.DEVNULL)
ask_on(plugin, 'code.log')
`
/** terraform starts a provider of its own for each kind of resource, and waits for it. */
const terraform = `import os, subprocess, sys, time
print(os.getpid(), file=open('terraform.pid', 'w'))
provider = subprocess.Popen(['./terraform-provider-kubernetes', 'provider.py'] + sys.argv[1:])
provider.wait()
print(provider.returncode, file=open('provider.ended', 'w'))
time.sleep(600)
`
const provider = `import subprocess, sys, time
${asksOn}
ask_on(sys.argv[1:], 'provider.log')
`

/** A policy's home with such programs, each a Python under the name that the daemon knows it by. */
async function homeWithPrograms(rules: Parameters<typeof guardedHome>[0]): Promise<TestHome> {
  const home = await guardedHome(rules)
  for (const name of ['code', 'terraform', 'terraform-provider-kubernetes'])
    copyFileSync('/usr/bin/python3', join(home.home, name))
  const scripts = { 'host.py': extensionHost, 'apply': terraform, 'plan': terraform, 'provider.py': provider }
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(home.home, name), text)
  await home.unlock('default')
  return home
}

function plugin(home: TestHome): string[] {
  const credential = /- (default\.\S+)/.exec(readFileSync(home.kubeconfig, 'utf8'))?.[1] ?? ''
  const program = join(home.guardHome, 'data/bin/kubeguard-credential')
  return [program, '--policy', 'default', '--credential', credential]
}

const text = (home: TestHome, name: string): string =>
  existsSync(join(home.home, name)) ? readFileSync(join(home.home, name), 'utf8') : ''

/** The answers that it got from here on, without one that may have been on its way. */
async function answersFromNow(home: TestHome, log: string, count = 3): Promise<string[]> {
  const before = text(home, log).length
  const since = (): string[] => text(home, log).slice(before).split('\n').slice(1, -1)
  await until('more answers', () => since().length >= count)
  return since()
}

/** An editor's extension host, in a session without a terminal, with a kubectl of its own by shim and one by path. */
async function startIde(home: TestHome) {
  const pid = home.start('/usr/bin/setsid', ['./code', 'host.py', kubectl(), ...plugin(home)])
  const clients = await until('the host and both its kubectls', async () => {
    const { live } = await sessionOf(home)
    return live.length === 3 && text(home, 'code.log').includes('served') && live
  })
  const find = (kind: string, program: RegExp) =>
    clients.find((client) => client.kind === kind && program.test(client.program))
  return { pid, live: find('live', /./), host: find('holder', /^code$/), real: find('holder', /^kubectl$/) }
}

test('an IDE without a terminal: status says that it expires, and when; a lock renews nothing', async () => {
  await using home = await homeWithPrograms({ idle: '10m' })
  const { pid, live, host, real } = await startIde(home)
  expect(live).toMatchObject({ fate: 'ended' })
  for (const holder of [host, real]) {
    expect(holder).toMatchObject({ fate: 'expires', hasTerminal: false })
    // A lease is two minutes.
    expect(holder?.credentialEndsMs).toBeLessThanOrEqual(Date.now() + 120_000)
  }
  expect(host?.pid).toBe(pid)
  const expires = new RegExp(
    `^ {2}default: code \\(${pid}\\), playground, \\d+s: credential ends \\d\\d:\\d\\d, open streams may remain$`,
    'm',
  )
  const shown = (await home.kubeguard(['status'])).stdout
  expect(shown).toMatch(expires)
  expect(shown).toMatch(
    new RegExp(`kubectl get pods \\(${live?.pid}\\), playground, \\d+s: ended by a lock$`, 'm'),
  )
  const listed = (await home.kubeguard(['ps'])).stdout
  expect(listed).toMatch(new RegExp(`^${pid} .*expires, by \\d\\d:\\d\\d$`, 'm'))
  expect(listed).toMatch(new RegExp(`^${live?.pid} .*ended$`, 'm'))

  await home.lock()
  expect(isRunning(live?.pid ?? 0)).toBe(false)
  expect([pid, real?.pid ?? 0].map(isRunning)).toEqual([true, true])
  expect(await answersFromNow(home, 'code.log')).not.toContain('served')
  const after = await home.kubeguard(['status'])
  expect(after.stdout).toMatch(expires)
  expect(after.stdout).not.toContain('ended by a lock')
})

test('an IDE under `holders: end`: status says so, and a lock ends it with all it started', async () => {
  await using home = await homeWithPrograms({ idle: '10m', more: '    holders: end\n' })
  const { pid, live, host, real } = await startIde(home)
  for (const client of [live, host, real]) expect(client).toMatchObject({ fate: 'ended' })
  await home.lock()
  expect([pid, live?.pid ?? 0, real?.pid ?? 0].map(isRunning)).toEqual([false, false, false])
})

test('terraform on a terminal: the provider that has the credential is ended, and terraform told', async () => {
  await using home = await homeWithPrograms({ idle: '10m' })
  using person = await personIn(home)
  person.type(`./terraform plan ${plugin(home).join(' ')}\r`)
  const clients = await until('the provider at work', async () => {
    const { live } = await sessionOf(home)
    return text(home, 'provider.log').includes('served') && live
  })
  expect(clients).toMatchObject([
    { program: 'terraform-provider-kubernetes', fate: 'ended', hasTerminal: true },
  ])
  await home.lock()
  expect(isRunning(clients[0]?.pid ?? 0)).toBe(false)
  // By TERM, as its parent sees it.
  await until('its end, as terraform sees it', () => text(home, 'provider.ended') === '-15\n')
  expect(isRunning(Number(text(home, 'terraform.pid')))).toBe(true)
})

test('terraform apply under `finish`: its provider is served over an idle lock, until its time is over', async () => {
  await using home = await homeWithPrograms({ idle: '4s', more: '    finish: 15s\n' })
  home.start('/usr/bin/setsid', ['./terraform', 'apply', ...plugin(home)])
  await until('the provider at work', () => text(home, 'provider.log').includes('served'))
  const { live, holds } = await reaches(home, 'held')
  expect(live).toMatchObject([{ program: 'terraform-provider-kubernetes', fate: 'held' }])
  expect(holds).toMatchObject([{ kind: 'finish', program: 'terraform-provider-kubernetes' }])
  expect(await answersFromNow(home, 'provider.log')).not.toContain('refused')
  expect((await home.kubectl(['get', 'pods'])).code).toBe(77)
  await reaches(home, 'locked')
  expect(await answersFromNow(home, 'provider.log')).not.toContain('served')
})
