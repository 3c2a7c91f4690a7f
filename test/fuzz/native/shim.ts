import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { FrameReader } from '../../../src/protocol/channel.ts'
import { decodeReply, encodeReply, FrameError } from '../../../src/protocol/frame.ts'
import { messages, protocolVersion, replyBit } from '../../../src/protocol/messages.ts'
import type { MessageName } from '../../../src/protocol/messages.ts'
import { ScriptedDaemon } from '../../integration/shim/scripted-daemon.ts'
import { error, reply } from '../frames/frames.ts'
import { mutated } from '../mutate.ts'
import { hold } from '../target.ts'
import type { Target } from '../target.ts'
import { nativeFiles, sanitized } from './build.ts'

/** What a sanitizer ends with, which nothing of ours does. */
const sanitizerExit = 99

/** kubectl's shim and the credential plugin, whole and with sanitizers, in an installation whose daemon is an enemy. */
class Siege {
  readonly #root = mkdtempSync(join(tmpdir(), 'kg-fuzz-shim-'))
  readonly home = join(this.#root, 'home')
  readonly program = join(this.#root, 'real-kubectl')
  readonly #ran = join(this.#root, 'ran')
  readonly daemon = new ScriptedDaemon(join(this.home, 'run', 'daemon.sock'))
  readonly keeper = new ScriptedDaemon(join(this.home, 'run', 'keepers', 'p.open'))

  async begin(): Promise<void> {
    const out = join(this.#root, 'dist', 'native')
    mkdirSync(out, { recursive: true })
    const built = await sanitized('shim', nativeFiles())
    for (const name of ['kubectl', 'kubeguard-credential']) copyFileSync(built, join(out, name))
    for (const name of ['state', 'run', 'run/keepers'])
      mkdirSync(join(this.home, name), { mode: 0o700, recursive: true })
    mkdirSync(join(this.#root, 'bin'))
    // Starts no daemon, and opens no vault.
    writeFileSync(join(this.#root, 'bin', 'kubeguard'), '#!/bin/sh\nexit 76\n', { mode: 0o755 })
    writeFileSync(this.program, `#!/bin/sh\n: >${this.#ran}\n`, { mode: 0o755 })
    await this.daemon.listen()
    await this.keeper.listen()
    writeFileSync(join(this.home, 'state', 'daemon.lock'), `${this.daemon.path}\n`, { mode: 0o600 })
  }

  /** Runs one, and says whether the real kubectl ran. */
  async run(name: 'kubectl' | 'kubeguard-credential', args: readonly string[]): Promise<Outcome> {
    rmSync(this.#ran, { force: true })
    const { promise, resolve, reject } = Promise.withResolvers<Omit<Outcome, 'ran'>>()
    const env = {
      KUBEGUARD_HOME: this.home,
      HOME: this.home,
      PATH: '/usr/bin:/bin',
      KUBEGUARD_PROMPT: 'never',
    }
    const options = `exitcode=${sanitizerExit}:detect_leaks=0`
    const child = spawn(join(this.#root, 'dist', 'native', name), [...args], {
      env: { ...env, ASAN_OPTIONS: options, UBSAN_OPTIONS: options },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }),
    )
    const ended = await promise
    return { ...ended, ran: existsSync(this.#ran) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.close()
    await this.keeper.close()
    rmSync(this.#root, { recursive: true, force: true })
  }
}

interface Outcome {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
  readonly ran: boolean
}

/** Answers the first request with these bytes, the next with nothing; then it hangs up. */
function answerOnce(server: ScriptedDaemon, bytes: Buffer): void {
  let left = 1
  server.responds((_frame, socket) => {
    if (left === 0) return void socket.destroy()
    left -= 1
    return void socket.end(bytes)
  })
}

/** What our own reader makes of an answer that is one whole frame of our version. */
function readAs<Name extends MessageName>(
  name: Name,
  bytes: Buffer,
): ReturnType<typeof decodeReply<Name>> | undefined {
  try {
    const [frame, ...others] = new FrameReader().push(bytes)
    const is = frame?.version === protocolVersion && frame.id === (messages[name].id | replyBit)
    return is && others.length === 0 ? decodeReply(name, frame.body) : undefined
  } catch (broken) {
    if (broken instanceof FrameError) return undefined
    throw broken
  }
}

/** It ended by itself, said why, and no sanitizer found anything. */
function assertEnded({ code, stderr }: Outcome): void {
  assert.ok(code !== null && code !== sanitizerExit, stderr)
  assert.doesNotMatch(stderr, /Sanitizer|runtime error/)
  assert.ok(stderr === '' || stderr.startsWith('kubeguard: '), stderr)
}

const answerTo = (name: MessageName, good: () => Buffer): fc.Arbitrary<Buffer> =>
  mutated(
    fc.oneof(
      fc.constant(0).map(good),
      reply(name).map(({ frame }) => frame),
      error.map(({ frame }) => frame),
    ),
  )

async function attackShim(siege: Siege, answer: Buffer, counts: Record<string, number>): Promise<void> {
  answerOnce(siege.daemon, answer)
  const outcome = await siege.run('kubectl', ['get', 'pods'])
  assertEnded(outcome)
  const read = readAs('gate.check', answer)
  const allowed = read?.verdict === 'allow' && read.program?.toString() === siege.program
  if (outcome.ran) counts['ran'] = (counts['ran'] ?? 0) + 1
  else counts['closed'] = (counts['closed'] ?? 0) + 1
  assert.ok(allowed || !outcome.ran, 'kubectl ran although the answer can’t be read as a yes')
  if (outcome.ran) return
  assert.ok(outcome.code !== 0 || read?.exitCode === 0, 'a refusal that looks like success')
  assert.equal(outcome.stdout.length, 0)
}

async function attackPlugin(siege: Siege, answer: Buffer, counts: Record<string, number>): Promise<void> {
  answerOnce(siege.keeper, answer)
  answerOnce(siege.daemon, Buffer.alloc(0))
  const outcome = await siege.run('kubeguard-credential', ['--policy', 'p', '--credential', 'c'])
  assertEnded(outcome)
  const document = readAs('keeper.fetch', answer)?.execCredential
  counts[outcome.code === 0 ? 'given' : 'withheld'] =
    (counts[outcome.code === 0 ? 'given' : 'withheld'] ?? 0) + 1
  assert.deepEqual(outcome.stdout, outcome.code === 0 ? document : Buffer.alloc(0))
}

export const shim: Target = {
  name: 'shim',
  about:
    'the whole shim and plugin with sanitizers, against a daemon and a keeper that answer damaged frames: fail closed',
  shortRuns: 8,
  async run(effort) {
    await using siege = new Siege()
    await siege.begin()
    const counts: Record<string, number> = {}
    const program = Buffer.from(siege.program)
    const yes = (): Buffer => encodeReply('gate.check', { verdict: 'allow', program })
    const credential = (): Buffer =>
      encodeReply('keeper.fetch', { execCredential: Buffer.from('{"kind":"ExecCredential"}\n') })
    const attacks = fc.tuple(answerTo('gate.check', yes), answerTo('keeper.fetch', credential))
    await hold(
      fc.asyncProperty(attacks, async ([toShim, toPlugin]) => {
        await attackShim(siege, toShim, counts)
        await attackPlugin(siege, toPlugin, counts)
      }),
      effort,
    )
    return counts
  },
}
