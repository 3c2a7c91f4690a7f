import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { classify } from '../../../src/domain/command.ts'
import type { Command } from '../../../src/domain/command.ts'
import { kubectl } from '../../fixtures/tools.ts'
import { hold } from '../target.ts'
import type { Target } from '../target.ts'
import { Recorder } from './recorder.ts'
import type { Seen } from './recorder.ts'
import { line, wordsOf } from './words.ts'
import type { Flag, Line } from './words.ts'

/** By then it has asked for what it wants; what runs on is ended. */
const patienceMs = 4_000

interface Place {
  readonly cluster: string
  readonly user: string
}

/** The contexts of the two files, and where their words lead. */
const contexts: Readonly<Record<'USUAL' | 'OTHER', Readonly<Record<string, Place>>>> = {
  USUAL: { a: { cluster: 'ca', user: 'ua' }, b: { cluster: 'cb', user: 'ub' } },
  OTHER: { a: { cluster: 'cb', user: 'ua' }, b: { cluster: 'ca', user: 'ub' } },
}

class Ring {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kg-fuzz-argv-'))
  readonly recorder = new Recorder()
  readonly #flags = new Map<string, readonly Flag[]>()
  #runs = 0

  /** The real kubectl's own list of what a verb knows. */
  async flagsOf(verb: string): Promise<readonly Flag[]> {
    const known = this.#flags.get(verb)
    if (known !== undefined) return known
    const { stdout } = await this.#kubectl('help', [...verb.split(' '), '--help'])
    const flags = [...stdout.matchAll(/^ {4}(?:-(\w), )?--([\w-]+)=(.*):$/gm)].map(
      ([, letter, name = '', value = '']) => ({
        name,
        letter,
        isSwitch: ['true', 'false'].includes(value) || ['dry-run', 'cascade', 'validate'].includes(name),
      }),
    )
    this.#flags.set(verb, flags)
    return flags
  }

  /** Runs it with two kubeconfigs of its own. */
  async run(
    one: Line,
  ): Promise<{ words: string[]; command: ReturnType<typeof classify>; seen: readonly Seen[] }> {
    this.#runs += 1
    const run = `r${this.#runs}`
    const folder = join(this.#folder, run)
    const fill = (word: string): string =>
      word
        .replace('OTHER', join(folder, 'OTHER'))
        .replace('MISSING', join(folder, 'nothing'))
        .replace('ALT', this.recorder.address('alt'))
    const words = wordsOf(one, await this.flagsOf(one.aim.verb)).map(fill)
    mkdirSync(folder)
    for (const [file, entries] of Object.entries(contexts))
      writeFileSync(join(folder, file), this.#kubeconfig(entries))
    await this.#kubectl(run, words)
    const seen = this.recorder.take()
    rmSync(folder, { recursive: true, force: true })
    const command = classify(['kubectl', ...words])
    return { words, command: { ...command, kubeconfig: command.kubeconfig?.replace(`${folder}/`, '') }, seen }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recorder.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #kubeconfig(entries: Readonly<Record<string, Place>>): string {
    return JSON.stringify({
      'apiVersion': 'v1',
      'kind': 'Config',
      'current-context': 'a',
      'contexts': Object.entries(entries).map(([name, context]) => ({ name, context })),
      'clusters': ['ca', 'cb'].map((name) => ({
        name,
        cluster: { 'server': this.recorder.address(name), 'insecure-skip-tls-verify': true },
      })),
      'users': ['ua', 'ub'].map((name) => ({ name, user: { token: `token-${name}` } })),
    })
  }

  /** No plugin is found, and no editor; what it writes goes away with its folder. */
  #kubectl(run: string, words: readonly string[]): Promise<{ stdout: string }> {
    const folder = run === 'help' ? this.#folder : join(this.#folder, run)
    const env = {
      HOME: folder,
      PATH: join(folder, 'empty'),
      KUBECONFIG: join(folder, 'USUAL'),
      KUBECTL_EXPLAIN_OPENAPIV3: 'false',
    }
    const { promise, resolve, reject } = Promise.withResolvers<{ stdout: string }>()
    const child = spawn(kubectl(), [...words], {
      env,
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    const out: Buffer[] = []
    const timer = setTimeout(() => child.kill('SIGKILL'), run === 'help' ? 60_000 : patienceMs)
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(timer)
      resolve({ stdout: Buffer.concat(out).toString() })
    })
    return promise
  }
}

/** Where kubectl goes with what we have read out of its words; empty where that leads nowhere. */
function placeOf({ kubeconfig, context, user, cluster, server }: Command, recorder: Recorder): Place {
  const file = kubeconfig === undefined || kubeconfig === '' ? 'USUAL' : kubeconfig
  const entries = file === 'USUAL' || file === 'OTHER' ? contexts[file] : undefined
  const found = entries?.[context === undefined || context === '' ? 'a' : context]
  const at = server === undefined || server === '' ? undefined : recorder.clusterAt(server)
  const named = (given: string | undefined, otherwise: string | undefined): string | undefined =>
    given === undefined || given === '' ? otherwise : given
  return { cluster: at ?? named(cluster, found?.cluster) ?? '', user: named(user, found?.user) ?? '' }
}

function assertAgrees(
  words: readonly string[],
  command: ReturnType<typeof classify>,
  seen: readonly Seen[],
  recorder: Recorder,
): void {
  const about = `kubectl ${words.map((word) => JSON.stringify(word)).join(' ')}: ${command.verbClass}`
  if (command.verbClass === 'local') assert.deepEqual(seen, [], `${about}, but it asks a server`)
  const isWatched = command.verbClass !== 'unary' || seen.every(({ streams }) => !streams)
  assert.ok(isWatched, `${about}, but it streams`)
  const place = placeOf(command, recorder)
  for (const { cluster, token } of seen) {
    assert.equal(cluster, place.cluster, `${about}: it goes to another cluster`)
    if (token?.startsWith('token-')) assert.equal(token, `token-${place.user}`, `${about}: as another user`)
    else assert.ok(command.token || token === undefined, `${about}: with a token that was not seen`)
  }
}

export const argv: Target = {
  name: 'argv',
  about:
    'command lines of kubectl’s own verbs and flags: what we read out of them, and what the real kubectl then asks for',
  shortRuns: 8,
  async run(effort) {
    await using ring = new Ring()
    await ring.recorder.listen(['ca', 'cb', 'alt'])
    const counts: Record<string, number> = { lines: 0, asking: 0, streaming: 0 }
    const property = fc.asyncProperty(line, async (one) => {
      const { words, command, seen } = await ring.run(one)
      counts['lines'] = (counts['lines'] ?? 0) + 1
      if (seen.length > 0) counts['asking'] = (counts['asking'] ?? 0) + 1
      if (seen.some(({ streams }) => streams)) counts['streaming'] = (counts['streaming'] ?? 0) + 1
      counts[command.verbClass] = (counts[command.verbClass] ?? 0) + 1
      assertAgrees(words, command, seen, ring.recorder)
    })
    await hold(property, effort)
    return counts
  },
}
