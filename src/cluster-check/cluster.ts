/** What a kubectl has answered. */
export type Answer = { readonly ok: true; readonly text: string } | Refusal

interface Refusal {
  readonly ok: false
  /** RBAC, or an admission policy, said no. */
  readonly forbidden: boolean
  /** kubectl’s last line. */
  readonly why: string
}

/** What it would take to see this: the right, or whatever else was in the way. */
export const needed = ({ forbidden, why }: Refusal, right: string): string =>
  forbidden ? right : `an answer: ${why}`

/** Who asks without any credential is answered so. */
export interface AnonymousAnswer {
  readonly status: number
}

/** The way to the API server: a kubectl with the person’s own rights, and one question without any. */
export interface Cluster {
  /** Runs kubectl with these arguments, and this as its standard input. */
  kubectl(args: readonly string[], input?: string): Promise<Answer>
  /** GET without a credential. @throws Error where the server can’t be reached so */
  anonymously(path: string): Promise<AnonymousAnswer>
}

/** Whom the API server takes us for: a SelfSubjectReview. */
export interface Whoami {
  readonly username: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** @returns whose credential it is; undefined where an API server before 1.26 does not say. */
export async function whoami(cluster: Cluster): Promise<Whoami | undefined> {
  const answer = await cluster.kubectl(['auth', 'whoami', '-o', 'json'])
  if (!answer.ok) return undefined
  const { status } = parsed<{ status?: { userInfo?: Partial<Whoami> } }>(answer.text) ?? {}
  const { username = '', groups = [], extra = {} } = status?.userInfo ?? {}
  return { username, groups, extra }
}

/** @returns undefined for what is no JSON. */
export function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}
