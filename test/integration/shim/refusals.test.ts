import { chmodSync, chownSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeError, encodeReply } from '../../../src/protocol/frame.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { TestTerminal } from '../../fixtures/terminal.ts'
import { Home, home, installation, kinds, onRig, run, shim } from './rig.ts'
import type { Ran } from './rig.ts'

const unlockCure = 'run: kubeguard unlock prod'

describe.each(kinds)('%s shim, not allowed', (kind) => {
  onRig(kind)

  /** Exit code, nothing on stdout, a message and its cure on stderr. */
  async function expectFailure(exitCode: number, stderr: RegExp | string): Promise<void> {
    const ran = await shim()
    expect(ran.stderr).toMatch(stderr)
    expect(ran.stderr).toMatch(/^kubeguard: [^\n]+\n[^\n]+\n$/)
    expect(ran).toMatchObject({ code: exitCode, signal: null, stdout: Buffer.alloc(0) })
  }

  test('deny: the lines as they are, and the exit code', async () => {
    const message = `kubeguard: prod is locked\n${unlockCure}`
    home.daemon.replies('gate.check', { verdict: 'deny', policy: 'prod', message, exitCode: 77 })
    expect(await shim()).toMatchObject({ code: 77, stdout: Buffer.alloc(0), stderr: `${message}\n` })
  })

  test('deny without a message says nothing: completion', async () => {
    home.daemon.replies('gate.check', { verdict: 'deny', exitCode: 0 })
    expect(await shim(['__complete', 'get', ''])).toMatchObject({
      code: 0,
      stdout: Buffer.alloc(0),
      stderr: '',
    })
  })

  test('what steers a terminal is taken out', async () => {
    const message = 'the context \u001b]0;x\u0007\u009b31mprod\u202e\u2028 is locked\nrun: \u001b[2Junlock'
    home.daemon.replies('gate.check', { verdict: 'deny', message, exitCode: 77 })
    expect((await shim()).stderr).toBe('kubeguard: the context  ]0;x 31mprod  is locked\nrun:  [2Junlock\n')
  })

  test('an error reply: message, cure, exit code', async () => {
    const bytes = encodeError({
      code: 'policy-invalid',
      message: 'line 3 is wrong',
      cure: 'run: kubeguard policy check',
      exitCode: 78,
    })
    home.daemon.responds((_frame, socket) => socket.end(bytes))
    expect(await shim()).toMatchObject({
      code: 78,
      stderr: 'kubeguard: line 3 is wrong\nrun: kubeguard policy check\n',
    })
  })

  test('an error reply that comes before the request is read', async () => {
    await home.daemon.close()
    const bytes = encodeError({
      code: 'version-mismatch',
      message: 'other version',
      cure: 'run: kubeguard daemon restart',
      exitCode: 75,
    })
    // Node drops what it has not read when writing fails, so its peer must linger; the native one reads it
    // all the same.
    const lingers = kind === 'fallback'
    const server = createServer((socket) => {
      socket.on('error', () => {}).end(bytes, () => lingers || socket.destroy())
      if (lingers) socket.resume()
    })
    await new Promise<void>((resolve) => server.listen(home.daemon.path, resolve))
    await expectFailure(75, /other version\nrun: kubeguard daemon restart/).finally(() => server.close())
  })

  describe('an answer that is none', () => {
    const reply = (): Buffer =>
      encodeReply('gate.check', { verdict: 'allow', program: Buffer.from('/bin/true') })
    const edited = (edit: (bytes: Buffer) => void): Buffer => {
      const bytes = reply()
      edit(bytes)
      return bytes
    }
    const cases: [string, () => Buffer][] = [
      ['text', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['zeros', () => Buffer.alloc(64)],
      ['another message', () => edited((bytes) => bytes.writeUInt16BE(0x8002, 6))],
      ['a request', () => edited((bytes) => bytes.writeUInt16BE(1, 6))],
      ['an unknown field', () => edited((bytes) => bytes.writeUInt8(9, 8))],
      ['a field past the end', () => edited((bytes) => bytes.writeUInt32BE(0xffff_ffff, 9))],
      ['a field given twice', () => edited((bytes) => bytes.writeUInt8(1, 18))],
      ['an announced length past every limit', () => edited((bytes) => bytes.writeUInt32BE(0xffff_ffff, 0))],
      [
        'an announced length just past the limit',
        () => edited((bytes) => bytes.writeUInt32BE(limits.frameBytes + 1, 0)),
      ],
      ['an unknown verdict', () => encodeReply('gate.check', { verdict: 'perhaps' })],
      ['allow without a program', () => encodeReply('gate.check', { verdict: 'allow' })],
      [
        'a program that is no path',
        () => encodeReply('gate.check', { verdict: 'allow', program: Buffer.from('true') }),
      ],
      [
        'a program with a NUL',
        () => encodeReply('gate.check', { verdict: 'allow', program: Buffer.from('/bin/true\0x') }),
      ],
      [
        'a policy that is a flag',
        () => encodeReply('gate.check', { verdict: 'challenge', policy: '--help' }),
      ],
      ['a challenge for nothing', () => encodeReply('gate.check', { verdict: 'challenge' })],
    ]

    test.each(cases)('%s', async (_name, bytes) => {
      home.daemon.responds((_frame, socket) => socket.write(bytes()))
      await expectFailure(75, /answer can’t be read[^\n]*\nrun: kubeguard doctor/)
    })

    test('an endless one', async () => {
      home.daemon.responds((_frame, socket) => {
        const header = reply().subarray(0, 8)
        header.writeUInt32BE(limits.frameBytes, 0)
        socket.write(header)
        socket.write(Buffer.alloc(limits.frameBytes, 0x41))
      })
      await expectFailure(75, /answer can’t be read/)
    })

    test('another version', async () => {
      home.daemon.responds((_frame, socket) => socket.write(edited((bytes) => bytes.writeUInt16BE(7, 4))))
      await expectFailure(75, /\nrun: kubeguard daemon restart\n/)
    })
  })

  test('a daemon that says nothing, or stops in the middle, is waited for no longer than 10 s', async () => {
    home.daemon.responds(() => {})
    const silent = shim()
    const half = new Home()
    await half.start()
    half.daemon.responds((_frame, socket) => socket.write(Buffer.from([0, 0, 0, 20, 0, 1])))
    const cut = run(installation.tool('kubectl'), ['get'], { env: half.env })
    const startedAt = performance.now()
    for (const ran of [await silent, await cut]) {
      expect(ran.code).toBe(75)
      expect(ran.stderr).toMatch(/^kubeguard: .*\nrun: kubeguard [^\n]+\n$/)
    }
    expect(performance.now() - startedAt).toBeLessThan(limits.replyTimeoutMs + 3_000)
    await half.remove()
  }, 30_000)

  test('the answer may come in single bytes', async () => {
    const bytes = encodeReply('gate.check', { verdict: 'deny', message: 'slowly', exitCode: 9 })
    home.daemon.responds((_frame, socket) => {
      socket.setNoDelay?.(true)
      for (const byte of bytes) socket.write(Buffer.of(byte))
    })
    expect(await shim()).toMatchObject({ code: 9, stderr: 'kubeguard: slowly\n' })
  })

  describe('no daemon', () => {
    test('it is started once, then the command goes on', async () => {
      rmSync(home.lockFile)
      home.onCall(`printf '%s\\n' '${home.daemon.path}' >"$KUBEGUARD_HOME/state/new"; chmod 600 "$KUBEGUARD_HOME/state/new"
        mv "$KUBEGUARD_HOME/state/new" "$KUBEGUARD_HOME/state/daemon.lock"; echo noise; echo noise >&2`)
      home.daemon.replies('gate.check', { verdict: 'allow', program: Buffer.from('/bin/echo') })
      const ran = await shim(['done'])
      expect(ran).toMatchObject({ code: 0, stderr: '' })
      expect(ran.stdout.toString()).toBe('done\n')
      expect(home.calls).toEqual(['daemon start'])
    })

    test('one that can’t be started: 75 and the cure', async () => {
      rmSync(home.lockFile)
      const ran = await shim()
      expect(ran.code).toBe(75)
      expect(ran.stderr).toMatch(/^kubeguard: the daemon can’t be [^\n]*\n[^\n]*run: kubeguard doctor\n$/)
      expect(ran.stdout).toHaveLength(0)
      expect(home.calls).toEqual(['daemon start'])
    })

    test('why it can’t be started is said by the start itself', async () => {
      rmSync(home.lockFile)
      home.onCall('echo "kubeguard: the disk is full" >&2; echo "make room" >&2; exit 75')
      const ran = await shim()
      expect(ran.code).toBe(75)
      if (kind === 'native') expect(ran.stderr).toBe('kubeguard: the disk is full\nmake room\n')
    })

    test('a dead one’s socket', async () => {
      await home.daemon.close()
      home.publish()
      const ran = await shim()
      expect(ran.code).toBe(75)
      expect(home.calls).toEqual(['daemon start'])
    })

    test('one that closes at once', async () => {
      home.daemon.responds((_frame, socket) => socket.destroy())
      expect((await shim()).code).toBe(75)
    })

    test('a start keeps nothing of the command’s open', async () => {
      rmSync(home.lockFile)
      home.onCall(`ls /proc/self/fd >"$KUBEGUARD_HOME/open"; exit 1`)
      await run('/bin/sh', ['-c', `exec 5>"${home.folder}/five" 70<&0; exec "$TOOL"`], {
        env: { ...home.env, TOOL: installation.tool('kubectl') },
      })
      const open = await run('/bin/cat', [join(home.folder, 'open')])
      expect(open.stdout.toString().split('\n')).not.toContain('5')
    })
  })

  describe('a place that is not ours alone', () => {
    test.each([
      ['the state folder is open', () => chmodSync(join(home.folder, 'state'), 0o755)],
      ['the lock file is open', () => chmodSync(home.lockFile, 0o666)],
      ['the socket’s folder is open', () => chmodSync(join(home.folder, 'run'), 0o777)],
      ['the lock file is a link', () => replaceByLink(home.lockFile)],
      ['the lock file names no path', () => home.publish('somewhere\n')],
      ['the lock file is too long', () => home.publish(`/${'x'.repeat(20_000)}\n`)],
      ['the socket is a file', () => home.publish(`${home.lockFile}\n`)],
    ])('%s: 78', async (_name, damage) => {
      damage()
      await expectFailure(78, /^kubeguard: /)
      expect(home.calls).toEqual([])
    })

    function replaceByLink(path: string): void {
      rmSync(path)
      writeFileSync(`${path}.real`, `${home.daemon.path}\n`, { mode: 0o600 })
      symlinkSync(`${path}.real`, path)
    }

    test.runIf(process.getuid?.() === 0)('someone else’s', async () => {
      chownSync(home.lockFile, 12345, 12345)
      await expectFailure(78, /belongs to/)
    })

    test('KUBEGUARD_HOME is not absolute: 64', async () => {
      const ran = await shim([], { env: { ...home.env, KUBEGUARD_HOME: 'here' } })
      expect(ran).toMatchObject({
        code: 64,
        stderr:
          'kubeguard: KUBEGUARD_HOME is not an absolute path\nset KUBEGUARD_HOME to an absolute path, or unset it\n',
      })
    })
  })

  describe('challenge', () => {
    beforeEach(() => {
      home.daemon.replies(
        'gate.check',
        { verdict: 'challenge', policy: 'prod' },
        { verdict: 'allow', program: Buffer.from('/bin/cat') },
      )
    })

    test('unlock is run, the gate is asked again, the command goes on with its input', async () => {
      home.onCall('echo noise; cat; exit 0')
      const ran = await shim(['-'], { input: 'for cat' })
      expect(ran).toMatchObject({ code: 0, stderr: '' })
      expect(ran.stdout.toString()).toBe('for cat')
      expect(home.calls).toEqual(['unlock --for-command prod'])
      expect(home.daemon.asked('gate.check').map(({ asked }) => asked)).toEqual([false, true])
    })

    test('an unlock that fails has said why; its exit code is ours', async () => {
      home.onCall('echo "kubeguard: cancelled" >&2; exit 77')
      expect(await shim()).toMatchObject({
        code: 77,
        stdout: Buffer.alloc(0),
        stderr: 'kubeguard: cancelled\n',
      })
      expect(home.daemon.requests).toHaveLength(1)
    })

    test('an unlock that a signal ends, ends us by the same', async () => {
      home.onCall('kill -TERM $$')
      expect(await shim()).toMatchObject({ code: null, signal: 'SIGTERM' })
    })

    test('still locked afterwards: 77, no second prompt', async () => {
      home.daemon.replies('gate.check', { verdict: 'challenge', policy: 'prod' })
      home.onCall('exit 0')
      await expectFailure(77, 'still locked')
      expect(home.calls).toHaveLength(1)
    })

    test('with signals ignored by the caller the exit code is still known, and they stay ignored', async () => {
      home.onCall('exit 0')
      const line = `trap '' CHLD INT QUIT; exec "$TOOL" /proc/self/status`
      const ran = await run('/bin/sh', ['-c', line], {
        env: { ...home.env, TOOL: installation.tool('kubectl') },
      })
      const direct = await run('/bin/sh', ['-c', line], { env: { ...home.env, TOOL: '/bin/cat' } })
      const ignored = (result: Ran): string | undefined => /SigIgn:.*/.exec(result.stdout.toString())?.[0]
      expect(ignored(ran)).toBe(ignored(direct))
    })

    test('on a terminal Ctrl-C is for the one who asks', async () => {
      home.onCall(
        `trap 'echo cancelled >/dev/tty; exit 77' INT; echo asking >/dev/tty; while :; do read -r line </dev/tty; done`,
      )
      const terminal = new TestTerminal(installation.tool('kubectl'), ['get', 'pods'], home.env)
      await terminal.shows('asking')
      terminal.type('\u0003')
      expect(await terminal.ended()).toBe(77)
      expect(terminal.output).toContain('cancelled')
      terminal.close()
      expect(home.daemon.asked('gate.check')[0]).toMatchObject({ mayAsk: true, ttys: 7 })
    })

    test('KUBEGUARD_PROMPT=never, on a terminal too', async () => {
      home.daemon.replies('gate.check', { verdict: 'deny', message: 'locked', exitCode: 77 })
      const env = { ...home.env, KUBEGUARD_PROMPT: 'never' }
      const terminal = new TestTerminal(installation.tool('kubectl'), ['get', 'pods'], env)
      expect(await terminal.ended()).toBe(77)
      expect(home.daemon.asked('gate.check')[0]?.mayAsk).toBe(false)
    })
  })

  test('more than a frame holds: 64 and the cure', async () => {
    const ran = await run('/bin/sh', ['-c', 'ulimit -s unlimited 2>/dev/null; exec "$TOOL" $(seq 1 70000)'], {
      env: { ...home.env, TOOL: installation.tool('kubectl') },
    })
    expect(ran).toMatchObject({ code: 64, stdout: Buffer.alloc(0) })
    expect(ran.stderr).toContain('too long')
    expect(home.daemon.requests).toHaveLength(0)
  })
})
