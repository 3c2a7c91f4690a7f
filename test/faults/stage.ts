import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVaults } from '../../src/platform/vault/create-vault.ts'
import { secretsOf } from '../e2e/commands/secrets.ts'
import { good, isRunning, makeHome, passphrase } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import type { Account } from '../fixtures/run-program.ts'
import { kubectl } from '../fixtures/tools.ts'
import { repository, until } from '../fixtures/terminal.ts'
import { newPassphrase, strangerToken } from './matrix.ts'
import type { Beginning, Fault, Operation } from './matrix.ts'

/** Builds test/faults/injector.c. @returns where it is, in a folder of its own */
export function buildInjector(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kg-injector-'))
  chmodSync(folder, 0o755)
  const program = join(folder, 'injector')
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-o', program, join(import.meta.dirname, 'injector.c')])
  return program
}

export interface Hit {
  /** Of the command; 128 + n where signal n ended it. */
  readonly code: number
  /** How many calls of the program suit the fault. */
  readonly points: number
  /** Whom the fault met; 0 where it met nobody. */
  readonly pid: number
  readonly where: string
  /** What the operation said there. */
  readonly stderr: string
  /** For `count`: each point, of whichever program. */
  readonly calls: readonly { readonly kinds: number; readonly program: string }[]
}

/** How long a stopped process stands still. */
const stoppedMs = 4_000
/** The longest that anything may hang where one process of it fails: a keeper's heartbeat counts as lost after 20 s. */
const patienceMs = 90_000

/** One home in which operations are tried again and again, each from the same files. */
export class Stage {
  readonly home: TestHome
  readonly secrets: readonly string[]
  readonly #desk: string
  readonly #injector: string
  readonly #playground: readonly number[]

  private constructor(home: TestHome, desk: string, injector: string) {
    this.home = home
    this.#desk = desk
    this.#injector = injector
    this.#playground = home.processes()
    this.secrets = [...secretsOf(home.kubeconfig), strangerToken]
  }

  /** @param account whom it all belongs to; absent: whoever runs this. */
  static async make(injector: string, account: Account | undefined): Promise<Stage> {
    const home = makeHome(account === undefined ? {} : { account })
    const desk = mkdtempSync(join(tmpdir(), 'kg-desk-'))
    await home.startPlayground()
    const stage = new Stage(home, desk, injector)
    stage.#own(desk)
    for (const [name, text] of [
      ['pw', `${passphrase}\n`],
      ['new', `${passphrase}\n${newPassphrase}\n`],
    ] as const) {
      writeFileSync(join(desk, name), text)
      stage.#own(join(desk, name))
    }
    return stage
  }

  /** Ends what an earlier case left, and puts files back; the first time it makes them. */
  async begin({ from, rules = '' }: Operation): Promise<void> {
    this.endAll()
    const name = `${from}${rules.replaceAll(/\W+/g, '-')}`
    const saved = join(this.#desk, name)
    if (!existsSync(saved)) await this.#prepare(from, rules, saved)
    this.#restore(saved)
  }

  /** Runs the operation with one fault in it. @param nth 0 for none */
  async run(operation: Operation, program: string, fault: Fault | 'count', nth: number): Promise<Hit> {
    const [report, log, stderr] = ['report', 'log', 'stderr'].map((name) => join(this.#desk, name)) as [
      string,
      string,
      string,
    ]
    for (const path of [report, log, stderr]) rmSync(path, { force: true })
    const script = `${operation.before ?? ':'}\n/bin/true kg-arm\n{ ${operation.run}\n} >>$LOG 2>$ERR`
    const pid = this.#start([report, program, fault, String(nth)], script, {
      KG: join(repository, 'bin', 'kubeguard'),
      KUBECTL: kubectl(),
      PW: join(this.#desk, 'pw'),
      NEW: join(this.#desk, 'new'),
      LOG: log,
      ERR: stderr,
    })
    if (fault === 'stop') await this.#wake(report)
    const found = await until(
      `the end of what ${pid} follows`,
      () => (existsSync(report) ? readFileSync(report, 'utf8') : undefined),
      { withinMs: patienceMs },
    )
    return { ...hitOf(found), stderr: existsSync(stderr) ? readFileSync(stderr, 'utf8') : '' }
  }

  /** The injector is whoever runs this, and sees more than the account; it lives as long as the daemon does. */
  #start(how: readonly string[], script: string, env: NodeJS.ProcessEnv): number {
    const { account, home, env: base } = this.home
    const as =
      account === undefined
        ? []
        : [
            '/usr/bin/setpriv',
            '--reuid',
            String(account.uid),
            '--regid',
            String(account.gid),
            '--clear-groups',
          ]
    const child = spawn(this.#injector, [...how, ...as, '/bin/sh', '-c', script], {
      cwd: home,
      env: { ...base, ...env },
      stdio: 'ignore',
    })
    child.on('error', () => {})
    if (child.pid === undefined) throw new Error('the injector can’t be started')
    return child.pid
  }

  async #wake(report: string): Promise<void> {
    const endsAt = performance.now() + stoppedMs
    await until('the end, or enough of it', () => existsSync(report) || performance.now() > endsAt)
    for (const pid of this.home.processes()) {
      if (/^State:\s+[Tt]/m.test(statusOf(pid))) process.kill(pid, 'SIGCONT')
    }
  }

  /** Everything of this home but the playground. */
  endAll(): void {
    for (let left = this.#others(); left.length > 0; left = this.#others()) {
      for (const pid of left) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It ended by itself.
        }
      }
    }
  }

  #others(): number[] {
    return this.home.processes().filter((pid) => !this.#playground.includes(pid) && isRunning(pid))
  }

  async dispose(): Promise<void> {
    this.endAll()
    await this.home.dispose()
    rmSync(this.#desk, { recursive: true, force: true })
  }

  async #prepare(from: Beginning, rules: string, saved: string): Promise<void> {
    const { home } = this
    const plain = join(this.#desk, 'plain')
    if (!existsSync(plain)) this.#save(plain)
    this.#restore(plain)
    writePolicy(home, { idle: '10m', more: rules })
    if (from !== 'plain') {
      await this.#cheapVaults()
      await home.init()
      if (from === 'ejected')
        good(await home.kubeguard(['eject', '--yes', '--passphrase-fd', '3'], { fd3: passphrase }))
      good(await home.kubeguard(['daemon', 'stop']))
      this.endAll()
    }
    if (saved !== plain || rules !== '') this.#save(saved)
  }

  /** What a guess costs is no part of this. */
  async #cheapVaults(): Promise<void> {
    const vaultsDir = mkdtempSync(join(tmpdir(), 'kg-vaults-'))
    await createVaults({
      vaultsDir,
      policies: ['prod', 'default'],
      passphrase: Buffer.from(passphrase),
      logN: 12,
    })
    const state = join(this.home.guardHome, 'state')
    mkdirSync(state, { mode: 0o700 })
    execFileSync('cp', ['-a', vaultsDir, join(state, 'vaults')])
    rmSync(vaultsDir, { recursive: true })
    const { account } = this.home
    if (account !== undefined) execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, state])
  }

  #save(saved: string): void {
    mkdirSync(saved)
    execFileSync('cp', ['-a', this.home.home, this.home.guardHome, saved])
  }

  #restore(saved: string): void {
    rmSync(this.home.home, { recursive: true, force: true })
    rmSync(this.home.guardHome, { recursive: true, force: true })
    execFileSync('cp', ['-a', join(saved, 'home'), join(saved, 'guard'), this.home.root])
  }

  #own(path: string): void {
    const { account } = this.home
    if (account !== undefined) chownSync(path, account.uid, account.gid)
  }
}

function hitOf(report: string): Omit<Hit, 'stderr'> {
  const [first = '', ...lines] = report.split('\n')
  const [code, points, pid, ...where] = first.split(' ')
  const calls = lines
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([kinds, program = '']) => ({ kinds: Number(kinds), program }))
  return {
    code: Number(code),
    points: Number(points),
    pid: Number(pid),
    where: where.join(' ').trim(),
    calls,
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
