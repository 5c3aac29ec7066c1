import type { Resource } from './api-resources'
import { jsonResponse, type SandboxRequest, type SandboxResponse } from './http'

const DEFAULT_PAGE_SIZE = 50
const MAX_PAGE_SIZE = 1000

/**
 * One page of a list, in the format of Twilio's API version 2010-04-01. The query's `Page` and `PageSize` select the page.
 *
 * @param name the field that holds the resources
 */
export function pageResponse({ path, query }: SandboxRequest, name: string, resources: readonly Resource[]): SandboxResponse {
  const size = Math.max(1, Math.min(MAX_PAGE_SIZE, Number(query.get('PageSize') ?? DEFAULT_PAGE_SIZE) || DEFAULT_PAGE_SIZE))
  const page = Math.max(0, Number(query.get('Page') ?? 0) || 0)
  const start = page * size
  const uriOf = (number: number) => `${path}?PageSize=${size}&Page=${number}`
  return jsonResponse(200, {
    [name]: resources.slice(start, start + size),
    first_page_uri: uriOf(0),
    next_page_uri: start + size < resources.length ? uriOf(page + 1) : null,
    previous_page_uri: page > 0 ? uriOf(page - 1) : null,
    page,
    page_size: size,
    start,
    end: Math.max(start, Math.min(start + size, resources.length) - 1),
    uri: uriOf(page)
  })
}
