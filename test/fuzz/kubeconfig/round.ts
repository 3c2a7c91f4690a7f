import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GuardError } from '../../../src/domain/errors.ts'
import { secretFields } from '../../../src/platform/kubeconfig/classify-user.ts'
import { editKubeconfig } from '../../../src/platform/kubeconfig/edit-kubeconfig.ts'
import type { Edit } from '../../../src/platform/kubeconfig/edit-kubeconfig.ts'
import { maskSecrets } from '../../../src/platform/kubeconfig/mask-secrets.ts'
import { outlineOf } from '../../../src/platform/kubeconfig/outline-kubeconfig.ts'
import { parseKubeconfig, startOf } from '../../../src/platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from '../../../src/platform/kubeconfig/parse-kubeconfig.ts'
import { readKubeconfig } from '../../../src/platform/kubeconfig/read-kubeconfig.ts'
import { replaceKubeconfig } from '../../../src/platform/kubeconfig/replace-kubeconfig.ts'
import { kubectl } from '../../fixtures/tools.ts'

/** Parse, edit and write of one text, in a folder of its own. */
export class Fuzzer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kg-fuzz-'))
  readonly #file = join(this.#folder, 'config')
  readonly counts = { texts: 0, refused: 0, edited: 0, compared: 0 }

  /**
   * @param asKubectl compare with the real one, which takes some 60 ms a look
   * @throws AssertionError where a promise is broken
   */
  async round(text: string, asKubectl: boolean): Promise<void> {
    this.counts.texts += 1
    writeFileSync(this.#file, text, { mode: 0o640 })
    const before = readFileSync(this.#file)
    const config = await this.#read()
    if (config !== undefined) await this.#edit(config, asKubectl)
    else assert.deepEqual(readFileSync(this.#file), before, 'a file that was refused has changed')
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** @returns undefined where it is refused as it should be: with file, line and column */
  async #read(): Promise<Kubeconfig | undefined> {
    const config = refusable(this.#file, (await readKubeconfig(this.#file))?.text ?? '')
    if (config === undefined) this.counts.refused += 1
    return config
  }

  async #edit(config: Kubeconfig, asKubectl: boolean): Promise<void> {
    const user = config.users.find(({ fields }) => secretFields.some((name) => fields.has(name)))
    if (user === undefined) return
    const remove = secretFields.filter((name) => user.fields.has(name))
    const text = this.#tryEdit(config, { edit: 'fields', user, remove, add: { exec } })
    if (text === undefined) return
    this.counts.edited += 1
    assertUntouched(config, user, remove, text)
    const view = asKubectl ? this.#view() : undefined
    const snapshot = await readKubeconfig(this.#file)
    assert.ok(snapshot !== undefined && (await replaceKubeconfig(snapshot, text)))
    assert.equal(readFileSync(this.#file, 'utf8'), text)
    assert.equal(statSync(this.#file).mode & 0o777, 0o640)
    if (view !== undefined) this.#compare(view, config, user, remove)
  }

  #tryEdit(config: Kubeconfig, edit: Edit): string | undefined {
    try {
      return editKubeconfig(config, [edit])
    } catch (error) {
      assertRefusal(this.#file, error)
      return undefined
    }
  }

  #compare(before: View, config: Kubeconfig, user: UserEntry, remove: readonly string[]): void {
    this.counts.compared += 1
    assert.deepEqual(
      config.users.map(({ name }) => name).toSorted(),
      before.users.map(({ name }) => name).toSorted(),
    )
    const after = this.#view()
    assert.ok(after !== undefined, 'kubectl refuses what it took before')
    const expected = before.users.map((one) => {
      if (one.name !== user.name) return one
      const kept = Object.entries(one.user ?? {}).filter(
        ([field]) => !(remove as readonly string[]).includes(field),
      )
      return { name: one.name, user: { ...Object.fromEntries(kept), exec: viewedExec } }
    })
    assert.deepEqual(after, { ...before, users: expected })
  }

  /** @returns undefined where kubectl refuses the file */
  #view(): View | undefined {
    const run = spawnSync(kubectl(), ['config', 'view', '--raw', '-o', 'json'], {
      env: { KUBECONFIG: this.#file, HOME: this.#folder },
      encoding: 'utf8',
    })
    if (run.status !== 0) return undefined
    const view = JSON.parse(run.stdout) as { users: View['users'] | null }
    return { ...view, users: view.users ?? [] }
  }
}

interface View {
  readonly users: readonly { readonly name: string; readonly user?: Record<string, unknown> }[]
}

const exec = {
  apiVersion: 'client.authentication.k8s.io/v1',
  command: '/x/kubeguard-credential',
  args: ['--policy', 'p', '--credential', 'p.a-1'],
  interactiveMode: 'IfAvailable',
  provideClusterInfo: false,
}
const viewedExec = { ...exec, env: null }

function refusable(path: string, text: string): Kubeconfig | undefined {
  try {
    const config = parseKubeconfig(path, text)
    outlineOf(config, path)
    maskSecrets(config)
    return config
  } catch (error) {
    assertRefusal(path, error)
    return undefined
  }
}

function assertRefusal(path: string, error: unknown): void {
  if (!(error instanceof GuardError)) throw error
  assert.equal(error.code, 'kubeconfig-invalid')
  assert.match(error.message.slice(path.length), /^:\d+:\d+: /)
}

/** All that stands before the first line of what was taken out, and after its last line, is there byte for byte. */
function assertUntouched(config: Kubeconfig, user: UserEntry, remove: readonly string[], text: string): void {
  const fields = remove.map((name) => user.fields.get(name)).filter((field) => field !== undefined)
  const from = config.text.lastIndexOf('\n', Math.min(...fields.map(({ offset }) => offset)) - 1) + 1
  const end = Math.max(...fields.map(({ node }) => node.range?.[2] ?? startOf(node)))
  const lineEnd = config.text.indexOf('\n', Math.max(0, end - 1))
  const head = config.text.slice(0, from)
  const tail = lineEnd === -1 ? '' : config.text.slice(lineEnd)
  assert.ok(text.startsWith(head), 'what stands before has changed')
  assert.ok(text.endsWith(tail), 'what stands behind has changed')
}
