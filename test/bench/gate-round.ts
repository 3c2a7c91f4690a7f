/** Gate checks of one timed round: enough that the pipe to the client's process does not count. */
export const checksPerRound = 500
