import { LRUCache } from 'lru-cache'

/**
 * What was used last, by a text: at most `max` entries. Memory is taken as it fills; by lru-cache's own `max` it would
 * be taken at once, tens of milliseconds for a hundred thousand.
 * @param options.ttl milliseconds that an entry lives
 */
export function createLru<V extends {}> (max: number, options: { ttl?: number } = {}): LRUCache<string, V> {
  return new LRUCache<string, V>({ maxSize: max, sizeCalculation: () => 1, ...options })
}
