import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeError, encodeReply } from '../../../src/protocol/frame.ts'
import { protocolVersion } from '../../../src/protocol/messages.ts'
import { TestTerminal } from '../../fixtures/terminal.ts'
import { Home, Installation, kinds, run } from '../shim/rig.ts'
import type { Ran, RunOptions } from '../shim/rig.ts'
import { ScriptedDaemon } from '../shim/scripted-daemon.ts'

const document = Buffer.from('{"kind":"ExecCredential","status":{"token":"tök\u0000en"}}')
const args = ['--policy', 'prod', '--credential', 'prod.admin-0a1b2c3d']
const ticket = Buffer.from('a ticket of bytes \u0000\u0001')

describe.each(kinds)('%s credential plugin', (kind) => {
  let installation: Installation
  let home: Home
  let keeper: ScriptedDaemon

  beforeAll(() => {
    installation = new Installation(kind)
  })
  afterAll(() => installation.remove())
  beforeEach(async () => {
    home = await new Home().start()
    keeper = new ScriptedDaemon(join(home.folder, 'run', 'keeper.sock'))
    await keeper.listen()
    home.daemon.replies('credential.issue', allowed())
    keeper.replies('keeper.issue', { execCredential: document })
  })
  afterEach(async () => {
    await keeper.close()
    await home.remove()
  })

  const allowed = () => ({ verdict: 'allow', socket: Buffer.from(keeper.path), ticket })

  const plugin = (options: RunOptions = {}, given: readonly string[] = args): Promise<Ran> =>
    run(installation.tool('kubeguard-credential'), given, { env: home.env, ...options })

  async function expectRefusal(
    code: number,
    line: RegExp | string,
    given: readonly string[] = args,
  ): Promise<void> {
    const ran = await plugin({}, given)
    expect(ran.stderr).toMatch(/^kubeguard: [^\n]+; [^\n]+\n$/)
    expect(ran.stderr).toMatch(line)
    expect(ran).toMatchObject({ code, signal: null, stdout: Buffer.alloc(0) })
  }

  test('allowed: the document on stdout, exactly, and nothing else', async () => {
    const ran = await plugin()
    expect(ran).toMatchObject({ code: 0, signal: null, stderr: '' })
    expect(ran.stdout).toEqual(document)
    expect(home.daemon.asked('credential.issue')).toEqual([
      {
        credential: 'prod.admin-0a1b2c3d',
        policy: 'prod',
        ttys: 0,
        mayAsk: false,
        asked: false,
        mayWait: true,
        waits: false,
      },
    ])
    expect(keeper.asked('keeper.issue')).toEqual([{ ticket, apiVersion: 'v1' }])
  })

  test('a large document, into a pipe that is read late', async () => {
    const large = Buffer.alloc(1_500_000, 'certificate ')
    keeper.replies('keeper.issue', { execCredential: large })
    const env = { ...home.env, TOOL: installation.tool('kubeguard-credential') }
    const ran = await run('/bin/sh', ['-c', `"$TOOL" ${args.join(' ')} | { read -r first; cat; }`], { env })
    expect(ran.code).toBe(0)
    expect((await plugin()).stdout).toEqual(large)
  })

  const info = (version: string): string =>
    `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/${version}"}`

  test.each([
    [undefined, 'v1'],
    ['', 'v1'],
    [info('v1'), 'v1'],
    [info('v1beta1'), 'v1beta1'],
    ['{"spec":{"cluster":{"config":{"apiVersion":"client.authentication.k8s.io/v1beta1"}}}}', 'v1'],
    ['{"spec":{"a":["}","\\"",{}]},"apiVersion":"client.authentication.k8s.io/v1beta1"}', 'v1beta1'],
    ['{"x":"apiVersion","apiVersion" : "client.authentication.k8s.io/v1beta1"}', 'v1beta1'],
    ['{"apiVersion":', 'v1'],
    ['{"apiVersion":"client.authentication.k8s.io/v1beta1', 'v1'],
    ['"\\', 'v1'],
    ['}}}]]]"', 'v1'],
  ])('KUBERNETES_EXEC_INFO=%s asks for %s', async (value, version) => {
    await plugin({ env: { ...home.env, ...(value === undefined ? {} : { KUBERNETES_EXEC_INFO: value }) } })
    expect(keeper.asked('keeper.issue')[0]?.apiVersion).toBe(version)
  })

  test('denied: one line that names the cure, and the exit code', async () => {
    const message = 'kubeguard: prod is locked\nrun: kubeguard unlock prod'
    home.daemon.replies('credential.issue', { verdict: 'deny', message, exitCode: 77 })
    const ran = await plugin()
    expect(ran).toMatchObject({ code: 77, stderr: 'kubeguard: prod is locked; run: kubeguard unlock prod\n' })
    expect(ran.stdout).toHaveLength(0)
    expect(keeper.requests).toHaveLength(0)
  })

  test('an error reply of daemon and keeper: one line', async () => {
    const bytes = encodeError({
      code: 'ticket-refused',
      message: 'ticket\u001b[31m used',
      cure: 'run it again',
      exitCode: 77,
    })
    keeper.responds((_frame, socket) => socket.end(bytes))
    await expectRefusal(77, 'kubeguard: ticket [31m used; run it again\n')
    home.daemon.responds((_frame, socket) => socket.end(bytes))
    await expectRefusal(77, 'run it again')
  })

  test.each([
    ['text', () => Buffer.from('garbage, and more of it')],
    ['another reply', () => encodeReply('gate.check', { verdict: 'allow' })],
    ['an empty one', () => Buffer.from([0, 0, 0, 0, 0, protocolVersion, 0x80, 33])],
    ['an oversized one', () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0, protocolVersion, 0x80, 33])],
  ])('the keeper answers with %s', async (_name, bytes) => {
    keeper.responds((_frame, socket) => socket.write(bytes()))
    await expectRefusal(75, 'answer can’t be read')
  })

  test('the keeper has ended', async () => {
    await keeper.close()
    await expectRefusal(77, 'run')
  })

  test('allowed without a ticket', async () => {
    home.daemon.replies('credential.issue', { verdict: 'allow' })
    await expectRefusal(75, 'answer can’t be read')
  })

  test('the keeper’s socket is not ours', async () => {
    home.daemon.replies('credential.issue', { verdict: 'allow', socket: Buffer.from('/dev/null'), ticket })
    await expectRefusal(78, '/dev')
  })

  test('no daemon: one line', async () => {
    rmSync(home.lockFile)
    home.onCall('echo noise; exit 1')
    await expectRefusal(75, 'run: kubeguard doctor')
    home.onCall('printf "kubeguard: no room\\nrun: kubeguard doctor\\n" >&2; exit 75')
    await expectRefusal(75, 'run: kubeguard doctor')
    expect(home.calls).toEqual(['daemon start', 'daemon start'])
  })

  test('no daemon: it is started', async () => {
    rmSync(home.lockFile)
    home.onCall(`printf '%s\\n' '${home.daemon.path}' >"$KUBEGUARD_HOME/state/new"; chmod 600 "$KUBEGUARD_HOME/state/new"
      mv "$KUBEGUARD_HOME/state/new" "$KUBEGUARD_HOME/state/daemon.lock"; echo noise; echo noise >&2`)
    expect(await plugin()).toMatchObject({ code: 0, stderr: '', stdout: document })
  })

  test.each([
    [[]],
    [['--policy', 'prod']],
    [['--credential', 'x', '--policy']],
    [['--policy', 'prod', '--credential', 'x', 'more']],
    [['--policy', 'prod', '--credential', 'x', '--verbose']],
    [['--policy', 'prod', '--credential', 'x'.repeat(300)]],
  ])('arguments %j: 64 or refused, nothing issued', async (given) => {
    const ran = await plugin({}, given)
    expect(ran.code).not.toBe(0)
    expect(ran.stderr).toMatch(/^kubeguard: [^\n]+\n$/)
    expect(ran.stdout).toHaveLength(0)
    expect(keeper.requests).toHaveLength(0)
  })

  test('arguments joined by =', async () => {
    expect((await plugin({}, ['--policy=prod', '--credential=c'])).stdout).toEqual(document)
  })

  test('a forged environment changes nothing', async () => {
    const forged = {
      NODE_OPTIONS: '--require /nonexistent.js --inspect',
      NODE_EXTRA_CA_CERTS: '/nonexistent',
      NODE_V8_COVERAGE: join(home.folder, 'coverage'),
      OPENSSL_CONF: '/nonexistent',
      NODE_DEBUG: 'net,fs',
      KUBEGUARD_KEPT_ENVIRONMENT: Buffer.from('KUBEGUARD_HOME=/nonexistent').toString('base64'),
      HOME: '/nonexistent',
      XDG_RUNTIME_DIR: '/nonexistent',
    }
    expect(await plugin({ env: { ...home.env, ...forged } })).toMatchObject({
      code: 0,
      stderr: '',
      stdout: document,
    })
    expect(readdirSync(home.folder)).not.toContain('coverage')
  })

  test('no core file and no debugger while the secret is there', async () => {
    let seen = ''
    keeper.responds((_frame, socket) => {
      const pid = pidOf('kubeguard-credential', home.folder)
      seen =
        readFileSync(`/proc/${pid}/limits`, 'utf8')
          .split('\n')
          .find((line) => line.startsWith('Max core')) ?? ''
      socket.write(encodeReply('keeper.issue', { execCredential: document }))
    })
    expect((await plugin()).stdout).toEqual(document)
    expect(seen).toMatch(/^Max core file size\s+0\s+0\s/)
  })

  describe('challenge', () => {
    beforeEach(() =>
      home.daemon.replies('credential.issue', { verdict: 'challenge', policy: 'prod' }, allowed()),
    )

    test('unlock is run with nothing of the client’s, then the daemon is asked again', async () => {
      home.onCall('echo noise; echo noise >&2; cat >"$KUBEGUARD_HOME/input"')
      expect(await plugin({ input: 'for the client' })).toMatchObject({
        code: 0,
        stderr: '',
        stdout: document,
      })
      expect(home.calls).toEqual(['unlock --for-command prod'])
      expect(readFileSync(join(home.folder, 'input'), 'utf8')).toBe('')
      expect(home.daemon.asked('credential.issue').map(({ asked }) => asked)).toEqual([false, true])
    })

    test('a cancel: the daemon’s second answer is the one line', async () => {
      const message = 'prod is locked\nrun: kubeguard unlock prod'
      const deny = { verdict: 'deny', message, exitCode: 77 }
      home.daemon.replies('credential.issue', { verdict: 'challenge', policy: 'prod' }, deny)
      home.onCall('echo "kubeguard: cancelled" >&2; exit 77')
      expect((await plugin()).stderr).toBe('kubeguard: prod is locked; run: kubeguard unlock prod\n')
    })

    test('on a terminal what unlock says is for the person, past redirected output', async () => {
      home.onCall('echo "wrong, try again" >&2')
      const line = `"$0" "$@" >"$KUBEGUARD_HOME/out" 2>"$KUBEGUARD_HOME/err"`
      const tool = installation.tool('kubeguard-credential')
      const terminal = new TestTerminal('/bin/sh', ['-c', line, tool, ...args], home.env)
      expect(await terminal.ended()).toBe(0)
      await terminal.shows('wrong, try again')
      terminal.close()
      expect(readFileSync(join(home.folder, 'out'))).toEqual(document)
      expect(readFileSync(join(home.folder, 'err'), 'utf8')).toBe('')
      expect(home.daemon.asked('credential.issue')[0]).toMatchObject({ mayAsk: true, ttys: 1 })
    })
  })
})

/** The process that runs the plugin in this home. */
function pidOf(name: string, folder: string): string {
  const found = readdirSync('/proc').find((entry) => {
    if (!/^\d+$/.test(entry)) return false
    try {
      const line = readFileSync(`/proc/${entry}/cmdline`, 'latin1')
      return line.includes(name) && readFileSync(`/proc/${entry}/environ`, 'latin1').includes(folder)
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error(`no ${name} is running`)
  return found
}
