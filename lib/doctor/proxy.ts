import type { Agent } from 'node:http'
import type { Finding } from './checks'

/** A proxy that the environment names. */
export interface Proxy {
  readonly finding: Finding
  /** `undefined` if https-proxy-agent is not installed. */
  readonly agent: Agent | undefined
}

const SUBJECT = 'Proxy'

/** Looks for the proxy of a URL in the environment. Neither Node nor this package uses it by itself. */
export async function findProxy(url: string, environment: Readonly<Record<string, string | undefined>>): Promise<Proxy | undefined> {
  const { protocol, hostname } = new URL(url)
  const name = [`${protocol.replace(':', '')}_proxy`.toUpperCase(), `${protocol.replace(':', '')}_proxy`].find((variable) => environment[variable])
  const proxyURL = name && environment[name]
  if (!proxyURL || isExempt(hostname, environment.NO_PROXY ?? environment.no_proxy ?? '')) return undefined
  if (!URL.canParse(proxyURL)) return { finding: { subject: SUBJECT, isFine: false, text: `${name} is not a URL, such as http://proxy.example.com:3128.` }, agent: undefined }
  const remedy = `agent: new HttpsProxyAgent(process.env.${name})`
  try {
    const { HttpsProxyAgent } = await import('https-proxy-agent')
    const text = `The checks use the proxy ${new URL(proxyURL).host} (${name}). Your app doesn't do so by itself: pass ${remedy}.`
    return { finding: { subject: SUBJECT, isFine: true, text }, agent: new HttpsProxyAgent(proxyURL) }
  } catch {
    const text = `${name} is set, but neither Node nor these checks use it by themselves. Install https-proxy-agent, and pass ${remedy}.`
    return { finding: { subject: SUBJECT, isFine: false, text }, agent: undefined }
  }
}

/** Whether `NO_PROXY` lists a host or a domain that it belongs to. */
function isExempt(hostname: string, noProxy: string): boolean {
  const names = noProxy.split(',').map((name) => name.trim().toLowerCase().replace(/^\*?\./, '').replace(/:\d+$/, ''))
  return names.some((name) => name === '*' || (name !== '' && (hostname === name || hostname.endsWith(`.${name}`))))
}
