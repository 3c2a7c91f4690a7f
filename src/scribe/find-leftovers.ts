import type { AdoptedUser } from '../protocol/reports.ts'
import type { LoadedFile } from './load-files.ts'
import type { AdoptionPlan } from './plan-adoption.ts'

/** Shorter strings stand in many innocent places. */
const leastSearched = 8

/**
 * Where the new text of a file still holds a secret that was taken out: in a comment, or at a user that
 * was not to be adopted.
 */
export function leftoverAdvice(
  plan: AdoptionPlan,
  report: AdoptedUser,
  changes: readonly { readonly file: LoadedFile; readonly text: string }[],
): string[] {
  const item = plan.items.find(({ id }) => id === report.credential)
  if (item === undefined) return []
  const { fields } = item.original as { fields: Record<string, unknown> }
  const searched = [
    { what: 'token', secret: item.token },
    { what: 'client key', secret: fields['client-key-data'] },
  ]
  return changes.flatMap(({ file, text }) =>
    searched.flatMap(({ what, secret }) => {
      if (typeof secret !== 'string' || secret.length < leastSearched) return []
      const at = text.indexOf(secret)
      if (at === -1) return []
      const line = text.slice(0, at).split('\n').length
      return [`remove it: line ${line} of ${file.config.path} still holds the ${what}`]
    }),
  )
}
