import type { Answer, Cluster } from '../../../src/cluster-check/cluster.ts'
import { Notes } from '../../../src/cluster-check/report.ts'

export const yes = (text: string): Answer => ({ ok: true, text })

/** RBAC’s own no. */
export const no: Answer = {
  ok: false,
  forbidden: true,
  why: 'Error from server (Forbidden): secrets is forbidden: User "x" cannot list resource "secrets"',
}

/** The port, answered by the first pattern that kubectl’s arguments match; `asked` is what was asked. */
export function cluster(
  script: readonly (readonly [RegExp, Answer])[],
  anonymous: number | Error = 401,
): Cluster & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    kubectl(args) {
      const line = args.join(' ')
      asked.push(line)
      return Promise.resolve(script.find(([pattern]) => pattern.test(line))?.[1] ?? no)
    },
    anonymously: () =>
      anonymous instanceof Error ? Promise.reject(anonymous) : Promise.resolve({ status: anonymous }),
  }
}

/** What pods of kube-system were started with, one set for each. */
export const flags = (...servers: Record<string, string>[]) => ({
  from: 'pods',
  servers: servers.map((each) => new Map(Object.entries(each))),
})

/** What a check has noted, in short. */
export async function noted(check: (notes: Notes) => unknown): Promise<string[]> {
  const notes = new Notes()
  await check(notes)
  const { findings, notSeen } = notes.report({ user: '', server: '', platform: 'server' })
  return [
    ...findings.map(({ rule, severity, place, evidence }) => `${severity} ${rule} ${place}: ${evidence}`),
    ...notSeen.map(({ what, needs }) => `? ${what}: ${needs}`),
  ]
}
