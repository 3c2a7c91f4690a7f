import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { isRunning, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import { helm, kubectl } from '../../fixtures/tools.ts'
import { PythonClient, pythonCommand } from './python-client.ts'
import { gatewayEntry, gatewayHome, pidsOf, writeRules } from './gateway-home.ts'

const context = ['--context', 'prod-playground']
const names = 'pod/db-0\npod/web-0\npod/web-1\n'

let home: TestHome

beforeAll(async () => {
  home = await gatewayHome()
}, 120_000)
afterEach(() => home.lock().catch(() => undefined))
afterAll(() => home.dispose())

/** The real kubectl, without any shim. */
const getPods = (): ReturnType<TestHome['run']> => home.realKubectl(['get', 'pods', '-o', 'name', ...context])

async function askFromHere(pass: string): Promise<[number | undefined, string]> {
  const { url, caPem } = gatewayEntry(home)
  const begun = request(`${url}/api/v1/namespaces/default/pods`, {
    ca: caPem,
    headers: { authorization: `Bearer ${pass}` },
  })
  begun.end()
  const [response] = (await once(begun, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return [response.statusCode, text]
}

test('locked, unlocked, locked: kubectl with and without the shim, and helm', async () => {
  const plain = readFileSync(home.kubeconfig, 'utf8')
  expect(plain).not.toContain('client-key')
  expect((await getPods()).stderr).toContain('prod is locked')
  await home.unlock('prod')
  expect(await getPods()).toMatchObject({ code: 0, stdout: names, stderr: '' })
  expect((await home.kubectl(['get', 'pods', '-o', 'name', ...context])).stdout).toBe(names)
  expect(await home.run(helm(), ['list', '--kube-context', 'prod-playground'])).toMatchObject({
    code: 0,
    stderr: '',
  })
  const [gateway] = pidsOf(home, 'gateway')
  await home.lock()
  expect(isRunning(gateway as number)).toBe(false)
  expect((await getPods()).stderr).toContain('prod is locked')
  // As often as one likes: the port and who answers there stay the same.
  await home.unlock('prod')
  expect((await getPods()).stdout).toBe(names)
  expect(readFileSync(home.kubeconfig, 'utf8')).toBe(plain)
})

test('a pass is for one process, for this session, and no credential', async () => {
  await home.unlock('prod')
  const client = new PythonClient(home)
  onTestFinished(() => client.end())
  const pass = await client.pass()
  expect(JSON.parse(client.lines[0] as string).status).toEqual({
    expirationTimestamp: expect.any(String) as string,
    token: expect.stringMatching(/^kgp_[\w-]{43}$/) as string,
  })
  expect(client.lines[1]).toMatch(/^200 \d+$/)
  const [code, text] = await askFromHere(pass)
  expect([code, JSON.parse(text)]).toMatchObject([401, { kind: 'Status', reason: 'Unauthorized' }])
  await home.lock()
  expect(await client.again()).toMatch(/^0 .*refused/)
  await home.unlock('prod')
  expect(await client.again()).toMatch(/^401 .*kubeguard unlock prod/)
})

test('a client on a terminal holds a pass alone: it stays, unless the policy says otherwise', async () => {
  const [python, ...args] = pythonCommand(home)
  for (const holders of ['expire', 'end'] as const) {
    writeRules(home, 'gateway', { holders })
    await home.unlock('prod')
    using terminal = new TestTerminal(python, args, home.env, home.home)
    await terminal.shows(/^200 \d+/m)
    const { stdout } = await home.kubeguard(['ps'])
    expect(stdout).toMatch(holders === 'end' ? /python.*ended/ : /python.*expires/)
    await home.lock()
    if (holders === 'end') await terminal.ended()
    else {
      terminal.type('\n')
      await terminal.shows(/^0 .*refused/m)
      expect(isRunning(terminal.pty.pid)).toBe(true)
    }
  }
  writeRules(home, 'gateway')
})

test('a lock ends what runs on the gateway, though nobody ends the client', async () => {
  await home.unlock('prod')
  // Without a terminal, and so none that a lock ends by signal.
  const watch = spawn(kubectl(), [...context, 'get', '--raw', '/api/v1/namespaces/default/pods?watch=true'], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void watch.kill('SIGKILL'))
  let said = ''
  watch.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
  await until('what it shows first', () => said.includes('web-1'))
  const ended = once(watch, 'close')
  await home.lock()
  expect(await ended).toEqual([0, null])
  expect(said.trimEnd().split('\n').at(-1)).toMatch(
    /^\{"type":"ERROR","object":\{"kind":"Status".*kubeguard: prod is locked, and this was ended; run: kubeguard unlock prod/,
  )
})

test('kill -9 of keeper, daemon or gateway: nothing is left that serves', async () => {
  for (const which of ['keeper', 'daemon', 'gateway'] as const) {
    await home.unlock('prod')
    const pids = [...pidsOf(home, 'keeper'), ...pidsOf(home, 'gateway')]
    expect(pids).toHaveLength(2)
    for (const pid of pidsOf(home, which)) process.kill(pid, 'SIGKILL')
    await until('the end of keeper and gateway', () => !pids.some(isRunning))
  }
  expect((await getPods()).stderr).toMatch(/is locked/)
  await home.unlock('prod')
  expect((await getPods()).code).toBe(0)
})

test('a gateway that is stopped does not outlive a lock', async () => {
  await home.unlock('prod')
  const [gateway] = pidsOf(home, 'gateway')
  process.kill(gateway as number, 'SIGSTOP')
  await home.lock()
  expect(isRunning(gateway as number)).toBe(false)
  await home.unlock('prod')
  const [next] = pidsOf(home, 'gateway')
  process.kill(next as number, 'SIGSTOP')
  for (const pid of pidsOf(home, 'daemon')) process.kill(pid, 'SIGKILL')
  await until('its end', () => !isRunning(next as number))
})

test('a port that somebody else has: said at the unlock, and mended by the next', async () => {
  const squatter = createServer()
  squatter.listen(gatewayEntry(home).port, '127.0.0.1')
  await once(squatter, 'listening')
  onTestFinished(() => void squatter.close())
  const { stderr } = await home.unlock('prod')
  expect(stderr).toContain('the gateway does not run: another program has its port')
  expect((await getPods()).stderr).toContain('the gateway does not run')
  squatter.close()
  await once(squatter, 'close')
  expect((await getPods()).stdout).toBe(names)
})

test('plugin and gateway: one policy line and one adopt, both ways; eject brings back the file as it was', async () => {
  const behind = readFileSync(home.kubeconfig, 'utf8')
  const withPassphrase = (...args: string[]): ReturnType<TestHome['kubeguard']> =>
    home.kubeguard([...args, '--passphrase-fd', '3'], { fd3: passphrase })
  await home.unlock('prod')
  // Nothing gets looser by the line alone: the gateway serves on, and says so.
  await changeRules('plugin')
  expect((await getPods()).stdout).toBe(names)
  await home.lock()
  expect((await home.unlock('prod')).stderr).toContain('adopted when the policy had another access')
  expect((await getPods()).stdout).toBe(names)
  expect(pidsOf(home, 'gateway')).toHaveLength(1)
  expect(await withPassphrase('adopt', '--yes')).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(
      /is out from behind the gateway of prod[\s\S]*prod locked: it served as before/,
    ) as string,
  })
  expect(readFileSync(home.kubeconfig, 'utf8')).not.toContain('kubeguard-prod')
  expect((await home.unlock('prod')).stderr).not.toContain('another access')
  expect((await getPods()).stdout).toBe(names)
  expect(pidsOf(home, 'gateway')).toEqual([])
  await home.lock()
  // Adopted for the plugin, and the rules ask for a gateway now: it does not leave.
  await changeRules('gateway')
  expect((await home.unlock('prod')).stderr).toMatch(
    /adopted when the policy had another access: prod-playground \(.*config\); run: kubeguard adopt/,
  )
  expect((await getPods()).stderr).toContain('was adopted before prod had access: gateway')
  expect(await withPassphrase('adopt', '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/to go behind the gateway of prod, for https:/) as string,
  })
  expect(readFileSync(home.kubeconfig, 'utf8')).toBe(behind)
  expect((await home.unlock('prod')).stderr).not.toContain('another access')
  expect((await getPods()).stdout).toBe(names)
  await home.lock()
  const { stdout } = await home.kubeguard(['log', '--event', 'access-changed'])
  expect(stdout.match(/access-changed/g)).toHaveLength(2)
  expect(await withPassphrase('eject')).toMatchObject({ code: 0 })
  const original = readFileSync(home.kubeconfig, 'utf8')
  expect(original).not.toContain('kubeguard-prod')
  expect(original).toContain('client-key')
}, 240_000)

/** Resolves when they are in force. */
async function changeRules(access: 'plugin' | 'gateway'): Promise<void> {
  writeRules(home, access)
  await until('the new rules', async () => {
    const { stdout } = await home.kubeguard(['policy', 'explain', 'prod-playground'])
    return new RegExp(`access +${access}`).test(stdout)
  })
}
