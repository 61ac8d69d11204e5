import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { downloadBytes, DownloadUrlSchema } from "@threed/client";

// SHA-256 of "abc", FIPS 180-2, appendix B.1.
const OF_ABC = { sizeBytes: 3n, sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" };

test("a download that is what its URL promises is given", async () => {
  const bytes = await downloadBytes(create(DownloadUrlSchema, { url: "data:,abc", ...OF_ABC }));
  assert.equal(new TextDecoder().decode(bytes), "abc");
});

for (const [name, body] of [["other bytes", "abd"], ["too few bytes", "ab"]]) {
  test(`a download of ${name} is refused`, async () => {
    await assert.rejects(downloadBytes(create(DownloadUrlSchema, { url: `data:,${body}`, ...OF_ABC })), /download it again/);
  });
}
