/**
 * Every way kubeguard refuses or fails. A code is never reused and never matched by its prose;
 * `docs/errors.md` lists the same codes, and a test compares the two.
 */
export const errorCatalogue = {
  'locked': { exitCode: 77, cure: 'run: kubeguard unlock' },
  'unlock-cancelled': { exitCode: 77, cure: 'run: kubeguard unlock' },
  'unlock-superseded': { exitCode: 77, cure: 'run: kubeguard unlock again' },
  'unlock-delayed': { exitCode: 77, cure: 'wait, then run: kubeguard unlock' },
  'locked-out': {
    exitCode: 77,
    cure: 'wait, then run: kubeguard unlock; with a recovery key at once: kubeguard unlock --recovery',
  },
  'cannot-ask-here': { exitCode: 77, cure: 'run: kubeguard unlock' },
  'wrong-passphrase': {
    exitCode: 77,
    cure: 'try again; forgotten, it is replaced by a recovery key (kubeguard passwd --recovery), or else: kubeguard reset POLICY',
  },
  'wrong-recovery-key': {
    exitCode: 77,
    cure: 'look at what was shown when it was made: it begins with AGE-SECRET-KEY-1',
  },
  'recovery-missing': {
    exitCode: 78,
    cure: 'make one while the passphrase is known: kubeguard passwd --recovery-key',
  },
  'provider-unreachable': {
    exitCode: 75,
    cure: 'check the network, and oidc.issuer in the policy file; then run: kubeguard unlock',
  },
  'provider-refused': { exitCode: 77, cure: 'run: kubeguard unlock again' },
  'role-not-offered': { exitCode: 64, cure: 'run: kubeguard policy show' },
  'cluster-unreachable': {
    exitCode: 75,
    cure: 'check the network; then try: kubectl get --raw /version',
  },
  'cluster-refused': {
    exitCode: 77,
    cure: 'have a cluster administrator apply what this prints: kubeguard cluster setup',
  },
  'cluster-unknown': {
    exitCode: 78,
    cure: 'let all of its contexts lead to one server, by https, with its certificate checked and no proxy-url; then run: kubeguard eject, and kubeguard adopt',
  },
  'ssh-agent-refused': {
    exitCode: 77,
    cure: 'look at what it holds, and at what the policy lists: ssh-add -L, kubeguard policy show',
  },
  'vault-missing': { exitCode: 78, cure: 'run: kubeguard init' },
  'vault-damaged': {
    exitCode: 78,
    cure: 'restore the vault’s folder from a backup; without one, move it away, run kubeguard init and fetch its credentials anew',
  },
  'vault-newer': { exitCode: 78, cure: 'update kubeguard to the version that wrote it' },
  'vault-busy': { exitCode: 75, cure: 'another kubeguard command is at work on the vaults; try again' },
  'recipient-changed': {
    exitCode: 78,
    cure: 'rotate what was adopted since, remove the vault’s file “recipient”, then run: kubeguard unlock',
  },
  'disk-full': { exitCode: 75, cure: 'make room on the disk, then try again' },
  'policy-invalid': { exitCode: 78, cure: 'run: kubeguard policy check' },
  'policy-unknown': { exitCode: 64, cure: 'run: kubeguard policy show' },
  'kubeconfig-invalid': { exitCode: 78, cure: 'mend the file, then try again' },
  'kubeconfig-busy': { exitCode: 75, cure: 'another program holds the lock file; try again' },
  'credential-unknown': { exitCode: 78, cure: 'run: kubeguard adopt' },
  'credential-expired': {
    exitCode: 78,
    cure: 'fetch a new one for this kubeconfig user, then run: kubeguard adopt',
  },
  'gateway-down': { exitCode: 75, cure: 'run: kubeguard lock, then: kubeguard unlock' },
  'gateway-needed': { exitCode: 78, cure: 'run: kubeguard adopt' },
  'plugin-failed': {
    exitCode: 78,
    cure: 'see what it said, mend that, then run the command again',
  },
  'holder-refused': { exitCode: 77, cure: 'run the client from a shell, not detached from one' },
  'live-ended': { exitCode: 76, cure: 'run: kubeguard unlock' },
  'no-person': {
    exitCode: 77,
    cure: 'type it yourself, at a terminal, in the foreground; on a terminal just opened wait some seconds first',
  },
  'no-terminal': { exitCode: 77, cure: 'run it at a terminal' },
  'hold-refused': { exitCode: 77, cure: 'run: kubeguard policy show' },
  'client-unknown': { exitCode: 64, cure: 'run: kubeguard ps' },
  'program-missing': { exitCode: 127, cure: 'install it, or put it on PATH' },
  'daemon-unreachable': { exitCode: 75, cure: 'run: kubeguard doctor' },
  'daemon-replaced': { exitCode: 75, cure: 'run the command again' },
  'service-unavailable': {
    exitCode: 75,
    cure: 'nothing has to be done: without a service the daemon starts at first use',
  },
  'service-changed': { exitCode: 78, cure: 'run: kubeguard service install --replace' },
  'version-mismatch': { exitCode: 75, cure: 'run: kubeguard daemon restart' },
  'protocol-error': { exitCode: 75, cure: 'run: kubeguard doctor' },
  'place-unsafe': { exitCode: 78, cure: 'make the folder yours alone: chmod 700 it, and check who owns it' },
  'ticket-refused': { exitCode: 77, cure: 'run the command again' },
  'journal-damaged': {
    exitCode: 78,
    cure: 'keep a copy of journal.db, and compare its head with what you noted; then run: kubeguard doctor',
  },
  'cancelled': { exitCode: 1, cure: 'nothing was changed; run the command again when you want it' },
  'usage': { exitCode: 64, cure: 'run: kubeguard --help' },
  'internal': { exitCode: 75, cure: 'run: kubeguard doctor' },
} as const satisfies Record<string, { exitCode: number; cure: string }>

export type ErrorCode = keyof typeof errorCatalogue

/** A failure that the user sees: what went wrong in `message`, how to go on in `cure`. */
export class GuardError extends Error {
  override readonly name = 'GuardError'
  readonly code: ErrorCode
  readonly cure: string

  constructor(code: ErrorCode, message: string, options: { cure?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.cure = options.cure ?? errorCatalogue[code].cure
  }

  get exitCode(): number {
    return errorCatalogue[this.code].exitCode
  }
}
