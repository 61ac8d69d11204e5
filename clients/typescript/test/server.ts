import { type Client, createClient } from "@threed/client";

const url = process.env["THREED_URL"] ?? "";
const token = process.env["THREED_TOKEN"] ?? "";

/** Why the tests of a server are skipped; false when there is one. */
export const skip = url && token ? false : "THREED_URL and THREED_TOKEN say which server; start one with `threed up`.";

/** A client of the server at THREED_URL. */
export function connected(options: { token?: string; fetch?: typeof globalThis.fetch } = {}): Client {
  return createClient({ url, token, ...options });
}
