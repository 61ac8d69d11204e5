import type { DownloadUrl } from "./gen/threed/v1/assets_pb.js";

/**
 * Fetches the file behind a signed URL, as `getAssetDownloadUrl` and `getRenderJobDownloadUrl` give it. Needs no token.
 *
 * Throws when the URL has expired, when the answer breaks off, and when size or SHA-256 are not those that came with the
 * URL. Browsers compute SHA-256 only on pages with TLS and on localhost; elsewhere the size alone is checked.
 */
export async function downloadBytes(from: DownloadUrl, options: { signal?: AbortSignal } = {}): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(from.url, options);
  if (!response.ok) {
    const said = (await response.text()).slice(0, 500);
    throw new Error(`The download was answered with ${response.status} ${response.statusText}: ${said}`);
  }
  const bytes = await response.arrayBuffer();
  const digest = globalThis.crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", bytes)) : from.sha256;
  if (BigInt(bytes.byteLength) !== from.sizeBytes || digest !== from.sha256) {
    throw new Error(
      `Got ${bytes.byteLength} bytes of SHA-256 ${digest}; expected ${from.sizeBytes} of ${from.sha256}: download it again.`,
    );
  }
  return new Uint8Array(bytes);
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
