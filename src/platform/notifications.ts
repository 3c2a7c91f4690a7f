import { spawn } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Log, Notification, Notifications } from '../usecases/ports.ts'

interface Options {
  readonly log: Pick<Log, 'info'>
  readonly environment?: NodeJS.ProcessEnv
  /** Where busctl is looked for: never on the PATH of whoever happened to start the daemon. */
  readonly path?: string
}

/** A desktop that hangs must not hang us, nor keep programs of ours. */
const limitMs = 3_000
const mostAtOnce = 4
const mostOutput = 1_024
const mostCharacters = 512

const usualPath = '/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin'

/** Desktop Notifications Specification 1.2, "Urgency Levels". */
const urgencies = { low: 0, normal: 1, critical: 2 } as const

/**
 * Notifications by the account's session bus (org.freedesktop.Notifications), through systemd's busctl: the daemon itself
 * reads nothing that comes from a bus. Off where there is no bus or no busctl.
 */
export function createNotifications(options: Options): Notifications {
  const { log, environment = process.env, path = usualPath } = options
  let running = 0
  return {
    notify(notification) {
      const bus = findBus(environment)
      if (bus === undefined) return
      if (running >= mostAtOnce) return log.info('a notification was left out: others are still under way')
      running += 1
      const over = (failure: string | undefined): void => {
        running -= 1
        if (failure !== undefined) log.info('a notification was not shown', { why: failure })
      }
      send(bus, path, notification, over)
    },
  }
}

/**
 * The socket of the account's session bus, as dbus.socket of systemd's user manager makes it. A trial or a test, whose
 * KUBEGUARD_HOME has moved everything, has only the one that its environment names.
 */
function findBus({
  KUBEGUARD_HOME: moved = '',
  XDG_RUNTIME_DIR: given = '',
}: NodeJS.ProcessEnv): string | undefined {
  const { uid } = userInfo()
  const folders = [...(moved === '' ? [`/run/user/${uid}`] : []), ...(given.startsWith('/') ? [given] : [])]
  return folders
    .map((folder) => join(folder, 'bus'))
    .find((socket) => {
      const facts = lstatSync(socket, { throwIfNoEntry: false })
      return facts?.isSocket() === true && facts.uid === uid
    })
}

function send(bus: string, path: string, notification: Notification, over: (failure?: string) => void): void {
  let said = ''
  // What is in the arguments of a process everybody on the machine may read: so there is no secret in it.
  const child = spawn('busctl', callOf(notification), {
    cwd: '/',
    env: { PATH: path, LC_ALL: 'C.UTF-8', DBUS_SESSION_BUS_ADDRESS: `unix:path=${escaped(bus)}` },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, mostOutput)))
  child.once('error', (error: NodeJS.ErrnoException) => over(error.code ?? 'unknown error'))
  child.once('close', (code, signal) => {
    // A program that could not be started has told so by `error`.
    if (child.pid === undefined) return
    over(code === 0 ? undefined : said.trim().split('\n').at(-1) || `${signal ?? code}`)
  })
}

/** Notify of the Desktop Notifications Specification 1.2, with the server's own time to be shown. */
function callOf({ summary, body, urgency }: Notification): string[] {
  const service = [
    'org.freedesktop.Notifications',
    '/org/freedesktop/Notifications',
    'org.freedesktop.Notifications',
  ]
  const hints = ['1', 'urgency', 'y', String(urgencies[urgency])]
  const texts = ['kubeguard', '0', 'dialog-password', plain(summary), markup(plain(body))]
  const call = [...service, 'Notify', 'susssasa{sv}i', '--', ...texts, '0', ...hints, '-1']
  return ['--user', '--quiet', `--timeout=${limitMs / 1000}`, 'call', ...call]
}

/** What is no text has no business on a desktop; NUL would end an argument. */
function plain(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .slice(0, mostCharacters)
    .toWellFormed()
}

/** A body may be markup (the same specification), so what is none must not look like it. */
function markup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** A value in an address (D-Bus Specification, "Server Addresses"). */
function escaped(path: string): string {
  return [...Buffer.from(path)]
    .map((byte) => String.fromCharCode(byte))
    .map((one) => (/[-\w/.]/.test(one) ? one : `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`))
    .join('')
}
