/** Whose request it is: the peer's address, or what a proxy that we trust says of it. */
import { BlockList, isIP } from 'node:net'

export type PeerAddress = (peer: string | undefined, forwardedFor: string | undefined) => string

/** `::ffff:10.0.0.5` is 10.0.0.5; ports and brackets, which some proxies write, fall away. */
const normal = (text: string): string | undefined => {
  const bare = text
    .trim()
    .replace(/^\[(.*)\](:[0-9]+)?$/, '$1')
    .replace(/^([0-9.]+):[0-9]+$/, '$1')
    .replace(/^::ffff:(?=[0-9.]+$)/i, '')
  return isIP(bare) === 0 ? undefined : bare.toLowerCase()
}

/**
 * `X-Forwarded-For` is read from its right end, each hop only as long as the one that told of it is trusted: what stands
 * further left is whatever the visitor wrote.
 */
export const createPeerAddress = (trustedProxies: readonly string[]): PeerAddress => {
  const trusted = new BlockList()
  for (const entry of trustedProxies) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(bits), family)
  }
  const isTrusted = (address: string): boolean => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

  return (peer, forwardedFor) => {
    let address = peer === undefined ? undefined : normal(peer)
    if (address === undefined) return 'unknown'
    const hops = forwardedFor === undefined ? [] : forwardedFor.split(',')
    while (isTrusted(address)) {
      const told = hops.pop()
      const hop: string | undefined = told === undefined ? undefined : normal(told)
      if (hop === undefined) break
      address = hop
    }
    return address
  }
}

/** What counts as one visitor: an IPv4 address, or the /64 that a provider hands to one household. */
export const visitorOf = (address: string): string => {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const words = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return `${words
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(':')}::/64`
}
