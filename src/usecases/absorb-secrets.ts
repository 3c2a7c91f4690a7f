import { GuardError } from '../domain/errors.ts'
import { plainText } from '../domain/plain-text.ts'
import type { AbsorbReport, AdoptedUser, UnguardedUser } from '../protocol/reports.ts'
import { Insistence } from './insistence.ts'
import type {
  Adoption,
  Alarm,
  Clock,
  FileWatch,
  Journal,
  Kubeconfigs,
  LeftOut,
  LeftOutUser,
  Log,
  Outline,
  OutlineUser,
  PolicySource,
  VaultCatalogue,
} from './ports.ts'
import type { TellShells } from './tell-shells.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Pick<Journal, 'record'>
  readonly kubeconfigs: Pick<Kubeconfigs, 'outlines' | 'absorb'>
  readonly leftOut: LeftOut
  readonly log: Log
  readonly plugin: { command: string; env: Readonly<Record<string, string>> }
  readonly policies: Pick<PolicySource, 'current'>
  readonly shells: Pick<TellShells, 'tell'>
  readonly vaults: Pick<VaultCatalogue, 'files'>
  readonly watch: FileWatch
  /** For what was put off. Nothing is set while nothing is. */
  readonly alarm: Alarm
}

/** KUBECONFIG lists that are remembered; the least recently used goes first. */
const mostLists = 64

/** Files that one client reads together, in its order. */
interface List {
  readonly paths: readonly string[]
  /** What the files are behind symlinks. */
  readonly reals: readonly string[]
}

/** A prompt gives up after a minute of nothing; nobody holds this off for longer. */
const longestEjectMs = 2 * 60_000

/** Work on kubeconfigs that puts secrets back: from its first write on nothing is absorbed. */
interface Ejecting {
  note(users: readonly { readonly user: string; readonly file: string }[]): void
  end(): void
}

/**
 * Seals what other programs write into adopted kubeconfigs, locked or not. It hears of a file, never of what is in
 * it: a scribe looks. A file is adopted when a credential came from it, or when a client reads it together with one
 * that names our plugin.
 */
export class AbsorbSecrets {
  readonly #deps: Deps
  readonly #insistence: Insistence
  /** The latest used last. */
  readonly #lists = new Map<string, List>()
  readonly #due = new Set<string>()
  /** Said once, for as long as it is so: by file. */
  readonly #unguarded = new Map<string, readonly UnguardedUser[]>()
  readonly #failed = new Map<string, string>()
  #adoptions = 0
  /** Until when, on the boot clock, each is waited for. */
  readonly #ejects = new Set<{ readonly untilMs: number }>()
  #running = false

  constructor(deps: Deps) {
    this.#deps = deps
    this.#insistence = new Insistence(deps.clock)
    deps.watch.onChange((path) => this.#changed([path]))
  }

  /** Watches what is adopted now; what was written while nobody watched is found at once. */
  watch(): void {
    const lists = [...this.#lists.values()].toReversed()
    const reached = new Set(lists.flatMap(({ reals }) => reals))
    const own = this.#deps.vaults.files().filter((file) => !reached.has(file))
    const paths = new Set([...lists.flatMap((list) => list.paths), ...own])
    for (const known of [this.#unguarded, this.#failed])
      for (const path of known.keys()) if (!paths.has(path)) known.delete(path)
    this.#insistence.keep(paths)
    this.#deps.watch.watch([...paths])
  }

  /** A client reads these kubeconfigs together. Returns at once; nothing depends on it. */
  used(paths: readonly string[]): void {
    const key = paths.join('\0')
    const known = this.#lists.get(key)
    if (known === undefined) return void this.#learn(key, paths)
    this.#lists.delete(key)
    this.#lists.set(key, known)
  }

  async #learn(key: string, paths: readonly string[]): Promise<void> {
    try {
      const outlines = await this.#deps.kubeconfigs.outlines(paths)
      const adopted = new Set(this.#deps.vaults.files())
      const isOurs = outlines.some(
        ({ real, users }) => adopted.has(real) || users.some(({ kind }) => kind === 'ours'),
      )
      if (!isOurs || this.#lists.has(key)) return
      this.#remember(paths, outlines)
      this.watch()
    } catch (error) {
      // Whoever uses the files is told what is wrong with them.
      if (!(error instanceof GuardError))
        this.#deps.log.warn('a kubeconfig can’t be looked at', { error: String(error) })
    }
  }

  #remember(paths: readonly string[], outlines: readonly Outline[]): void {
    this.#lists.set(paths.join('\0'), { paths, reals: outlines.map(({ real }) => real) })
    const [oldest] = this.#lists.keys()
    if (this.#lists.size > mostLists && oldest !== undefined) this.#lists.delete(oldest)
  }

  /** Runs an adoption. Whom it leaves in the files was left there by a person, and stays. */
  async adopting(
    { paths, users }: { readonly paths: readonly string[]; readonly users: readonly string[] },
    work: () => Promise<Adoption>,
  ): Promise<Adoption> {
    this.#adoptions += 1
    try {
      const adoption = await work()
      if (adoption.report.missingVaults.length === 0) this.#noteAdopted(paths, users, adoption.outlines)
      return adoption
    } finally {
      this.#adoptions -= 1
      this.watch()
      this.#run()
    }
  }

  #noteAdopted(paths: readonly string[], chosen: readonly string[], outlines: readonly Outline[]): void {
    const files = new Set(outlines.map(({ real }) => real))
    const others = this.#deps.leftOut.read().filter(({ file }) => !files.has(file))
    const isLeft = ({ name, kind }: OutlineUser): boolean =>
      inadoptable.has(kind) || (chosen.length > 0 && !chosen.includes(name))
    const left = outlines.flatMap(({ real, users }) =>
      users.filter(isLeft).map(({ name, kind }) => ({ file: real, user: name, kind })),
    )
    this.#leaveOut(others, left)
    this.#remember(paths, outlines)
  }

  /** Users that a person puts back stay in their files. */
  ejecting(): Ejecting {
    const eject = { untilMs: this.#deps.clock.now().bootMs + longestEjectMs }
    this.#ejects.add(eject)
    this.#setAlarm()
    let noted: Promise<void> = Promise.resolve()
    return {
      note: (users) => {
        noted = this.#noteEjected(users)
      },
      end: () =>
        void noted.finally(() => {
          this.#ejects.delete(eject)
          this.watch()
          this.#run()
        }),
    }
  }

  async #noteEjected(users: readonly { readonly user: string; readonly file: string }[]): Promise<void> {
    if (users.length === 0) return
    const isEjected = (file: string, user: string): boolean =>
      users.some((one) => one.file === file && one.user === user)
    const outlines = await this.#deps.kubeconfigs
      .outlines([...new Set(users.map(({ file }) => file))])
      .catch(() => [])
    const others = this.#deps.leftOut.read().filter(({ file, user }) => !isEjected(file, user))
    const left = outlines.flatMap(({ real, users: found }) =>
      found
        .filter(({ name }) => isEjected(real, name))
        .map(({ name, kind }) => ({ file: real, user: name, kind })),
    )
    this.#leaveOut(others, left)
  }

  #leaveOut(others: readonly LeftOutUser[], found: readonly LeftOutUser[]): void {
    const left = found.filter(({ kind }) => kind !== 'ours' && kind !== 'none')
    const before = this.#deps.leftOut.read()
    if (left.length > 0 || others.length < before.length) this.#deps.leftOut.write([...others, ...left])
  }

  /** The alarm: what was put off is due. */
  tryAgain(): void {
    this.#changed(this.#insistence.due())
    this.#setAlarm()
  }

  #setAlarm(): void {
    const moments = [...this.#ejects].map(({ untilMs }) => untilMs)
    const next = this.#insistence.nextMs()
    if (next !== undefined) moments.push(next)
    this.#deps.alarm.set(moments.length === 0 ? undefined : Math.min(...moments))
  }

  #isHeld(): boolean {
    const now = this.#deps.clock.now().bootMs
    for (const eject of this.#ejects) if (eject.untilMs <= now) this.#ejects.delete(eject)
    return this.#adoptions > 0 || this.#ejects.size > 0
  }

  #changed(paths: readonly string[]): void {
    for (const path of paths) this.#due.add(path)
    this.#run()
  }

  /** One job at a time: each looks at all that changed before it began. */
  #run(): void {
    if (this.#running || this.#due.size === 0 || this.#isHeld()) return
    this.#running = true
    void this.#work().finally(() => {
      this.#running = false
      this.#run()
    })
  }

  async #work(): Promise<void> {
    const due = [...this.#due].filter((path) => !this.#insistence.isPutOff(path))
    this.#due.clear()
    for (const list of new Set(due.map((path) => this.#listOf(path)))) await this.#absorb(list)
    this.#setAlarm()
  }

  #listOf(path: string): readonly string[] {
    return [...this.#lists.values()].findLast(({ paths }) => paths.includes(path))?.paths ?? [path]
  }

  async #absorb(paths: readonly string[]): Promise<void> {
    const { kubeconfigs, policies, plugin, leftOut, watch, log } = this.#deps
    try {
      const order = { paths, policies: policies.current(), plugin, leftOut: leftOut.read() }
      const report = await kubeconfigs.absorb(order)
      for (const { path, stamp } of report.files) watch.seen(path, stamp)
      this.#tell(paths, report)
    } catch (error) {
      const problem = error instanceof GuardError ? error.message : 'the daemon’s log says why'
      if (!(error instanceof GuardError)) log.error('absorbing failed', { error: String(error) })
      // What is wrong with a file stays wrong until it is written again.
      if (!(error instanceof GuardError && error.code === 'kubeconfig-invalid'))
        for (const path of paths) this.#insistence.putOff(path)
      this.#fail(paths[0] ?? '', `what was written into ${paths.join(', ')} can’t be sealed: ${problem}`)
    }
  }

  #tell(paths: readonly string[], { files, absorbed, unguarded }: AbsorbReport): void {
    for (const path of paths) this.#failed.delete(path)
    for (const { path, problem } of files) if (problem !== undefined) this.#failed.set(path, problem)
    for (const [file, users] of Map.groupBy(absorbed, (user) => user.file)) this.#tellAbsorbed(file, users)
    for (const path of paths)
      this.#tellUnguarded(
        path,
        unguarded.filter(({ file }) => file === path),
      )
  }

  #tellAbsorbed(file: string, users: readonly AdoptedUser[]): void {
    for (const { user, policy, credential, kind, strength } of users)
      this.#deps.journal.record({
        event: 'absorbed',
        policy,
        details: { user: plainText(user, 200), file: plainText(file, 1000), credential, kind, strength },
      })
    const heard = this.#insistence.heard(file)
    if (heard === 'insists')
      return this.#say(
        `a program keeps writing secrets into ${file}: they are sealed again, but less often; find it, or set absorb: off`,
      )
    if (heard === 'again') return
    const names = users.map(({ user, policy }) => `${user} (${policy})`).join(', ')
    const copies = users.flatMap(({ advice }) => advice.filter((text) => text.startsWith('remove')))
    const advice = copies.length === 0 ? '' : `; ${copies[0]}`
    const wrapped = users.filter(({ kind }) => kind === 'exec-plugin').map(({ user }) => user)
    const also =
      wrapped.length === 0 ? '' : `; the exec plugin of ${wrapped.join(', ')} runs behind kubeguard now`
    this.#say(`sealed what another program wrote into ${file}: ${names}${also}${advice}`)
  }

  #tellUnguarded(file: string, users: readonly UnguardedUser[]): void {
    const known = this.#unguarded.get(file) ?? []
    this.#unguarded.set(file, users)
    if (users.length === 0) this.#unguarded.delete(file)
    for (const one of users) {
      if (known.some(({ user, because }) => user === one.user && because === one.because)) continue
      const { user, because } = one
      this.#deps.journal.record({
        event: 'unguarded',
        ...(one.policy === '' ? {} : { policy: one.policy }),
        details: {
          user: plainText(user, 200),
          file: plainText(file, 1000),
          because: plainText(because, 400),
        },
      })
      this.#say(describe(one))
    }
  }

  #fail(path: string, problem: string): void {
    if (this.#failed.get(path) === problem) return
    this.#failed.set(path, problem)
    this.#say(problem)
  }

  #say(text: string): void {
    this.#deps.shells.tell(plainText(text, mostText))
  }

  /** What stays in its file, and what keeps being written. */
  problems(): string[] {
    return [
      ...this.#failed.values(),
      ...[...this.#unguarded.values()].flat().map(describe),
      ...this.#insistence.insisting().map((file) => `a program keeps writing secrets into ${file}`),
    ].map((text) => plainText(text, mostText))
  }
}

/** Adopting passes them over. */
const inadoptable = new Set<OutlineUser['kind']>(['basic', 'auth-provider'])

/** A line at a prompt. */
const mostText = 400

const describe = ({ user, file, because }: UnguardedUser): string => `${user} (${file}): ${because}`
