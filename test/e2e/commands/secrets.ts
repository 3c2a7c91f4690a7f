import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { good } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'

interface Users {
  readonly users: readonly { name: string; user: Record<string, string> }[]
}

const secretFields = ['token', 'password', 'client-key-data'] as const

/** What must be kept secret of a kubeconfig: each token and key, a key also as the text that base64 hides. */
export function secretsOf(kubeconfig: string): string[] {
  const { users } = parse(readFileSync(kubeconfig, 'utf8')) as Users
  const found = users.flatMap(({ user }) => secretFields.flatMap((field) => user[field] ?? []))
  const decoded = found.map((secret) => Buffer.from(secret, 'base64').toString())
  return [...found, ...decoded.filter((text) => text.includes('PRIVATE KEY'))]
}

/** @returns the files below a folder that hold one of these secrets: backups and temporary files too. */
export function filesWith(folder: string, secrets: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .filter((path) => {
      const content = readFileSync(path)
      return secrets.some((secret) => content.includes(secret))
    })
}

/** @returns what kubectl understands of a kubeconfig, secrets included. */
export async function viewOf(home: TestHome, kubeconfig: string): Promise<unknown> {
  const args = ['--kubeconfig', kubeconfig, 'config', 'view', '--raw', '-o', 'json']
  return JSON.parse(good(await home.realKubectl(args)).stdout) as unknown
}
