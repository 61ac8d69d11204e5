import assert from "node:assert/strict";
import { test } from "node:test";

import { Code, ConnectError, createClient as createStub, createRouterTransport } from "@connectrpc/connect";
import { followRender, RenderJob_Status, RenderService } from "@threed/client";

/** A render service whose watches break after so many messages, one entry a stream, and what it was asked. */
function breaking(...breaks: number[]) {
  const tokens: string[] = [];
  const transport = createRouterTransport(({ service }) =>
    service(RenderService, {
      async *watchRenderJob(request) {
        if (request.jobId !== "rnd_0") throw new ConnectError("There is no such job.", Code.NotFound);
        tokens.push(request.resumeToken);
        const left = breaks.shift() ?? 3;
        const states = [RenderJob_Status.PENDING, RenderJob_Status.PROCESSING, RenderJob_Status.COMPLETED];
        for (const [number, status] of states.entries()) {
          if (number === left) throw new ConnectError("The server is stopping.", Code.Unavailable);
          const preview = { mediaType: "image/webp" };
          yield {
            renderJob: { status },
            sequence: BigInt(number + 1),
            resumeToken: `token-${number + 1}`,
            ...(request.previews && { preview }),
          };
        }
      },
    }),
  );
  return { client: { renders: createStub(RenderService, transport) }, tokens };
}

test("a watch that breaks goes on from the last message", async () => {
  // Given a server that cuts a watch after its first, and after its second message
  const { client, tokens } = breaking(1, 2);

  // When a job is followed
  const seen: bigint[] = [];
  for await (const change of followRender(client, "rnd_0")) seen.push(change.sequence);

  // Then each change came once, and each stream went on from the last message
  assert.deepEqual(seen, [1n, 2n, 3n]);
  assert.deepEqual(tokens, ["", "token-1", "token-2"]);
});

test("a page that was closed goes on by its token, and sees previews if it wants", async () => {
  const { client, tokens } = breaking();
  const kinds = new Set<string | undefined>();
  const options = { resumeToken: "token-0", previews: true };
  for await (const change of followRender(client, "rnd_0", options)) kinds.add(change.preview?.mediaType);
  assert.deepEqual(tokens, ["token-0"]);
  assert.deepEqual([...kinds], ["image/webp"]);
});

test("a watch of no job is told at once", async () => {
  await assert.rejects(followRender(breaking().client, "rnd_1").next(), { code: Code.NotFound });
});

test("a server that stays away is told in the end", async () => {
  const { client } = breaking(...Array<number>(100).fill(0));
  await assert.rejects(followRender(client, "rnd_0", { patienceMs: 600 }).next(), { code: Code.Unavailable });
});
