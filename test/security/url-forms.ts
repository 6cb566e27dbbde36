/** URLs that lead to where no endpoint of a connection may lead, in the forms that get past filters. */

/** What the names of the forms stand for; any other has no address. */
export const NAMES: Record<string, string[]> = {
  localhost: ['127.0.0.1', '::1'],
  'localhost.': ['127.0.0.1'],
  'api.localhost': ['127.0.0.1'],
  'localhost.localdomain': ['127.0.0.1'],
  'ip6-localhost': ['::1'],
  '127.0.0.1.nip.io': ['127.0.0.1'],
  '127-0-0-1.sslip.io': ['127.0.0.1'],
  '7f000001.nip.io': ['127.0.0.1'],
  'lvh.me': ['127.0.0.1', '::1'],
  'localtest.me': ['::1'],
  'xn--lcalhost-54a.test': ['127.0.0.1'],
  'metadata.google.internal': ['169.254.169.254'],
  metadata: ['169.254.169.254'],
  'instance-data.ec2.internal': ['fd00:ec2::254', '169.254.169.254'],
  'public-and-private.test': ['93.184.216.34', '127.0.0.1'],
  'private-last.test': ['2606:4700::1111', '93.184.216.34', '1.1.1.1', '::1'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'compatible.test': ['::127.0.0.1'],
  'nat64.test': ['64:ff9b::7f00:1'],
  'zone.test': ['fe80::1%eth0'],
  'intranet.test': ['10.0.0.5']
}

/** @param port where something listens on 127.0.0.1 and ::1 */
export function urlForms (port: number): string[] {
  const hosts = [
    '127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '127.0.0.1.', '127.000.000.001', '2130706433', '017700000001',
    '0x7f000001', '0x7F.0.0.1', '0x7f.1', '0177.0.0.1', '0177.1', '00000177.0x0.0.01', '127.0x0.1', '0', '0.0.0.0', '0x0',
    '127。0。0。1', '127%2E0%2E0%2E1', '%31%32%37.0.0.1', '１２７.０.０.１', '①②⑦.⓪.⓪.①', '𝟏𝟐𝟕.𝟎.𝟎.𝟏', '127.0.0.\u00AD1',
    '[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]',
    '[::FFFF:7F00:0001]', '[0:0:0:0:0:ffff:127.0.0.1]', '[::127.0.0.1]', '[::7f00:1]', '[::ffff:0:7f00:1]', '[64:ff9b::127.0.0.1]',
    '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[64:ff9b:1:7f00:0:1::]', '[2002:7f00:1::]', '[2002:7f00:1::1]',
    '[2001:0:7f00:1::]', '[2001:0:4136:e378:8000:63bf:80ff:fffe]', '[fe80::1]', '[fe80::1%25lo]', '[::1%25lo]', '[::1%lo]',
    '[fec0::1]', '[fc00::1]', '[ff02::1]',
    '169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '[::ffff:a9fe:a9fe]', '[::a9fe:a9fe]',
    '[fd00:ec2::254]', '168.63.129.16', '100.100.100.200', '192.0.0.192', '169.254.170.2',
    '10.0.0.1', '172.17.0.1', '192.168.0.1', '100.64.0.1', '198.18.0.1', '255.255.255.255', '[::ffff:10.0.0.1]',
    'LOCALHOST', 'LocalHost.', 'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ', ...Object.keys(NAMES)
  ]
  const tricks = [
    `https://public.test@127.0.0.1:${port}`, `https://public.test:443@127.0.0.1:${port}/`, `https://@127.0.0.1:${port}`,
    `https://127.0.0.1:${port}#@public.test`, `https://127.0.0.1:${port}?@public.test/`, `https://127.0.0.1:${port}\\@public.test`,
    `https://public.test\\@127.0.0.1:${port}`, `https:\\\\127.0.0.1:${port}`, `https:127.0.0.1:${port}`, `https:/127.0.0.1:${port}`,
    `https:///127.0.0.1:${port}`, `https://\t127.0.0.1:${port}`, `https://127.0.0.1:${port}%00.public.test`, ` https://127.0.0.1:${port}`,
    `https://127.0.0.1\n:${port}`, `http://127.0.0.1:${port}`, `HTTPS://127.0.0.1:${port}`, `//127.0.0.1:${port}`,
    `ftp://127.0.0.1:${port}`, 'file:///etc/passwd', `https://127.0.0.1:${port}/%2e%2e/`, `https://[::1]:${port}:443`
  ]
  return [...hosts.map(host => `https://${host}:${port}`), ...tricks]
}
