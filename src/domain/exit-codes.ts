/**
 * Every exit code of kubeguard’s own: what it means, and what may be said beside. `docs/errors.md`, `kubeguard --help` and the
 * man page have them from here. Where kubectl or a held job ran, the code is theirs.
 */
export const exitCodes: Readonly<Record<number, readonly [means: string, more?: string]>> = {
  0: ['done', '`kubeguard status`: unlocked'],
  1: [
    'answered with no, or not all is well',
    '`kubeguard audit` or `cluster check` found something at the level of `--fail-on`; `kubeguard doctor` found a problem; a step of `kubeguard lock` failed, or `kubeguard sweep` could not wipe everything; `kubeguard service status`: not whole',
  ],
  64: ['usage'],
  75: [
    'can’t be reached, or a passing trouble',
    'the daemon, or the cluster that is to be checked; trouble such as a full disk',
  ],
  76: ['a lock ended an interactive stream', 'or the time of a covered one was over'],
  77: ['refused because locked, or the unlock failed', '`kubeguard status`: locked'],
  78: ['the policy, the kubeconfig or a vault is unusable'],
  127: ['there is no real kubectl'],
  141: ['the reader of our output went away', '128 + SIGPIPE'],
}
