/** A trace is named by its policy and what tells sessions of that policy apart; no policy's name has the mark between. */
export const traceId = (policy: string, session: string): string => `${policy}~${session}`

export const policyOfTrace = (id: string): string => id.split('~')[0] ?? ''
