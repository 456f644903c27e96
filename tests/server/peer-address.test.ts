import { expect, test } from 'vitest'
import { createPeerAddress, visitorOf } from '../../server/peer-address.ts'

const peerAddress = createPeerAddress(['127.0.0.0/8', '::1', '10.0.0.5', 'fd00::/8'])

test.each([
  ['the peer itself, when nobody speaks for another', '198.51.100.7', undefined, '198.51.100.7'],
  ['the peer, whatever it claims, when it is no proxy of ours', '198.51.100.7', '203.0.113.1', '198.51.100.7'],
  ['what a proxy of ours tells', '127.0.0.1', '203.0.113.1', '203.0.113.1'],
  ['the last hop outside, not what the visitor wrote before it', '127.0.0.1', '6.6.6.6, 203.0.113.1', '203.0.113.1'],
  ['the hop before a second proxy of ours', '127.0.0.1', '6.6.6.6, 203.0.113.1, 10.0.0.5', '203.0.113.1'],
  ['the proxy, when what it tells is no address', '127.0.0.1', 'unknown', '127.0.0.1'],
  ['the last that is an address', '127.0.0.1', 'x, 10.0.0.5', '10.0.0.5'],
  ['an IPv4 peer that the socket writes as IPv6', '::ffff:127.0.0.1', '203.0.113.1', '203.0.113.1'],
  ['an address with its port', '::1', '203.0.113.1:4711', '203.0.113.1'],
  ['an IPv6 address in brackets', 'fd00::2', '[2001:DB8::1]:443', '2001:db8::1'],
  ['nobody, when there is no socket', undefined, '203.0.113.1', 'unknown'],
])('it is %s', (_, peer, forwardedFor, address) => {
  expect(peerAddress(peer, forwardedFor)).toBe(address)
})

test('with no proxies, nobody is believed', () => {
  expect(createPeerAddress([])('127.0.0.1', '203.0.113.1')).toBe('127.0.0.1')
})

test('a household counts as one visitor, however its addresses are written', () => {
  expect(visitorOf('203.0.113.1')).toBe('203.0.113.1')
  expect(visitorOf('2001:db8:0:7::1')).toBe('2001:db8:0:7::/64')
  expect(visitorOf('2001:db8::7:aaaa:bbbb:cccc:dddd')).toBe('2001:db8:0:7::/64')
  expect(visitorOf('2001:0db8:0000:0007:ffff::')).toBe('2001:db8:0:7::/64')
  expect(visitorOf('::1')).toBe('0:0:0:0::/64')
  expect(visitorOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(visitorOf('unknown')).toBe('unknown')
})
