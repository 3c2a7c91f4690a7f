import type { RawData, WebSocket } from 'ws'
import { InputQueue } from './builtin-shell/input-queue.ts'
import { LineDiscipline } from './builtin-shell/line-discipline.ts'
import type { Files, ProgramWorld } from './builtin-shell/program.ts'
import { failureStatus } from './api-error.ts'
import { isRecord } from './kube-object.ts'

/** What a client asked for, and what there is in the pod. */
export interface ExecRequest {
  readonly podName: string
  readonly environment: Readonly<Record<string, string>>
  readonly files: Files
  readonly hasStdin: boolean
  readonly hasTerminal: boolean
}

/** The first byte of each message: Kubernetes' remotecommand subprotocols v4 and v5. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const
const mostPendingBytes = 1024 * 1024

/**
 * Runs a program with a WebSocket for its standard streams; its exit code goes to the error channel, then the
 * socket is closed. Ends when the client goes.
 */
export async function runExec(
  socket: WebSocket,
  request: ExecRequest,
  run: (world: ProgramWorld) => Promise<number>,
): Promise<void> {
  const session = new ExecSession(socket, request)
  let status: object
  try {
    status = exitStatus(await run(session.world))
  } catch (error) {
    status = failureStatus(error)
  }
  await session.send(channel.error, Buffer.from(JSON.stringify(status)))
  socket.close(1000)
}

class ExecSession {
  readonly world: ProgramWorld
  readonly #socket: WebSocket
  readonly #input: InputQueue
  readonly #terminal: LineDiscipline | undefined
  readonly #foreground: AbortController[] = []

  constructor(socket: WebSocket, request: ExecRequest) {
    this.#socket = socket
    this.#input = new InputQueue(() => socket.resume())
    this.#terminal = request.hasTerminal ? this.#openTerminal() : undefined
    this.world = this.#worldOf(request)
    if (!request.hasStdin) this.#input.end()
    socket.on('message', (data) => this.#receive(data))
    socket.on('error', () => socket.terminate())
  }

  /** Resolves when the bytes have left, or the client is gone. */
  send(to: number, bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.send(Buffer.concat([Buffer.of(to), bytes]), () => resolve()))
  }

  #worldOf(request: ExecRequest): ProgramWorld {
    const gone = new AbortController()
    this.#socket.once('close', () => gone.abort())
    const output = (to: number) => (bytes: Buffer | string) => this.#print(to, Buffer.from(bytes as string))
    return {
      podName: request.podName,
      environment: request.environment,
      files: request.files,
      terminal: this.#terminal,
      signal: gone.signal,
      foreground: (run) => this.#runInForeground(run, gone.signal),
      read: (signal) => this.#input.read(signal ?? gone.signal),
      write: output(channel.stdout),
      writeError: output(request.hasTerminal ? channel.stdout : channel.stderr),
    }
  }

  #openTerminal(): LineDiscipline {
    return new LineDiscipline({
      echo: (bytes) => void this.send(channel.stdout, bytes),
      deliver: (bytes) => this.#input.push(bytes),
      end: () => this.#input.end(),
      interrupt: () => this.#interrupt(),
    })
  }

  /** With nothing in the foreground it is a shell that waits: an empty line gives a new prompt. */
  #interrupt(): void {
    const current = this.#foreground.at(-1)
    if (current === undefined) this.#input.push(Buffer.from('\n'))
    else current.abort()
  }

  async #runInForeground(run: (signal: AbortSignal) => Promise<number>, gone: AbortSignal): Promise<number> {
    const controller = new AbortController()
    this.#foreground.push(controller)
    try {
      return await run(AbortSignal.any([controller.signal, gone]))
    } finally {
      this.#foreground.pop()
    }
  }

  #print(to: number, bytes: Buffer): Promise<void> {
    if (this.#terminal === undefined) return this.send(to, bytes)
    return this.send(to, Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1'))
  }

  #receive(data: RawData): void {
    const message = data as Buffer
    const bytes = message.subarray(1)
    switch (message[0]) {
      case channel.stdin:
        if (this.#terminal === undefined) this.#input.push(bytes)
        else this.#terminal.type(bytes)
        if (this.#input.bytes > mostPendingBytes) this.#socket.pause()
        break
      case channel.resize:
        this.#resize(bytes)
        break
      case channel.close:
        // v5 only: the client has no more to send on the channel that it names.
        if (bytes[0] === channel.stdin) this.#input.end()
        break
    }
  }

  #resize(bytes: Buffer): void {
    const size = parseSize(bytes.toString())
    if (size !== undefined) this.#terminal?.resize(size)
  }
}

function parseSize(text: string): { columns: number; rows: number } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!isRecord(value)) return undefined
    const columns = Number(value['Width'])
    const rows = Number(value['Height'])
    return columns > 0 && rows > 0 ? { columns, rows } : undefined
  } catch {
    return undefined
  }
}

/** How the error channel tells an exit code (`k8s.io/apimachinery`, remotecommand's v4 protocol). */
function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit code ${code}`,
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }
}
