import { copyFileSync, chownSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning, makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { unprivilegedAccounts } from '../fixtures/accounts.ts'
import type { Machine } from '../fixtures/machine.ts'
import { runProgram } from '../fixtures/run-program.ts'
import type { Account, Run } from '../fixtures/run-program.ts'
import { node, repository, until } from '../fixtures/terminal.ts'
import { writePolicy } from '../fixtures/policy.ts'

/**
 * A whole installation under attack, owned by a throw-away account. Root reads everything, so that what
 * was tried as root proves nothing: without such an account there is no siege.
 */
export interface Siege {
  readonly home: TestHome
  readonly own: Account
  readonly other: Account
  /** What lay in the kubeconfig in plain text before it was adopted. */
  readonly secrets: readonly string[]
  readonly server: string
  /** Ids of the adopted credentials by policy. */
  readonly credentials: { readonly default: string; readonly prod: string }
  /** Takes everything down, the accounts too. */
  lift(): Promise<void>
}

const secretPattern = /(?:token|client-key-data):\s*(\S+)/g

/**
 * The cluster behind the walls: gives the home a kubeconfig in plain text, with a token behind `playground`, the
 * current context, and another credential behind `prod-playground`. There, `default` has `web-0` and `db-0`, which
 * run, write to their logs and serve their names on 8080.
 */
export type Ground = (home: TestHome) => Promise<void>

let ground: Ground = (home) => home.startPlayground()

/** Has every siege from here on laid on another ground than the playground, and perhaps under other rules. */
export function fightOn(other: Ground, rules: Rules = usualRules): void {
  ground = other
  groundRules = rules
}

/** The usual limits, and a token cache that locks wipe: whoever writes other rules puts these back. */
export const usualRules = { idle: '10m', more: '    wipe: [aws-sso]\n' }

type Rules = Parameters<typeof writePolicy>[1]
let groundRules: Rules = usualRules

/**
 * @param machineFor where the attacked account is to have a machine of its own
 * @throws Error where this machine lets us make no accounts
 */
export async function laySiege(
  rules: Rules = groundRules,
  machineFor?: (own: Account) => Promise<Machine>,
): Promise<Siege> {
  const removals: (() => void)[] = []
  const { own, other } = unprivilegedAccounts((remove) => removals.push(remove))
  if (own === undefined || other === undefined)
    throw new Error('run this as root: it makes two throw-away accounts')
  const machine = await machineFor?.(own)
  const home = makeHome({ account: own, ...(machine === undefined ? {} : { machine }) })
  writePolicy(home, rules)
  await ground(home)
  const before = readFileSync(home.kubeconfig, 'utf8')
  const secrets = [...before.matchAll(secretPattern)].map((match) => match[1] as string)
  await home.init()
  const adopted = readFileSync(home.kubeconfig, 'utf8')
  const id = (policy: string): string => new RegExp(`- (${policy}\\.\\S+)`).exec(adopted)?.[1] as string
  return {
    home,
    own,
    other,
    secrets,
    server: /server:\s*(\S+)/.exec(adopted)?.[1] as string,
    credentials: { default: id('default'), prod: id('prod') },
    async lift() {
      await home.dispose()
      await machine?.[Symbol.asyncDispose]()
      for (const remove of removals) remove()
    },
  }
}

/** Did this get at the cluster? */
export const gotPods = (run: Run): boolean => run.code === 0 && run.stdout.includes('Running')

/** Does this text hold a credential, or the ExecCredential around one? */
export const holdsSecret = (siege: Siege, text: string): boolean =>
  siege.secrets.some(
    (secret) => text.includes(secret) || text.includes(Buffer.from(secret, 'base64').toString()),
  )

/** Runs a program as the second account, which owns nothing here. */
export function asOther({ other }: Siege, file: string, args: readonly string[]): Promise<Run> {
  return runProgram(file, args, { cwd: '/', env: { PATH: '/usr/bin:/bin' }, account: other })
}

/** A copy of a file, as the attacked account itself would make it. */
export function copyFor({ own }: Siege, from: string, to: string): string {
  copyFileSync(from, to)
  chownSync(to, own.uid, own.gid)
  return to
}

/** Speaks to daemon and keeper without any of our programs; see speak.ts. */
export function speak({ home }: Siege, ...args: string[]): Promise<Run> {
  return home.run(node, [join(repository, 'test', 'bypass', 'speak.ts'), ...args], { timeoutMs: 120_000 })
}

/** Pids of our processes of one kind in this home. */
export function pidsOf(
  { home }: Pick<Siege, 'home'>,
  bundle: 'daemon' | 'keeper' | 'reaper' | 'revoker',
): number[] {
  const mark = `KUBEGUARD_HOME=${home.guardHome}`
  const read = (pid: string, file: string): string[] => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1').split('\0')
    } catch {
      return []
    }
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) =>
      read(pid, 'cmdline').some(
        (part) => part.endsWith(`dist/${bundle}.cjs`) || part.endsWith(`/kubeguard-${bundle}`),
      ),
    )
    .filter((pid) => read(pid, 'environ').includes(mark))
    .map(Number)
}

/** Kills processes of ours at once; resolves when they are gone, their sockets and locks with them. */
export async function crash(siege: Siege, ...kinds: ('daemon' | 'keeper' | 'revoker')[]): Promise<void> {
  const pids = kinds.flatMap((kind) => pidsOf(siege, kind))
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // A keeper ends with its daemon.
    }
  }
  await until('their end', () => pids.every((pid) => !isRunning(pid)), { withinMs: 30_000 })
}

/** Has the next command start a daemon. @throws Error where it does not: then what a daemon does was not tried */
export async function startAgain({ home }: Siege): Promise<void> {
  const { code, stderr } = await home.kubeguard(['status'])
  if (code !== 0 && code !== 77) throw new Error(`no daemon was started: ${code} ${stderr}`)
}
