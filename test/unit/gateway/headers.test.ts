import { expect, test } from 'vitest'
import { asksToImpersonate, requestHeaders, responseHeaders, valueOf } from '../../../src/gateway/headers.ts'

test('what belongs to one connection stays there, also what Connection names', () => {
  const headers = [
    'Connection',
    'x-hop, Keep-Alive',
    'X-Hop',
    '1',
    'TE',
    'trailers',
    'Accept',
    'a',
    'accept',
    'b',
  ]
  expect(requestHeaders(headers)).toEqual(['Accept', 'a', 'accept', 'b'])
  expect(requestHeaders([':method', 'GET', 'Transfer-Encoding', 'chunked', 'upgrade', 'x'])).toEqual([])
})

test('a client does not say who it is', () => {
  const said = [
    'Authorization',
    'Bearer x',
    'X-Remote-User',
    'root',
    'x-remote-extra-scopes',
    'a',
    'Cookie',
    'c',
  ]
  expect(requestHeaders([...said, 'X-Forwarded-For', '1', 'Forwarded', 'for=1', 'Host', 'h'])).toEqual([])
})

test('an answer leads nobody past the gateway, and no web page reads it', () => {
  const said = ['Alt-Svc', 'h3=":443"', 'Access-Control-Allow-Origin', '*', 'Set-Cookie', 'a=b']
  expect(responseHeaders([...said, 'Warning', '299 - "old"'])).toEqual(['Warning', '299 - "old"'])
})

test('whoever asks to be somebody else', () => {
  expect(asksToImpersonate(['impersonate-user', 'root'])).toBe(true)
  expect(asksToImpersonate(['Impersonate-Extra-a', 'b'])).toBe(true)
  expect(asksToImpersonate(['x-impersonate-user', 'root'])).toBe(false)
})

test('a value is found whatever the letters of its name', () => {
  expect(valueOf(['A', '1', 'a', '2'], 'a')).toBe('1')
  expect(valueOf([], 'a')).toBeUndefined()
})
