import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GuardError } from '../../../src/domain/errors.ts'
import { decodeRequest, encodeError, encodeReply } from '../../../src/protocol/frame.ts'
import { requestName } from '../../../src/protocol/frame.ts'
import type { MessageName, ReplyOf, RequestOf } from '../../../src/protocol/messages.ts'
import type { SessionStatus, StatusReport } from '../../../src/protocol/reports.ts'
import { ScriptedDaemon } from '../shim/scripted-daemon.ts'

type Answers = {
  [Name in MessageName]?: (request: RequestOf<Name>) => ReplyOf<Name>
}

const hour = 3_600_000

/**
 * Daemon and keeper in one, small: one policy `prod` behind one passphrase, and whatever else a test adds to
 * `answers`. An answer that throws a GuardError is a refusal.
 */
export class SessionDaemon {
  readonly root = mkdtempSync(join(tmpdir(), 'kg-'))
  readonly passphrases: string[] = []
  readonly requests: MessageName[] = []
  unlocked = false
  answers: Answers = {}
  readonly #daemon = new ScriptedDaemon(join(this.root, 'run', 'daemon.sock'))

  async start(): Promise<this> {
    for (const name of ['config', 'state', 'run', 'data']) mkdirSync(join(this.root, name), { mode: 0o700 })
    writeFileSync(join(this.root, 'state', 'daemon.lock'), `${this.#daemon.path}\n`, { mode: 0o600 })
    await this.#daemon.listen()
    chmodSync(this.#daemon.path, 0o600)
    this.answers = { ...this.#usual(), ...this.answers }
    this.#daemon.responds((frame, socket) => {
      const name = requestName(frame.id)
      if (name === undefined) return void socket.destroy()
      this.requests.push(name)
      socket.write(this.#answer(name, frame.body))
    })
    return this
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBEGUARD_HOME: this.root, TERM: 'xterm-256color', NO_COLOR: '1' }
  }

  async close(): Promise<void> {
    await this.#daemon.close()
    rmSync(this.root, { recursive: true, force: true })
  }

  #answer<Name extends MessageName>(name: Name, body: Buffer): Buffer {
    try {
      const answer = this.answers[name] as ((request: RequestOf<Name>) => ReplyOf<Name>) | undefined
      if (answer === undefined) throw new GuardError('internal', `the script has no answer for ${name}`)
      return encodeReply(name, answer(decodeRequest(name, body)))
    } catch (error) {
      if (!(error instanceof GuardError)) throw error
      const { code, message, cure, exitCode } = error
      return encodeError({ code, message, cure, exitCode })
    }
  }

  #usual(): Answers {
    const socket = Buffer.from(this.#daemon.path)
    return {
      'session.status': () => ({ status: this.#status() }),
      'session.unlock': () =>
        this.unlocked
          ? { policy: 'prod', socket, ticket: Buffer.from('t'), asks: false, failures: 0, already: true }
          : {
              policy: 'prod',
              socket,
              ticket: Buffer.from('t'),
              asks: true,
              failures: this.passphrases.length,
              already: false,
            },
      'keeper.open': ({ passphrase }) => {
        this.passphrases.push(passphrase.toString())
        if (passphrase.toString() !== 'right') throw new GuardError('wrong-passphrase', 'wrong passphrase')
        this.unlocked = true
        return { report: { policies: ['prod'], idleMs: 300_000, untilWallMs: Date.now() + 4 * hour } }
      },
      'session.lock': () => {
        this.unlocked = false
        return {
          report: [{ policy: 'prod', wasUnlocked: true, endedLive: 0, endedHolders: 0, failures: [] }],
        }
      },
    }
  }

  #status(): StatusReport {
    const session: SessionStatus = {
      policy: 'prod',
      state: this.unlocked ? 'unlocked' : 'locked',
      contexts: ['prod-*'],
      idleMs: 300_000,
      lifetimeMs: 4 * hour,
      ...(this.unlocked
        ? { idleLeftMs: 252_000, lifetimeLeftMs: 3 * hour }
        : { lockReason: 'idle', lockedAtMs: Date.now() }),
      live: [],
      holds: [],
      pending: [],
      materialised: [],
      failedUnlocks: 0,
      hasVault: true,
      credentials: 1,
      borrowed: [],
    }
    return {
      schema: 1,
      currentContext: 'prod-eu',
      currentPolicy: 'prod',
      sessions: [session],
      problems: [],
      misuse: [],
      revocations: [],
    }
  }
}
