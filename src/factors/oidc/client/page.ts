const html = (text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>kubeguard</title><p>kubeguard: ${text}</p></html>\n`

/** What the browser shows. Nothing of a log-in is repeated in it. */
export const page = {
  nothingHere: html('there is nothing here'),
  onTheWay: html('on the way to the log-in'),
  takenTwice: html('this link was used already, and not by this window: unlock again'),
  notThisLogIn: html('this is not the answer to the log-in that was begun'),
  refused: html('the provider refused; the terminal says more'),
  done: html('you may close this window; the terminal says whether it worked'),
} as const
