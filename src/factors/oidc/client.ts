import type { ClientAnswers, ClientFactor, Meeting } from '../../client/factor.ts'
import { assertMayAsk } from '../../client/prompt-passphrase.ts'
import { GuardError } from '../../domain/errors.ts'
import { plainText } from '../../domain/plain-text.ts'
import { openBrowser, findBrowser } from './client/browser.ts'
import { cancellable } from './client/cancellable.ts'
import { listenFor } from './client/redirect.ts'
import type { Redirect } from './client/redirect.ts'
import { logInWords } from './settings.ts'
import { readQuestion, write } from './settings/dialogue.ts'
import type { Answer, Question } from './settings/dialogue.ts'

/** Sends a person's browser to the provider, or shows a code; it sees no token. */
export const oidcClient: ClientFactor = { meet: (meeting) => new LogIn(meeting) }

type Of<Ask extends Question['ask']> = Extract<Question, { ask: Ask }>

class LogIn implements ClientAnswers {
  readonly #meeting: Meeting
  readonly #cancel = cancellable()
  #redirect: Redirect | undefined
  #withinMs = 0

  constructor(meeting: Meeting) {
    this.#meeting = meeting
  }

  async answer(question: Buffer): Promise<Buffer> {
    return write(await this.#cancel.race(this.#answerTo(readQuestion(question))))
  }

  end(): void {
    this.#redirect?.close()
    this.#cancel.end()
  }

  #answerTo(question: Question): Promise<Answer> {
    switch (question.ask) {
      case 'way':
        return this.#chooseWay(question)
      case 'browser':
        return this.#sendBrowser(question)
      case 'device':
        return this.#showCode(question)
    }
  }

  /** The rules of asking hold for a browser as well: what polls opens no tab. */
  async #chooseWay({ redirect, hasDevice, withinMs }: Of<'way'>): Promise<Answer> {
    assertMayAsk(this.#meeting.forClient, logInWords.ask)
    this.#withinMs = withinMs
    if (hasDevice && findBrowser() === undefined) return { way: 'device' }
    this.#redirect = await listenFor(redirect)
    return { way: 'browser', redirect: this.#redirect.address }
  }

  async #sendBrowser({ address }: Of<'browser'>): Promise<Answer> {
    const redirect = this.#redirect
    if (redirect === undefined) throw new GuardError('protocol-error', 'not expected now')
    const came = redirect.await(address, this.#withinMs)
    const browser = findBrowser()
    if (browser !== undefined) openBrowser(browser, redirect.start)
    const how =
      browser === undefined
        ? 'with a browser of this machine, go to'
        : 'log in with your browser; if none opens, go to'
    this.#meeting.say(`${this.#meeting.policy}: ${how} ${redirect.start}`)
    return { came: await came }
  }

  async #showCode({ code, page, whole }: Of<'device'>): Promise<Answer> {
    const place = plainText(whole ?? page, 500)
    this.#meeting.say(
      `${this.#meeting.policy}: log in at ${place}, and see that it shows the code ${plainText(code, 60)}`,
    )
    return { shown: true }
  }
}
