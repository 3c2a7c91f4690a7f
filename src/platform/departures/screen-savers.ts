import { Bus } from './bus.ts'

const gnome = 'org.gnome.ScreenSaver'
const rules = ['org.freedesktop.ScreenSaver', gnome].map(
  (of) => `type='signal',interface='${of}',member='ActiveChanged'`,
)

interface Options {
  readonly socket: string
  /** `mayBeBlank`: GNOME says so of a screen that is only dark, too, and tells the log-in manager when it is locked. */
  readonly onActive: (mayBeBlank: boolean) => void
  readonly onGone: () => void
}

/**
 * What the desktops' lockers say on the account's own bus. @throws Error where there is no bus
 * (KDE's kscreenlocker says so of a locked screen only; GNOME Shell's js/ui/shellDBus.js of its shield.)
 */
export async function listenToScreenSavers({ socket, onActive, onGone }: Options): Promise<Bus> {
  const bus: Bus = await Bus.connect({
    socket,
    rules,
    onSignal: ({ interface: of, body }) => {
      if (body[0] !== true) return
      if (of !== gnome) onActive(false)
      else void isGnomeShell(bus).then(onActive)
    },
    onGone,
  })
  return bus
}

/** Others that have GNOME's name for it tell no log-in manager. */
const isGnomeShell = (bus: Bus): Promise<boolean> =>
  bus.ownerOf('org.gnome.Shell').then(
    () => true,
    () => false,
  )
