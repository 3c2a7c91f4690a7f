import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'

/** A manager that is starting up answers late; one that hangs must not hang us. */
const patienceMs = 20_000
const mostOutput = 64 * 1024

/** Also where PATH is short, as in cron. */
const usualPath = '/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin'

interface Answer {
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
}

/** Asks this account's manager. @throws GuardError `service-unavailable` with what it refused. */
export async function systemctl(...args: readonly string[]): Promise<string> {
  const { ok, stdout, stderr } = await run(args)
  if (ok) return stdout
  // What went well comes first.
  const why = stderr.trim().split('\n').at(-1) || 'no answer'
  throw new GuardError('service-unavailable', `systemctl --user ${args.join(' ')} failed: ${why}`)
}

/** Does a manager of this account answer? */
export async function managerAnswers(): Promise<boolean> {
  const { ok, stdout } = await run(['show', '--property=Version', '--value'])
  return ok && stdout.trim() !== ''
}

export type UnitProperties = Readonly<Record<string, string>>

/** What the manager knows of some units, in their order. @throws GuardError `service-unavailable` */
export async function showUnits(
  names: readonly string[],
  properties: readonly string[],
): Promise<UnitProperties[]> {
  const text = await systemctl('show', `--property=${properties.join(',')}`, '--', ...names)
  const blocks = text.trimEnd().split('\n\n')
  return names.map((_, index) =>
    Object.fromEntries(
      (blocks[index] ?? '').split('\n').map((line): [string, string] => {
        const at = line.indexOf('=')
        return [line.slice(0, at), line.slice(at + 1)]
      }),
    ),
  )
}

function run(args: readonly string[]): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const child = spawn('systemctl', ['--user', '--no-pager', '--no-ask-password', ...args], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMs,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout = (stdout + chunk.toString()).slice(0, mostOutput)))
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(0, mostOutput)))
  child.on('error', () => resolve({ ok: false, stdout: '', stderr: 'systemctl is not installed' }))
  child.on('close', (code) => resolve({ ok: code === 0, stdout, stderr }))
  return promise
}

/** By su, cron or an IDE the variables that lead to the manager are missing, or lead to another account's. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, XDG_RUNTIME_DIR: given, DBUS_SESSION_BUS_ADDRESS: bus } = process.env
  const own = `/run/user/${process.getuid?.()}`
  const runtime = isOurs(own) ? own : given
  return {
    PATH: PATH === undefined ? usualPath : `${PATH}:${usualPath}`,
    HOME,
    LC_ALL: 'C.UTF-8',
    SYSTEMD_COLORS: '0',
    ...(runtime !== undefined && { XDG_RUNTIME_DIR: runtime }),
    ...(bus !== undefined && runtime === given && { DBUS_SESSION_BUS_ADDRESS: bus }),
  }
}

function isOurs(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.()
}
