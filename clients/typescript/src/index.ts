/**
 * TypeScript client of threed, an open-source backend for 3D assets: gRPC-Web by fetch, in browsers and in Node.
 *
 * The services and messages are generated from protos/threed/v1; their documentation is the comments of the contract.
 */
export { type Client, type ClientOptions, createClient } from "./client.js";
export { downloadBytes } from "./download.js";
export { errorMetadata, reason } from "./errors.js";
export { type FollowOptions, followRender } from "./render.js";
export { type UploadOptions, type UploadProgress, uploadBlob } from "./upload.js";
export * from "./gen/threed/v1/assets_pb.js";
export * from "./gen/threed/v1/derivatives_pb.js";
export * from "./gen/threed/v1/events_pb.js";
export * from "./gen/threed/v1/recipes_pb.js";
export * from "./gen/threed/v1/render_jobs_pb.js";
export * from "./gen/threed/v1/saved_recipes_pb.js";
export * from "./gen/threed/v1/scenes_pb.js";
export * from "./gen/threed/v1/system_pb.js";
export * from "./gen/threed/v1/uploads_pb.js";
