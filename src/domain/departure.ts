/** Signs that the person leaves; `lockOn` in a policy says which of them lock. In the order in which they are shown. */
export const departures = ['suspend', 'screen-lock', 'logout', 'disconnect'] as const

/**
 * - `suspend`: the machine goes to sleep, or has slept;
 * - `screen-lock`: the desktop's screen is locked;
 * - `logout`: the account's last log-in session ends;
 * - `disconnect`: the ssh terminal at which the session was unlocked is gone.
 */
export type Departure = (typeof departures)[number]

export const isDeparture = (value: unknown): value is Departure =>
  (departures as readonly unknown[]).includes(value)

/** All that any of these lists names, in the usual order. */
export function allDepartures(lists: readonly (readonly Departure[])[]): readonly Departure[] {
  return departures.filter((departure) => lists.some((list) => list.includes(departure)))
}
