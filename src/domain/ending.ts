import { isSessionKeeper, isShell, readsCommandsFromPerson } from './programs.ts'

/** What must be known of a process before a lock may end it. */
export interface EndingFacts {
  readonly pid: number
  readonly session: number
  /** Device number of the controlling terminal, 0 for none. */
  readonly ttyDevice: number
  readonly program: string
  /** Arguments without argv[0]; undefined where they were not read. */
  readonly args?: readonly string[] | undefined
}

/** What a lock does with a client: ends it, lets its credential run out, leaves it for its time, or covers it. */
export type ClientFate = 'ended' | 'expires' | 'held' | 'suspended'

/**
 * What a lock does with a client that is not held: a holder without a terminal may be left to expire, and so may one that
 * has nothing but a pass, which is worth nothing once its gateway is gone.
 */
export function fateOf(
  client: {
    readonly kind: 'live' | 'holder'
    readonly hasTerminal: boolean
    readonly holdsPass?: boolean | undefined
  },
  endsHolders: boolean,
): Extract<ClientFate, 'ended' | 'expires'> {
  const servesWhoComesBy = client.hasTerminal && client.holdsPass !== true
  return client.kind === 'live' || servesWhoComesBy || endsHolders ? 'ended' : 'expires'
}

/**
 * May a lock end this process? Never an interactive shell, a terminal multiplexer, sshd or what else
 * a log-in hangs on, and never pid 1, whatever tree it is found in. Being a session leader is no
 * excuse by itself: `setsid kubectl port-forward` is one.
 */
export function mayEnd(facts: EndingFacts): boolean {
  return facts.pid > 1 && !isSessionKeeper(facts.program) && !isInteractiveShell(facts)
}

/**
 * A shell that reads commands from a terminal. Where its arguments are not known, one that leads the
 * session of a terminal is taken for it: ending a shell by mistake costs a person their work.
 */
export function isInteractiveShell(facts: EndingFacts): boolean {
  if (!isShell(facts.program) || facts.ttyDevice === 0) return false
  return facts.args === undefined ? facts.pid === facts.session : readsCommandsFromPerson(facts.args)
}
