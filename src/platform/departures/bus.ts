import type { Message, MessageBus } from 'dbus-native'

export interface Signal {
  readonly sender: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly body: readonly unknown[]
}

/** A method to be called; `arguments` by their D-Bus signature. */
export interface Call {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly signature?: string
  readonly arguments?: readonly unknown[]
}

interface Options {
  /** The bus's socket. */
  readonly socket: string
  /** Match rules: only what they name is sent to us, so nothing else wakes this process. */
  readonly rules: readonly string[]
  readonly onSignal: (signal: Signal) => void
  /** The bus went away, or broke the protocol. Not after `close`. */
  readonly onGone: () => void
}

/** Nothing that we listen to is anywhere near. */
const largestMessage = 64 * 1024
const answerWithinMs = 5_000
const signalType = 4

/** One connection to a message bus. The library is loaded with the first, for most of the time needs none. */
export class Bus {
  readonly #bus: MessageBus
  #isClosed = false

  private constructor(bus: MessageBus, { onSignal, onGone }: Options) {
    this.#bus = bus
    const { connection } = bus
    const gone = (): void => {
      if (this.#isClosed) return
      this.close()
      onGone()
    }
    connection.on('error', gone)
    connection.on('handlerError', gone)
    connection.on('close', gone)
    connection.on('end', gone)
    connection.on('message', (message) => {
      if (!this.#isClosed && message.type === signalType) onSignal(signalOf(message))
    })
  }

  /** @throws Error where nobody answers there, or not as a bus does */
  static async connect(options: Options): Promise<Bus> {
    const { createClient } = await import('dbus-native')
    const bus = new Bus(
      createClient({
        busAddress: `unix:path=${options.socket}`,
        // The socket's kernel says who we are; the other ways would read or write files of the account.
        authMethods: ['EXTERNAL'],
        maxMessageSize: largestMessage,
        timeout: answerWithinMs,
      }),
      options,
    )
    try {
      for (const rule of options.rules) await bus.#bus.addMatch(rule)
    } catch (error) {
      bus.close()
      throw error
    }
    return bus
  }

  /** @returns the first value of the answer. @throws Error for an error, or no answer within 5 s */
  async call({ arguments: body = [], signature, ...to }: Call): Promise<unknown> {
    const parameters = signature === undefined ? {} : { signature, body: [...body] }
    return this.#bus.invoke({ ...to, ...parameters })
  }

  /** @throws Error as `call` */
  property(destination: string, path: string, of: string, name: string): Promise<unknown> {
    return this.call({
      destination,
      path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      arguments: [of, name],
    })
  }

  /** Who has this name now: a unique name. @throws Error where nobody has it */
  async ownerOf(name: string): Promise<string> {
    const owner = await this.call({
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'GetNameOwner',
      signature: 's',
      arguments: [name],
    })
    return String(owner)
  }

  close(): void {
    this.#isClosed = true
    // At once: a bus that hangs must not keep the descriptor.
    this.#bus.connection.stream.destroy()
  }
}

function signalOf({ sender, path, interface: of, member, body }: Message): Signal {
  return {
    sender: sender ?? '',
    path: path ?? '',
    interface: of ?? '',
    member: member ?? '',
    body: body ?? [],
  }
}
