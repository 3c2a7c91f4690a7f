/** What a service manager tells the process that it starts: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). */
const names = ['LISTEN_PID', 'LISTEN_FDS', 'NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC'] as const

/** Sockets begin here, behind the standard streams (SD_LISTEN_FDS_START). */
const firstDescriptor = 3

/** More than anybody hands over; a number without a limit would be somebody's mistake. */
const mostDescriptors = 16

/** Of an environment what is for a service, to be handed on by a program that becomes another one under the same pid. */
export function serviceEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const told: Record<string, string> = {}
  for (const name of names) {
    const value = environment[name]
    if (value !== undefined) told[name] = value
  }
  return told
}

/** Takes it out of this process's own environment: it is for none of its children. */
export function forgetServiceEnvironment(environment: NodeJS.ProcessEnv): void {
  for (const name of names) delete environment[name]
}

/**
 * The descriptors that were handed to the process `pid`; none where they were meant for another one, whose child this
 * is (LISTEN_PID), or none were.
 */
export function handedDescriptors(environment: NodeJS.ProcessEnv, pid: number): number[] {
  const { LISTEN_PID: meant = '', LISTEN_FDS: count = '' } = environment
  if (meant !== String(pid) || !/^\d{1,4}$/.test(count)) return []
  return Array.from(
    { length: Math.min(Number(count), mostDescriptors) },
    (_, index) => firstDescriptor + index,
  )
}
