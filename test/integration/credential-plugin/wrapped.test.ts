import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeError, encodeReply } from '../../../src/protocol/frame.ts'
import { messages } from '../../../src/protocol/messages.ts'
import type { ReplyOf } from '../../../src/protocol/messages.ts'
import { isRunning } from '../../fixtures/home.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import { Home, Installation, kinds, run } from '../shim/rig.ts'
import type { Ran, RunOptions } from '../shim/rig.ts'
import { ScriptedDaemon } from '../shim/scripted-daemon.ts'

const document = Buffer.from('{"kind":"ExecCredential","status":{"token":"from the keeper"}}')
const args = ['--policy', 'prod', '--credential', 'prod.admin-0a1b2c3d']

const nulEnded = (...texts: string[]): Buffer => Buffer.from(texts.map((text) => `${text}\0`).join(''))

describe.each(kinds)('a wrapped exec plugin, run by the %s credential plugin', (kind) => {
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
    home.daemon.replies('credential.issue', {
      verdict: 'allow',
      socket: Buffer.from(keeper.path),
      ticket: Buffer.from('ticket'),
    })
  })
  afterEach(async () => {
    await keeper.close()
    await home.remove()
  })

  /** The keeper gives word to run; what is delivered is answered with the document, or with what the test says. */
  function tellToRun(
    word: Partial<ReplyOf<'keeper.share'>>,
    delivered: (socket: Socket) => void = (socket) =>
      void socket.write(encodeReply('keeper.deliver', { execCredential: document })),
  ): void {
    const whole = { environment: Buffer.alloc(0), limitMs: 60_000, interactive: false, ...word }
    keeper.responds((frame, socket) => {
      if (frame.id === messages['keeper.issue'].id) socket.write(encodeReply('keeper.issue', {}))
      else if (frame.id === messages['keeper.share'].id) socket.write(encodeReply('keeper.share', whole))
      else delivered(socket)
    })
  }

  /** A program of this name, in a folder that is first on PATH. */
  const script = (name: string, lines: string): string => {
    const path = join(home.folder, name)
    writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
    return path
  }

  const runs = (lines: string, word: Partial<ReplyOf<'keeper.share'>> = {}, ...rest: string[]): void =>
    tellToRun({
      program: Buffer.from(script('cloud', lines)),
      argv: nulEnded('cloud', ...rest),
      environment: nulEnded('KUBERNETES_EXEC_INFO={}'),
      ...word,
    })

  const plugin = (options: RunOptions = {}): Promise<Ran> =>
    run(installation.tool('kubeguard-credential'), args, { env: home.env, ...options })

  const delivered = () => keeper.asked('keeper.deliver').at(-1)

  test('somebody with the same identity has it: the document, and nothing is run', async () => {
    keeper.responds((frame, socket) => {
      if (frame.id === messages['keeper.issue'].id) socket.write(encodeReply('keeper.issue', {}))
      else socket.write(encodeReply('keeper.share', { execCredential: document, interactive: false }))
    })
    const env = { ...home.env, AWS_PROFILE: 'work', EMPTY: '' }
    expect(await plugin({ env, cwd: '/usr' })).toMatchObject({ code: 0, stdout: document, stderr: '' })
    const [asked] = keeper.asked('keeper.share')
    expect(asked).toMatchObject({ apiVersion: 'v1', cwd: Buffer.from('/usr'), ttys: 0 })
    const variables = asked?.environment.map(String)
    expect(variables).toEqual(expect.arrayContaining(['AWS_PROFILE=work', 'EMPTY=']))
  })

  test('somebody else runs it: asked again on the same connection until there is an answer', async () => {
    let asked = 0
    keeper.responds((frame, socket) => {
      if (frame.id === messages['keeper.issue'].id) return socket.write(encodeReply('keeper.issue', {}))
      asked += 1
      const answer = asked < 4 ? { pauseMs: asked } : { execCredential: document }
      return socket.write(encodeReply('keeper.share', { ...answer, interactive: false }))
    })
    expect(await plugin()).toMatchObject({ code: 0, stdout: document, stderr: '' })
    expect(asked).toBe(4)
  })

  test('run with its arguments, the client’s environment, folder, and no input; what it prints goes to the keeper alone', async () => {
    runs(
      `printf '%s|' "$0" "$@" "$MINE" "$GIVEN" "$KUBERNETES_EXEC_INFO" "$PWD"; cat; echo "said aloud" >&2`,
      { environment: nulEnded('KUBERNETES_EXEC_INFO={"x":1}', 'GIVEN=by the entry') },
      'get-token',
      'two words',
      '',
      '--x=$HOME',
    )
    const env = { ...home.env, MINE: 'my own', GIVEN: 'mine', KUBERNETES_EXEC_INFO: '{}' }
    const ran = await plugin({ env, cwd: '/usr', input: 'for the client' })
    expect(ran).toMatchObject({ code: 0, stdout: document, stderr: 'said aloud\n' })
    const output = [
      join(home.folder, 'cloud'),
      'get-token',
      'two words',
      '',
      '--x=$HOME',
      'my own',
      'by the entry',
    ]
    expect(delivered()).toEqual({
      outcome: 'exited',
      code: 0,
      output: Buffer.from(`${[...output, '{"x":1}', '/usr'].join('|')}|`),
    })
  })

  test('found on PATH, never in the working directory; one that is not there is missing', async () => {
    runs('echo found', { program: Buffer.from('cloud') })
    const env = { ...home.env, PATH: `relative::${home.folder}:/usr/bin:/bin` }
    expect(await plugin({ env })).toMatchObject({ code: 0 })
    expect(delivered()).toMatchObject({ outcome: 'exited', output: Buffer.from('found\n') })
    const error = { code: 'plugin-failed', message: 'cloud can’t be found', cure: 'install it', exitCode: 78 }
    runs('echo found', { program: Buffer.from('cloud') })
    const answer = (socket: Socket): void => void socket.write(encodeError(error))
    tellToRun({ program: Buffer.from('cloud'), argv: nulEnded('cloud') }, answer)
    const ran = await plugin({ env: { ...home.env, PATH: '::/usr/bin' }, cwd: home.folder })
    expect(ran).toMatchObject({ code: 78, stderr: 'kubeguard: cloud can’t be found; install it\n' })
    expect(ran.stdout).toHaveLength(0)
    expect(delivered()).toMatchObject({ outcome: 'missing' })
  })

  test('fails: what it said, one line, and its own exit code', async () => {
    runs('echo "log in first" >&2; exit 3')
    const error = { code: 'plugin-failed', message: 'cloud failed', cure: 'log in', exitCode: 78 }
    tellToRun({ program: Buffer.from(join(home.folder, 'cloud')), argv: nulEnded('cloud') }, (socket) =>
      socket.write(encodeError(error)),
    )
    const ran = await plugin()
    expect(ran).toMatchObject({ code: 3, stderr: 'log in first\nkubeguard: cloud failed; log in\n' })
    expect(ran.stdout).toHaveLength(0)
    expect(delivered()).toMatchObject({ outcome: 'exited', code: 3 })
  })

  test('killed by a signal of its own', async () => {
    runs('kill -KILL $$')
    expect(await plugin()).toMatchObject({ code: 0, stdout: document })
    expect(delivered()).toMatchObject({ outcome: 'killed', code: 9 })
  })

  test('broken off like its client: nothing is delivered', async () => {
    runs('kill -INT $$')
    expect(await plugin()).toMatchObject({ signal: 'SIGINT', stdout: Buffer.alloc(0) })
    expect(keeper.asked('keeper.deliver')).toEqual([])
  })

  test('hangs, and heeds no TERM: ended when its time is over', async () => {
    runs(`trap '' TERM; echo $$ >"${home.folder}/pid"; while :; do sleep 0.05; done`, { limitMs: 500 })
    expect(await plugin()).toMatchObject({ code: 0, stdout: document })
    expect(delivered()).toEqual({ outcome: 'late', code: 500, output: Buffer.alloc(0) })
    expect(isRunning(Number(readFileSync(join(home.folder, 'pid'), 'utf8')))).toBe(false)
  })

  test('prints without end: ended', async () => {
    runs('exec cat /dev/zero')
    expect(await plugin()).toMatchObject({ code: 0, stdout: document })
    expect(delivered()).toMatchObject({ outcome: 'endless', output: Buffer.alloc(0) })
  })

  test('is chatty: the first 64 KiB are shown, and it goes on', async () => {
    runs(`head -c 3000000 /dev/zero | tr '\\0' x >&2; echo done`)
    const ran = await plugin()
    expect(ran).toMatchObject({ code: 0, stdout: document })
    expect(ran.stderr.length).toBeLessThan(70_000)
    expect(ran.stderr).toMatch(/^x{65536}\nkubeguard: the rest of what it says is left out\n$/)
    expect(delivered()).toMatchObject({ outcome: 'exited', output: Buffer.from('done\n') })
  })

  test('leaves something running that holds its output: not waited for', async () => {
    runs(`sleep 60 & echo $! >"${home.folder}/pid"; echo answer`)
    const begun = performance.now()
    expect(await plugin()).toMatchObject({ code: 0, stdout: document })
    expect(performance.now() - begun).toBeLessThan(30_000)
    expect(delivered()).toMatchObject({ outcome: 'exited', output: Buffer.from('answer\n') })
    process.kill(Number(readFileSync(join(home.folder, 'pid'), 'utf8')), 'SIGKILL')
  })

  test('the session ends meanwhile: it is ended, and what it gave is shown to nobody', async () => {
    const pidFile = join(home.folder, 'pid')
    runs(`echo a secret; echo $$ >"${pidFile}.new"; mv "${pidFile}.new" "${pidFile}"; exec sleep 60`)
    const running = plugin()
    const pid = Number(await until('the plugin', () => readText(pidFile)))
    await keeper.close()
    const ran = await running
    expect(ran).toMatchObject({
      code: 77,
      stderr: 'kubeguard: the session ended before the credential came; run the command again\n',
    })
    expect(ran.stdout).toHaveLength(0)
    await until('the end of the plugin', () => !isRunning(pid))
  })

  test('the session ends after it: nothing is shown', async () => {
    runs('echo a secret')
    tellToRun({ program: Buffer.from(join(home.folder, 'cloud')), argv: nulEnded('cloud') }, (socket) =>
      socket.destroy(),
    )
    const ran = await plugin()
    expect(ran).toMatchObject({ code: 77, stderr: expect.stringContaining('the session ended') as string })
    expect(ran.stdout).toHaveLength(0)
  })

  test('who runs it is ended: so is it', async () => {
    const pidFile = join(home.folder, 'pid')
    runs(`echo "$$ $PPID" >"${pidFile}.new"; mv "${pidFile}.new" "${pidFile}"; exec sleep 60`)
    const running = plugin()
    const [own, parent] = (await until('the plugin', () => readText(pidFile))).split(' ').map(Number)
    process.kill(parent as number, 'SIGTERM')
    await running
    await until('the end of the plugin', () => !isRunning(own as number))
  })

  test('on a terminal, where it may: it reads what is typed, and its errors are a terminal', async () => {
    runs(`[ -t 0 ] && [ -t 2 ] && printf 'code: ' >&2 && read -r code && echo "got $code"`, {
      interactive: true,
    })
    const line = `"$0" "$@" >"$KUBEGUARD_HOME/out"`
    const tool = installation.tool('kubeguard-credential')
    const terminal = new TestTerminal('/bin/sh', ['-c', line, tool, ...args], home.env)
    await terminal.shows('code: ')
    terminal.type('123456\n')
    expect(await terminal.ended()).toBe(0)
    terminal.close()
    expect(readFileSync(join(home.folder, 'out'))).toEqual(document)
    expect(delivered()).toMatchObject({ output: Buffer.from('got 123456\n') })
    expect(keeper.asked('keeper.share')[0]).toMatchObject({ ttys: 5 })
  })

  test('on a terminal, where it may not: no input, and no terminal', async () => {
    runs(`[ -t 0 ] || [ -t 2 ] || echo "input: $(cat)"`)
    const tool = installation.tool('kubeguard-credential')
    const terminal = new TestTerminal(tool, args, home.env, realpathSync('/'))
    expect(await terminal.ended()).toBe(0)
    terminal.close()
    expect(delivered()).toMatchObject({ output: Buffer.from('input: \n') })
  })
})

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
