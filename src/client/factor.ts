/** What a factor's half at the client knows of the attempt. */
export interface Meeting {
  readonly policy: string
  /** A client met a lock: the strict rules of asking, not a person's wish. */
  readonly forClient: boolean
  /** One line for the person, on standard error. */
  say(line: string): void
}

/** One attempt's half at the client: it answers the keeper's half of the same factor. */
export interface ClientAnswers {
  /** @throws GuardError cannot-ask-here, unlock-cancelled, or why there is no answer */
  answer(question: Buffer): Promise<Buffer>
  /** Whatever came of the attempt: lets go of what was held for it. */
  end(): void
}

/** A factor's half at the client. What it answers goes to the keeper alone. */
export interface ClientFactor {
  meet(meeting: Meeting): ClientAnswers
}
