import { GuardError } from '../../../domain/errors.ts'

const signals = ['SIGINT', 'SIGQUIT'] as const

/** A wait that a person can end with Ctrl-C: then it is a no, and those who wait for the answer hear it. */
export interface Cancellable {
  /** @throws GuardError unlock-cancelled */
  race<Value>(work: Promise<Value>): Promise<Value>
  end(): void
}

export function cancellable(): Cancellable {
  const cancelled = Promise.withResolvers<never>()
  cancelled.promise.catch(() => {})
  const cancel = (): void => cancelled.reject(new GuardError('unlock-cancelled', 'cancelled'))
  for (const signal of signals) process.on(signal, cancel)
  return {
    race: (work) => Promise.race([work, cancelled.promise]),
    end() {
      for (const signal of signals) process.off(signal, cancel)
    },
  }
}
