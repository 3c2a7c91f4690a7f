/** What the two halves of this factor say to each other: JSON, both of the same version of kubeguard. */

export type Question =
  /** How can this person log in? */
  | {
      readonly ask: 'way'
      readonly redirect: readonly string[]
      readonly hasDevice: boolean
      readonly withinMs: number
    }
  /** Send a browser there, and say where it came back to. */
  | { readonly ask: 'browser'; readonly address: string; readonly redirect: string }
  /** Show this to the person. */
  | {
      readonly ask: 'device'
      readonly code: string
      readonly page: string
      readonly whole?: string | undefined
    }

export type Answer =
  | { readonly way: 'browser'; readonly redirect: string }
  | { readonly way: 'device' }
  | { readonly came: string }
  | { readonly shown: true }

export const write = (message: Question | Answer): Buffer => Buffer.from(JSON.stringify(message))

/** @throws SyntaxError: its text could quote an authorization code, so it is not to be shown */
export const readQuestion = (bytes: Buffer): Question => JSON.parse(bytes.toString()) as Question

/** @returns undefined for what is no answer: the client is not to be believed. */
export function readAnswer(
  bytes: Buffer,
): Partial<Record<'way' | 'redirect' | 'came' | 'shown', unknown>> | undefined {
  try {
    const answer: unknown = JSON.parse(bytes.toString())
    return typeof answer === 'object' && answer !== null ? answer : undefined
  } catch {
    return undefined
  }
}
