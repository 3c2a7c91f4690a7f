import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { node, repository, until } from '../fixtures/terminal.ts'
import type { Bench } from './bench-home.ts'
import type { ClientProcess } from './client-process.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

/** What takes longer the larger the kubeconfigs are. */

const claims = Buffer.from(JSON.stringify({ iss: 'https://idp', exp: 4_000_000_000 })).toString('base64url')
const certificate = Buffer.alloc(1500, 'certificate').toString('base64')

function kubeconfigText(users: number, from = 0): string {
  const each = (line: (at: number) => string): string =>
    Array.from({ length: users }, (_, at) => line(from + at)).join('')
  return [
    'apiVersion: v1\nkind: Config\nclusters:\n',
    each(
      (at) =>
        `- name: c${at}\n  cluster:\n    server: https://h${at}.example\n    certificate-authority-data: ${certificate}\n`,
    ),
    'contexts:\n',
    each((at) => `- name: x${at}\n  context: {cluster: c${at}, user: u${at}}\n`),
    'users:\n',
    each((at) => `- name: u${at}\n  user:\n    token: aGVhZA.${claims}.${'s'.repeat(340)}${at}\n`),
  ].join('')
}

/** 200 kubeconfigs with 2,000 users, over what the same command takes for none. */
export async function auditFigure({ home }: Bench, clients: ClientProcess): Promise<Figure> {
  const folder = join(home.root, 'many')
  mkdirSync(folder)
  const files = Array.from({ length: 200 }, (_, at) => join(folder, `config-${at}`))
  files.forEach((file, at) => writeFileSync(file, kubeconfigText(10, at * 10), { mode: 0o600 }))
  const empty = join(folder, 'empty')
  writeFileSync(empty, 'apiVersion: v1\n', { mode: 0o600 })
  const audit = (paths: readonly string[]) => ({
    file: join(repository, 'bin', 'kubeguard'),
    args: ['audit', '--fail-on', 'never', '--json', ...paths.flatMap((path) => ['--kubeconfig', path])],
    env: home.env,
  })
  const { a, b, rounds } = await compare(
    () => clients.time(audit(files)),
    () => clients.time(audit([empty])),
    { rounds: 10, warmUp: 1 },
  )
  const baseline = { name: 'the same of an empty kubeconfig', value: b, unit: 'ms' }
  const name = 'audit of 200 kubeconfigs with 2,000 users'
  return { name, value: a - b, unit: 'ms more', baseline, target: 1000, better: 'at most', rounds }
}

/** 5 MB, from the command to its answer; the file is written anew before each. */
export async function adoptFigure({ home }: Bench, clients: ClientProcess): Promise<Figure> {
  const text = kubeconfigText(1900)
  let count = 0
  const { a, b, rounds } = await compare(
    () => {
      // One that was adopted before has been noted before, which saves time.
      const file = join(home.root, `large-${(count += 1)}`)
      writeFileSync(file, text, { mode: 0o600 })
      const args = ['adopt', '--yes', '--json', '--kubeconfig', file]
      return clients.time({ file: join(repository, 'bin', 'kubeguard'), args, env: home.env })
    },
    () => clients.time({ file: node, args: ['-e', '0'], env: home.env }),
    { rounds: 5, warmUp: 1 },
  )
  const baseline = { name: 'node -e 0', value: b, unit: 'ms' }
  const name = `adopting a kubeconfig of ${Math.round(text.length / 1e6)} MB with 1,900 users`
  return { name, value: a, unit: 'ms', baseline, target: 2000, better: 'at most', rounds }
}

/** From the moment that another program has written a token to the moment that it is out of the file. */
export async function absorbFigure({ home }: Bench, clients: ClientProcess): Promise<Figure> {
  let count = 0
  const { a, b, rounds } = await compare(
    async () => {
      count += 1
      const token = `token-number-${count}`
      const entry = `users:\n  - name: absorbed-${count}\n    user:\n      token: ${token}\n`
      writeFileSync(home.kubeconfig, readFileSync(home.kubeconfig, 'utf8').replace('users:\n', entry))
      const writtenAt = performance.now()
      await until('a sealed token', () => !readFileSync(home.kubeconfig, 'utf8').includes(token))
      return performance.now() - writtenAt
    },
    () => clients.time({ file: node, args: ['-e', '0'], env: home.env }),
    { rounds: 10, warmUp: 1 },
  )
  const baseline = { name: 'node -e 0', value: b, unit: 'ms' }
  const name = 'a token of another program sealed'
  return { name, value: a, unit: 'ms', baseline, target: 1000, better: 'at most', rounds }
}
