import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

interface ExecUser {
  readonly command: string
  readonly args: readonly string[]
  readonly apiVersion: string
}

/** What an adopted kubeconfig says of a user's plugin. @throws Error where the user has none. */
export function execOf(kubeconfig: string, user: string): ExecUser {
  const { users } = parse(readFileSync(kubeconfig, 'utf8')) as {
    users: { name: string; user: { exec?: ExecUser } }[]
  }
  const found = users.find(({ name }) => name === user)?.user.exec
  if (found === undefined) throw new Error(`${user} has no plugin in ${kubeconfig}`)
  return found
}
