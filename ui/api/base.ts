/** The path that the server stands below, without a trailing slash: empty but behind a proxy that adds one. */
export const BASE = document.querySelector<HTMLMetaElement>('meta[name="base"]')?.content ?? ''
