import { dirname, resolve } from 'node:path'
import type { WrappedExec } from '../domain/exec-plugins.ts'
import { fieldText } from '../platform/kubeconfig/classify-user.ts'
import { invalidAt } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { readSmallFile } from './read-file.ts'

/** What a user proves itself with. */
export interface Secrets {
  /** The exec plugin that gives the token, and maybe a certificate. */
  readonly exec?: WrappedExec
  readonly token?: string
  /** PEM. */
  readonly clientCertificateData?: string
  /** PEM. */
  readonly clientKeyData?: string
  /** Files that a secret was read from; they keep holding it. */
  readonly sources: readonly { readonly path: string; readonly holds: 'token' | 'client key' }[]
}

export type SecretsFound = { readonly secrets: Secrets } | { readonly problem: string }

/**
 * Collects a user's secrets as client-go would use them: a token file wins over a token while it can be
 * read, inline data wins over a file (client-go, rest/config.go and tools/clientcmd/client_config.go).
 *
 * @returns a problem when they are not whole: such a user is left as it is
 * @throws GuardError kubeconfig-invalid
 */
export function readSecrets(config: Kubeconfig, user: UserEntry): SecretsFound {
  const token = readToken(config, user)
  const certificate = readPem(config, user, 'client-certificate')
  const key = readPem(config, user, 'client-key')
  const problem = [token, certificate, key].find((part) => part?.problem !== undefined)?.problem
  if (problem !== undefined) return { problem }
  if ((certificate === undefined) !== (key === undefined)) {
    return {
      problem:
        key === undefined ? 'a client certificate without its key' : 'a client key without its certificate',
    }
  }
  const sources = [
    ...(token?.path === undefined ? [] : [{ path: token.path, holds: 'token' as const }]),
    ...(key?.path === undefined ? [] : [{ path: key.path, holds: 'client key' as const }]),
  ]
  return {
    secrets: {
      ...(token?.text !== undefined && { token: token.text }),
      ...(certificate?.text !== undefined && { clientCertificateData: certificate.text }),
      ...(key?.text !== undefined && { clientKeyData: key.text }),
      sources,
    },
  }
}

interface Part {
  readonly text?: string
  /** The file it was read from. */
  readonly path?: string
  readonly problem?: string
}

function readToken(config: Kubeconfig, user: UserEntry): Part | undefined {
  const inline = fieldText(config, user, 'token')
  const named = fieldText(config, user, 'tokenFile')
  if (named === undefined || named === '')
    return inline === undefined || inline === '' ? undefined : { text: inline }
  const file = readReferenced(config, named)
  if (file.text !== undefined && file.text.trim() !== '') return { ...file, text: file.text.trim() }
  if (inline !== undefined && inline !== '') return { text: inline }
  return { problem: file.problem ?? `${named} is empty` }
}

function readPem(
  config: Kubeconfig,
  user: UserEntry,
  field: 'client-certificate' | 'client-key',
): Part | undefined {
  const data = fieldText(config, user, `${field}-data`)
  if (data !== undefined && data !== '') return { text: decodeBase64(config, user, `${field}-data`, data) }
  const named = fieldText(config, user, field)
  return named === undefined || named === '' ? undefined : readReferenced(config, named)
}

/** As strict as Go's decoder, which skips line ends and nothing else. */
function decodeBase64(config: Kubeconfig, user: UserEntry, field: string, data: string): string {
  const text = data.replaceAll(/[\r\n]/g, '')
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text))
    return Buffer.from(text, 'base64').toString()
  throw invalidAt(config, user.fields.get(field)?.offset ?? user.offset, `${field} is not base64`)
}

/** Paths are relative to the folder of the kubeconfig that names them. */
export function referencedPath(kubeconfig: string, named: string): string {
  return resolve(dirname(kubeconfig), named)
}

function readReferenced(config: Kubeconfig, named: string): Part {
  const path = referencedPath(config.path, named)
  const text = readSmallFile(path)
  return text === undefined ? { problem: `${path} can’t be read` } : { text, path }
}
