import { readApiRequest } from './api-request.ts'
import { plainText } from './plain-text.ts'

/** What the journal of requests says that a call was about. Nothing of its body, and nothing of its query. */
export interface ApiCall {
  readonly verb: string
  /** With its subresource; of a path that is no resource's its first two parts: `/openapi/v3`. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
  /** It changes something, or opens a stream: each one is said by itself. */
  readonly isChange: boolean
}

const mostCharacters = 200
const readVerbs = new Set(['get', 'list', 'watch', 'head', 'options'])

/** @param target at the API server; one that could be read in two ways has no parts but its first two */
export function describeCall(method: string, target: string, isUpgrade: boolean): ApiCall {
  const about = readApiRequest(method, target)
  const [path = ''] = target.split('?')
  const verb = about?.verb ?? method.toLowerCase()
  const start = `/${path.split('/').slice(1, 3).join('/')}`
  return {
    verb: plainText(verb, mostCharacters),
    resource: plainText(
      about === undefined || about.resource === '' ? start : about.resource,
      mostCharacters,
    ),
    namespace: plainText(about?.namespace ?? '', mostCharacters),
    name: plainText(about?.name ?? '', mostCharacters),
    isChange: isUpgrade || !readVerbs.has(verb),
  }
}
