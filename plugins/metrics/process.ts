import { collectDefaultMetrics, Registry } from 'prom-client'

/** Gauges whose names Prometheus keeps for counters; the same numbers stand by kind in `nodejs_active_resources`. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

let registry: Registry | undefined

/** CPU, memory, files, event loop and garbage collection: of the process, however many apps run in it. */
export function processMetrics (): Registry {
  if (registry) return registry
  registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
}
