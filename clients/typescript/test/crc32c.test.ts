import assert from "node:assert/strict";
import { test } from "node:test";

import { crc32c } from "../dist/crc32c.js";

// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
const KNOWN: [string, Uint8Array, number][] = [
  ["nothing", new Uint8Array(0), 0],
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["0 to 31", Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
];

for (const [name, bytes, sum] of KNOWN) {
  test(`the CRC32C of ${name} is the published one`, () => assert.equal(crc32c(bytes), sum));
}
