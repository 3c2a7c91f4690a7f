import { describePlugin } from '../../domain/exec-plugins.ts'
import { GuardError } from '../../domain/errors.ts'
import { credentialLeaseMs } from '../../domain/credential-lease.ts'
import { findHolder } from '../../domain/holder.ts'
import type { Ancestor } from '../../domain/holder.ts'
import type { Instant } from '../../domain/instant.ts'
import { decodeRequest, encodeReply, requestName } from '../../protocol/frame.ts'
import { limits } from '../../protocol/limits.ts'
import type { ReplyOf } from '../../protocol/messages.ts'
import type { ProcessId } from '../../usecases/ports.ts'
import type { Call, Ongoing } from '../connection.ts'
import { toGuardError } from '../connection.ts'
import { buildExecCredential } from '../exec-credential.ts'
import { Answers } from './answers.ts'
import type { Runner, Slot } from './answers.ts'
import { execInfoFor, readExecInfo } from './exec-info.ts'
import type { ExecInfo } from './exec-info.ts'
import { identityOf } from './identity.ts'
import type { WrappedItem } from './identity.ts'
import { failureOf, pluginFailed } from './plugin-failed.ts'
import { readAnswer } from './read-answer.ts'

interface Deps {
  readonly now: () => Instant
  readonly ancestryOf: (pid: number) => Iterable<Ancestor>
  /** End of the lifetime in wall-clock ms. @throws GuardError locked: this process gets nothing now */
  readonly lifetimeWallMs: (pid: number) => number
}

/** Well within the time that a client waits for any answer. */
const holdMs = 5_000
/** More are not held, but asked to come back. */
const mostHeld = 256
const pauseMs = 250
/** From the plugin's end, or its killing, until its answer must be here. */
const deliverMs = 10_000
/** `KUBEGUARD_PLUGIN_TIMEOUT`: whole seconds, which can only shorten. */
const timeoutVariable = 'KUBEGUARD_PLUGIN_TIMEOUT'

/** A client that has come for what a wrapped plugin gives. */
interface Guest {
  readonly item: WrappedItem
  readonly pid: number
  /** The process that will hold the credential: the one that started our plugin. */
  readonly client: ProcessId
  /** Waiting ends at some time, on the boot clock. */
  readonly untilBootMs: number
}

/**
 * Credentials of wrapped exec plugins, shared by all clients for whom the plugin would speak for the same somebody.
 * The plugin is run by one client at a time, in its own surroundings: a keeper has no terminal and nobody's environment.
 * Each client is served on one connection from ticket to answer; whoever was told to run delivers on that same one, so
 * nobody else can.
 */
export class WrappedPlugins {
  readonly #deps: Deps
  readonly #answers = new Answers()
  readonly #calls = new Set<Call>()
  #held = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answer to keeper.issue: the client is asked for its surroundings. */
  begin(item: WrappedItem, call: Call): Ongoing {
    const { pid, gone } = call
    const { bootMs } = this.#deps.now()
    const untilBootMs = bootMs + describePlugin(item.exec).limitMs + deliverMs
    const guest = { item, pid, client: this.#clientOf(pid), untilBootMs }
    this.#calls.add(call)
    void gone.then(() => this.#calls.delete(call))
    return this.#goOn(encodeReply('keeper.issue', {}), (next) => this.#share(guest, next))
  }

  /** After a keeper has narrowed: who is not served any more runs for nothing, and hears so. */
  endUnserved(): void {
    for (const call of this.#calls) {
      try {
        this.#deps.lifetimeWallMs(call.pid)
      } catch {
        call.close()
      }
    }
  }

  async #share(guest: Guest, call: Call): Promise<Buffer | Ongoing> {
    if (requestName(call.frame.id) !== 'keeper.share')
      throw new GuardError('protocol-error', 'not expected now')
    const request = decodeRequest('keeper.share', call.frame.body)
    const environment = request.environment.map((variable) => variable.toString('latin1'))
    const info = readExecInfo(utf8(valueIn(environment, 'KUBERNETES_EXEC_INFO')))
    const cluster = guest.item.exec.provideClusterInfo ? JSON.stringify(info.cluster ?? null) : undefined
    const cwd = request.cwd.toString('latin1')
    const slot = this.#answers.slot(identityOf(guest.item, { environment, cwd, cluster }))
    const asks: Asks = {
      apiVersion: request.apiVersion,
      info,
      hasInput: info.interactive ?? (request.ttys & 1) === 1,
      timeout: valueIn(environment, timeoutVariable),
    }
    const ready = await this.#settle(guest, slot, asks, call.gone)
    if (ready === 'wait') return this.#waitReply(guest)
    if ('client' in ready) return this.#runReply({ guest, slot, asks, runner: ready }, call.gone)
    return encodeReply('keeper.share', {
      execCredential: this.#give(guest, slot, ready, asks),
      interactive: false,
    })
  }

  /**
   * Waits for somebody else's run, no longer than a client does for an answer. The turn is taken in the same breath in
   * which it is found to be free: of many that wait one runs.
   *
   * @throws GuardError plugin-failed
   */
  async #settle(
    guest: Guest,
    slot: Slot,
    asks: Asks,
    gone: Promise<void>,
  ): Promise<WrappedItem | 'wait' | Runner> {
    const heldUntilBootMs = this.#deps.now().bootMs + holdMs
    for (;;) {
      this.#deps.lifetimeWallMs(guest.pid)
      const now = this.#deps.now()
      const failure = slot.failureFor(guest.client, now)
      if (failure !== undefined) throw failure
      const answer = slot.answerFor(guest.client, now)
      if (answer !== undefined) return answer
      if (slot.runner === undefined) {
        requireInput(guest.item, asks)
        return slot.run({ pid: guest.pid, startTicks: this.#startOf(guest.pid) })
      }
      this.#refuseToWait(guest, slot.runner.client)
      const leftMs = heldUntilBootMs - now.bootMs
      if (leftMs <= 0 || this.#held >= mostHeld) return 'wait'
      this.#held += 1
      await slot.news(leftMs, gone)
      this.#held -= 1
    }
  }

  /** @throws GuardError plugin-failed: who would wait for itself, or has waited for long */
  #refuseToWait({ item, pid, untilBootMs }: Guest, runner: ProcessId): void {
    const { name } = describePlugin(item.exec)
    for (const ancestor of this.#deps.ancestryOf(pid))
      if (ancestor.pid !== pid && ancestor.pid === runner.pid && ancestor.startTicks === runner.startTicks)
        throw pluginFailed(
          item,
          `${name} asks for the credential that it is to give`,
          'give it a kubeconfig user of its own',
        )
    if (this.#deps.now().bootMs > untilBootMs)
      throw pluginFailed(item, `${name} is run by another client, and takes too long`)
  }

  #waitReply(guest: Guest): Ongoing {
    const crowded = this.#held >= mostHeld
    const reply = encodeReply('keeper.share', { interactive: false, ...(crowded && { pauseMs }) })
    return this.#goOn(reply, (next) => this.#share(guest, next))
  }

  /** The turn is this client's until its connection ends. */
  #runReply(run: Run, gone: Promise<void>): Ongoing {
    const { guest, slot, asks, runner } = run
    const { exec } = guest.item
    const interactive = asks.hasInput && exec.interactiveMode !== 'Never'
    const limitMs = limitOf(guest.item, asks)
    void gone.then(() => slot.abandon(runner))
    const variables = [
      ...exec.env.map(({ name: own, value }) => `${own}=${value}`),
      `KUBERNETES_EXEC_INFO=${execInfoFor(exec, asks.info, interactive)}`,
    ]
    const reply: ReplyOf<'keeper.share'> = {
      program: Buffer.from(exec.command),
      argv: nulEnded([exec.command, ...exec.args]),
      environment: nulEnded(variables),
      limitMs,
      interactive,
    }
    const deliver = (next: Call): Promise<Buffer> => this.#deliver(run, next)
    return this.#goOn(encodeReply('keeper.share', reply), deliver, limitMs + deliverMs)
  }

  async #deliver({ guest, slot, runner, asks }: Run, { frame }: Call): Promise<Buffer> {
    if (requestName(frame.id) !== 'keeper.deliver') throw new GuardError('protocol-error', 'not expected now')
    const request = decodeRequest('keeper.deliver', frame.body)
    const now = this.#deps.now()
    try {
      this.#deps.lifetimeWallMs(guest.pid)
      const failure = failureOf(guest.item, request)
      if (failure !== undefined) throw failure
      const answer = readAnswer(guest.item, request.output, now.wallMs)
      slot.succeed(runner, answer, now)
      return encodeReply('keeper.deliver', { execCredential: this.#give(guest, slot, answer, asks) })
    } catch (error) {
      const failure = toGuardError(error)
      if (failure.code === 'plugin-failed') slot.fail(runner, failure, now)
      else slot.abandon(runner)
      throw failure
    }
  }

  #give(guest: Guest, slot: Slot, item: WrappedItem, { apiVersion }: Asks): Buffer {
    const lifetimeWallMs = this.#deps.lifetimeWallMs(guest.pid)
    const { wallMs } = this.#deps.now()
    slot.given(guest.client, Math.min(wallMs + credentialLeaseMs, lifetimeWallMs))
    return buildExecCredential(item, apiVersion, { wallMs, lifetimeWallMs })
  }

  #goOn(bytes: Buffer, next: Ongoing['next'], withinMs: number = limits.frameTimeoutMs): Ongoing {
    return { bytes, next, withinMs }
  }

  #clientOf(pid: number): ProcessId {
    const found = findHolder(this.#deps.ancestryOf(pid))
    return 'holder' in found ? found.holder : { pid, startTicks: this.#startOf(pid) }
  }

  #startOf(pid: number): number {
    for (const self of this.#deps.ancestryOf(pid)) return self.startTicks
    throw new GuardError('ticket-refused', 'the client is gone')
  }
}

interface Asks {
  readonly apiVersion: string
  readonly info: ExecInfo
  /** Its standard input is a terminal that a plugin may read from. */
  readonly hasInput: boolean
  readonly timeout: string | undefined
}

interface Run {
  readonly guest: Guest
  readonly slot: Slot
  readonly runner: Runner
  readonly asks: Asks
}

/** @throws GuardError plugin-failed, as client-go does where there is no terminal */
function requireInput(item: WrappedItem, { hasInput }: Asks): void {
  const { name } = describePlugin(item.exec)
  if (item.exec.interactiveMode !== 'Always' || hasInput) return
  throw pluginFailed(
    item,
    `${name} wants a terminal as its input`,
    'run any kubectl command of this context on a terminal first',
  )
}

function limitOf({ exec }: WrappedItem, { timeout }: Asks): number {
  const { limitMs } = describePlugin(exec)
  const seconds = /^[1-9]\d{0,3}s?$/.test(timeout ?? '') ? Number.parseInt(timeout as string, 10) : Infinity
  return Math.min(limitMs, seconds * 1_000)
}

function valueIn(environment: readonly string[], name: string): string | undefined {
  return environment.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1)
}

const utf8 = (latin1: string | undefined): string | undefined =>
  latin1 === undefined ? undefined : Buffer.from(latin1, 'latin1').toString()

const nulEnded = (texts: readonly string[]): Buffer => Buffer.from(texts.map((text) => `${text}\0`).join(''))
