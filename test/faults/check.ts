import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesWith } from '../e2e/commands/secrets.ts'
import { statusOf } from '../e2e/commands/status.ts'
import { passphrase } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { newPassphrase } from './matrix.ts'
import type { Operation } from './matrix.ts'
import type { Hit, Stage } from './stage.ts'

/** Context -> policy of the playground. */
const contexts = { 'playground': 'default', 'prod-playground': 'prod' } as const

/**
 * What must hold after a fault, whatever it was. @returns what does not, in words; empty where all is well.
 * Nothing of it is repaired by hand but what a message names.
 */
export async function check(stage: Stage, operation: Operation, hit: Hit): Promise<string[]> {
  const { home } = stage
  const wrong: string[] = []
  const say = (text: string): void => void wrong.push(text)
  if (hit.code !== 0 && hit.code < 128 && hit.code !== 77 && !namesCure(hit.stderr))
    say(`no cure in: ${hit.stderr.trim()}`)
  const adopted = isAdopted(home)
  if (adopted && existsSync(home.guardHome)) await checkState(stage, operation, hit, say)
  for (const [context, policy] of Object.entries(contexts))
    if (policy === 'default' || operation.opens !== true) await checkContext(home, context, policy, say)
  if (adopted && existsSync(home.shims)) await lockAll(home, say)
  checkClear(stage, operation, say)
  return wrong
}

/** `kubeguard: what happened`, and what to do in the next line. */
const namesCure = (stderr: string): boolean => /^kubeguard: \S.*\n\S/m.test(stderr)

const isAdopted = (home: TestHome): boolean =>
  readFileSync(home.kubeconfig, 'utf8').includes('kubeguard-credential')

/** Locked, or open where it may be; and locked means that the real kubectl gets nothing. */
async function checkState(
  { home }: Stage,
  operation: Operation,
  { code }: Hit,
  say: (text: string) => void,
): Promise<void> {
  const { sessions } = await statusOf(home)
  const open = sessions
    .filter(({ state }) => state !== 'locked')
    .map(({ policy, state }) => `${policy} ${state}`)
  const isLock = operation.run.endsWith('$KG lock')
  if (open.length > 0 && (operation.opens !== true || (isLock && code === 0))) say(`open: ${open.join(', ')}`)
  if (open.length > 0) return
  if (operation.moves === true) return
  const { code: served } = await home.realKubectl(['get', 'pods'])
  // What a lock could not take out of a kubeconfig it says, and the next one tries again.
  const isSaid = operation.rules !== undefined && code !== 0
  if (served === 0 && !isSaid) say('the real kubectl is served while locked')
}

/** Either the kubeconfig itself has the credential, or the vault gives it for the passphrase. */
async function checkContext(
  home: TestHome,
  context: string,
  policy: string,
  say: (text: string) => void,
): Promise<void> {
  const get = ['--context', context, 'get', 'pods']
  if ((await home.realKubectl(get)).code === 0) return
  const said: string[] = []
  for (const words of [passphrase, newPassphrase]) {
    const run = await home.kubeguard(['unlock', policy, '--passphrase-fd', '3'], { fd3: words })
    if (run.code === 0) break
    said.push(run.stderr.trim())
  }
  const run = await home.realKubectl(get)
  if (run.code !== 0) say(`${context} is lost: ${[...said, run.stderr.trim()].join(' | ')}`)
}

async function lockAll(home: TestHome, say: (text: string) => void): Promise<void> {
  const { code, stderr } = await home.kubeguard(['lock'])
  if (code !== 0) say(`can't be locked: ${stderr.trim()}`)
  const traces = join(home.guardHome, 'state', 'traces')
  const left = existsSync(traces) ? readdirSync(traces) : []
  if (left.length > 0) say(`traces are left: ${left.join(', ')}`)
}

/** A file may go while it is looked for: then all are looked at once more. */
function filesNow(folder: string, secrets: readonly string[]): string[] {
  for (;;) {
    try {
      return filesWith(folder, secrets)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** Nothing in the clear anywhere, but in a kubeconfig whose credentials were on their way. */
function checkClear({ home, secrets }: Stage, operation: Operation, say: (text: string) => void): void {
  const found = filesNow(home.root, secrets).filter(
    (path) => operation.moves !== true || path !== home.kubeconfig,
  )
  if (found.length > 0) say(`in the clear in ${found.map((path) => path.slice(home.root.length)).join(', ')}`)
}
