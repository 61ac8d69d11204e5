import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import {
  Asset_Status,
  type Asset,
  type Client,
  downloadBytes,
  followRender,
  reason,
  type RenderJob,
  RenderJob_Status,
  uploadBlob,
} from "@threed/client";
import { connected, skip } from "./server.js";
import { triangleGlb } from "./triangle.js";

async function checked(client: Client, assetId: string): Promise<Asset> {
  let asset: Asset | undefined;
  for await (const change of client.assets.watchAsset({ assetId })) asset = change.asset;
  assert.ok(asset);
  return asset;
}

async function finished(client: Client, jobId: string): Promise<RenderJob> {
  let job: RenderJob | undefined;
  for await (const change of followRender(client, jobId)) job = change.renderJob;
  assert.ok(job);
  return job;
}

test("a model goes in and a picture of it comes out", { skip }, async () => {
  // Given a model that was uploaded and checked
  const client = connected();
  const uploaded = await uploadBlob(client, triangleGlb(), "triangle.glb", { tags: ["smoke"] });
  const asset = await checked(client, uploaded.assetId);
  assert.equal(asset.status, Asset_Status.VALIDATED);
  assert.equal(asset.model?.triangleCount, 1n);
  assert.deepEqual(asset.tags, ["smoke"]);
  const { events } = await client.events.listEvents({ filter: `asset_id=${asset.assetId}` });
  assert.deepEqual(events.map((event) => [event.type, event.status]), [["asset_ready", "VALIDATED"]]);

  // When a scene with it is rendered
  const node = { id: "triangle", content: { case: "assetId" as const, value: asset.assetId } };
  const scene = await client.scenes.createScene({ scene: { displayName: "One triangle", nodes: [node] } });
  const created = await client.renders.createRenderJob({
    renderJob: { sceneId: scene.sceneId, resolution: { width: 96, height: 64 } },
  });
  const job = await finished(client, created.jobId);
  assert.equal(job.status, RenderJob_Status.COMPLETED);

  // Then the signed URL has a PNG of that size, byte for byte what the job says
  const picture = await downloadBytes(await client.renders.getRenderJobDownloadUrl({ jobId: job.jobId }));
  assert.equal(createHash("sha256").update(picture).digest("hex"), job.output?.sha256);
  const header = new DataView(picture.buffer, picture.byteOffset);
  assert.equal(header.getBigUint64(0), 0x89504e470d0a1a0an);
  assert.deepEqual([header.getUint32(16), header.getUint32(20)], [96, 64]);
});

test("a refusal has the reason of the API", { skip }, async () => {
  await assert.rejects(
    connected().assets.getAsset({ assetId: "ast_00000000000000000000000000" }),
    (error) => reason(error) === "NOT_FOUND",
  );
});

test("the error of an asset that failed has a reason too", { skip }, async () => {
  const client = connected();
  const broken = triangleGlb();
  broken.set(new TextEncoder().encode("no JSON"), 20);

  const asset = await checked(client, (await uploadBlob(client, broken, "broken.glb")).assetId);

  assert.equal(asset.status, Asset_Status.FAILED);
  assert.notEqual(reason(asset.error), "");
});

test("a wrong token is told", { skip }, async () => {
  await assert.rejects(
    connected({ token: "wrong" }).system.getCapabilities({}),
    (error) => reason(error) === "TOKEN_INVALID",
  );
});
