import { scalarText } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { ClusterEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { ClusterPlace } from '../platform/cluster/cluster-api.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import { readSmallFile } from './read-file.ts'
import { referencedPath } from './read-secrets.ts'

/**
 * The API server that all of these contexts lead to, as client-go would find it: the first definition of a name wins.
 *
 * @returns undefined where they lead to several or to none; over http, by a proxy, or to whoever answers (its certificate
 *   is not checked): no credential of a vault is ever sent there
 */
export function clusterOf(
  files: readonly LoadedFile[],
  contexts: readonly ContextPlace[],
): ClusterPlace | undefined {
  const places = contexts.map((place) => placeOf(files, place))
  const [first] = places
  return places.every((place) => JSON.stringify(place) === JSON.stringify(first)) ? first : undefined
}

function placeOf(files: readonly LoadedFile[], { file, context }: ContextPlace): ClusterPlace | undefined {
  for (const definer of new Set([...files, file])) {
    const entry = definer.config.clusters.find(({ name }) => name === context.cluster)
    if (entry !== undefined) return readPlace(definer, entry)
  }
  return undefined
}

function readPlace({ config }: LoadedFile, entry: ClusterEntry): ClusterPlace | undefined {
  const text = (field: string): string => scalarText(entry.fields.get(field))
  const server = text('server')
  if (!isPlainHttps(server) || text('proxy-url') !== '') return undefined
  if (!['', 'false'].includes(text('insecure-skip-tls-verify'))) return undefined
  const [data, file, serverName] = [
    text('certificate-authority-data'),
    text('certificate-authority'),
    text('tls-server-name'),
  ]
  const ca =
    data !== ''
      ? Buffer.from(data, 'base64').toString()
      : file === ''
        ? undefined
        : readSmallFile(referencedPath(config.path, file))
  // A file that can't be read must not mean that anybody's certificate will do.
  if (ca === undefined && file !== '') return undefined
  return { server, ...(ca !== undefined && { ca }), ...(serverName !== '' && { serverName }) }
}

function isPlainHttps(server: string): boolean {
  if (!URL.canParse(server)) return false
  const { protocol, username, password, search, hash } = new URL(server)
  return protocol === 'https:' && `${username}${password}${search}${hash}` === ''
}
