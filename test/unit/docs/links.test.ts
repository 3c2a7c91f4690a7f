import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../../..', import.meta.url).pathname

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].map((name) => join(root, name)),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name)),
]

/** Without what is shown as code: a `[a](b)` there is none. */
const proseOf = (page: string): string =>
  readFileSync(page, 'utf8')
    .replaceAll(/^ *```[^]*?^ *```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')

/** Targets of links and pictures, in Markdown and in HTML. */
const linksOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)|\b(?:href|src)="([^"]+)"/g)].map(
    ([, markdown, html]) => markdown ?? html ?? '',
  )

/** As GitHub makes them: https://docs.github.com/get-started/writing-on-github (section links). */
function anchorsOf(page: string): Set<string> {
  const headings = [
    ...readFileSync(page, 'utf8')
      .replaceAll(/^ *```[^]*?^ *```/gm, '')
      .matchAll(/^#+ (.+)$/gm),
  ]
  const seen = new Map<string, number>()
  return new Set(
    headings.map(([, text = '']) => {
      const slug = text
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
        .replaceAll(' ', '-')
      const before = seen.get(slug) ?? 0
      seen.set(slug, before + 1)
      return before === 0 ? slug : `${slug}-${before}`
    }),
  )
}

/** Why it leads nowhere; undefined where it leads somewhere. */
function fault(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return link.startsWith('https://') ? undefined : `${link}: not https`
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : join(dirname(page), decodeURIComponent(path))
  if (!existsSync(target)) return `${link}: no such file`
  if (anchor === undefined || !target.endsWith('.md')) return undefined
  return anchorsOf(target).has(anchor) ? undefined : `${link}: no such heading`
}

test('every link in README.md, docs and their like leads somewhere', () => {
  const faults = pages.flatMap((page) =>
    linksOf(page).flatMap((link) => {
      const why = fault(page, link)
      return why === undefined ? [] : [`${relative(root, page)}: ${why}`]
    }),
  )
  expect(faults).toEqual([])
})

/** Pages that a reader gets to from this one, by any number of links. */
function reachedFrom(page: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(page) || !existsSync(page)) return seen
  seen.add(page)
  for (const link of linksOf(page)) {
    const [path = ''] = link.split('#')
    if (path.endsWith('.md') && !path.includes(':')) reachedFrom(join(dirname(page), path), seen)
  }
  return seen
}

test('a reader of README.md gets to every page of docs', () => {
  const reached = reachedFrom(join(root, 'README.md'))
  const missing = pages
    .map((page) => relative(root, page))
    .filter((page) => !page.startsWith('docs/decisions/') && !reached.has(join(root, page)))
  expect(missing).toEqual([])
})
