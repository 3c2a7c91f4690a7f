import { describePlugin } from '../../domain/exec-plugins.ts'
import { GuardError } from '../../domain/errors.ts'
import { plainText } from '../../domain/plain-text.ts'
import type { RequestOf } from '../../protocol/messages.ts'
import type { WrappedItem } from './identity.ts'

/** A hint that is longer helps nobody in one line. */
const mostHint = 500

/** The cure names the log-in of a plugin that is known. */
export function pluginFailed({ exec }: WrappedItem, message: string, cure?: string): GuardError {
  const { login } = describePlugin(exec)
  const usual =
    login === undefined ? undefined : `if its log-in has ended, run: ${login}; then run the command again`
  const chosen = cure ?? usual
  return new GuardError('plugin-failed', message, chosen === undefined ? {} : { cure: chosen })
}

/** Why there is no answer to read; undefined where there is one. */
export function failureOf(
  item: WrappedItem,
  { outcome, code }: Pick<RequestOf<'keeper.deliver'>, 'outcome' | 'code'>,
): GuardError | undefined {
  const { exec } = item
  const { name, limitMs } = describePlugin(exec)
  switch (outcome) {
    case 'exited':
      return code === 0 ? undefined : pluginFailed(item, `${name} failed with exit code ${code}`)
    case 'killed':
      return pluginFailed(item, `${name} was ended by signal ${code}`)
    case 'late':
      return pluginFailed(
        item,
        `${name} was ended: it took longer than ${Math.round((code || limitMs) / 1000)} s`,
      )
    case 'endless':
      return pluginFailed(item, `${name} was ended: it printed more than a credential can be`)
    case 'missing': {
      const hint = plainText(exec.installHint ?? '', mostHint).trim()
      const cure = hint === '' ? `install ${name}, or put it on PATH` : hint
      return pluginFailed(item, `${name} can’t be found`, cure)
    }
    default:
      return new GuardError('protocol-error', 'unknown outcome')
  }
}
