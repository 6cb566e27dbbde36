import { test } from 'tap'
import { createAddressCheck } from '../../providers/egress-addresses.ts'

test('public addresses are allowed, whatever form they come in', async t => {
  const isAllowed = createAddressCheck([], () => [])
  for (const address of ['93.184.216.34', '1.1.1.1', '2606:4700::1111', '::ffff:93.184.216.34', '64:ff9b::5db8:d822']) {
    t.equal(isAllowed(address), true, address)
  }
})

test('every range that is not the public\'s is refused, also inside of IPv6', async t => {
  const isAllowed = createAddressCheck([], () => [])
  const refused = {
    loopback: ['127.0.0.1', '127.255.255.254', '::1'],
    unspecified: ['0.0.0.0', '0.1.2.3', '::'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    'link-local': ['169.254.1.1', 'fe80::1', 'fe80::1%eth0'],
    metadata: ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16', 'fd20:ce::254'],
    'carrier-grade NAT': ['100.64.0.1'],
    'unique local': ['fc00::1', 'fdff::1'],
    'site-local': ['fec0::1'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
    broadcast: ['255.255.255.255'],
    reserved: ['240.0.0.1', '192.0.0.1', '192.88.99.1'],
    benchmarking: ['198.18.0.1', '2001:2::1'],
    documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    discard: ['100::1'],
    'v4-mapped': ['::ffff:127.0.0.1', '::ffff:a00:1', '::ffff:169.254.169.254'],
    'v4-compatible': ['::127.0.0.1', '::7f00:1', '::a9fe:a9fe', '::5db8:d822'],
    'v4-translated': ['::ffff:0:7f00:1'],
    '6to4': ['2002:7f00:1::', '2002:a00:1::1', '2002:5db8:d822::1'],
    NAT64: ['64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe'],
    'local NAT64': ['64:ff9b:1::7f00:1', '64:ff9b:1:7f00:0:1::', '64:ff9b:1::5db8:d822'],
    Teredo: ['2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    'not assigned': ['4000::1', '8000::1', 'e000::1'],
    'no address': ['', 'localhost', '1.2.3', '0x7f.1', '300.1.1.1', '[::1]']
  }
  for (const [range, addresses] of Object.entries(refused)) {
    for (const address of addresses) t.equal(isAllowed(address), false, `${range}: ${address}`)
  }
})

test('what lies in an allowed range is allowed, by the address that it is; its neighbours are not', async t => {
  const isAllowed = createAddressCheck(['10.1.0.0/16', 'fd12::/16'], () => [])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '64:ff9b::a01:203', 'fd12::1']) t.equal(isAllowed(address), true, address)
  for (const address of ['10.2.0.1', '127.0.0.1', 'fd13::1', '::10.1.2.3', '2002:a01:203::']) t.equal(isAllowed(address), false, address)
})

test('a public address of this machine is not the public: what listens there may not be meant for it', async t => {
  const own = () => ['127.0.0.1', '93.184.216.34', '2606:4700::1']
  const isAllowed = createAddressCheck([], own)
  for (const address of ['93.184.216.34', '::ffff:93.184.216.34', '2606:4700:0::1']) t.equal(isAllowed(address), false, address)
  t.equal(isAllowed('93.184.216.35'), true)
  t.equal(createAddressCheck(['93.184.216.34/32'], own)('93.184.216.34'), true)
})
