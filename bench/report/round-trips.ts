import type { RoundTrips } from '../workloads/round-trips.ts'

/** Commands to the store. Each is a round trip, since an app sends the next only after the reply. */
export function storeRoundTrips({ store }: RoundTrips): number {
  return Object.values(store).reduce((sum, times) => sum + times, 0)
}

/** `GET, DEL, 3 SET`. */
export function commandsText({ store }: RoundTrips): string {
  return Object.entries(store).map(([command, times]) => (times === 1 ? command : `${count(times)} ${command}`)).join(', ')
}

/** `5 + 1`: round trips to the store and to the provider. */
export function roundTripsText(trips: RoundTrips | null): string {
  return trips === null ? '—' : `${count(storeRoundTrips(trips))} + ${count(trips.providerRequests)}`
}

function count(times: number): string {
  return String(Number(times.toFixed(1)))
}
